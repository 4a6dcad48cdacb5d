/**
 * A broker of its own that freezes, and one that goes and comes back, under both clients at once: what is lost, and what
 * is seen of it.
 */
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
// eslint-disable-next-line @nx/enforce-module-boundaries -- a broker to stop and start, which only a tool has
import { Children, type KafkaPart, startKafka } from '@osago/local-parts';
import { createLog } from '@osago/service-kit';
import { createEventBus, EVENT_BUS_CLIENTS } from './create-event-bus.ts';
import type { EventBus } from './event-bus.ts';
import { SuiteBroker } from './suite-broker.ts';
import { bodiesOf, isWritten, Member, messages, Reader, until } from './suite-readers.ts';
import { TEST_MS } from './suite-setting.ts';

/** Far below {@link RED_MS}. */
const SEEN_MS = 3_000;
/** After this time an app calls itself unwell. */
const RED_MS = 10_000;
/** A connection that answers is a second old at most: the heartbeat's interval. */
const LIVE_MS = 1_500;

class Use {
  readonly client: string;
  readonly topic: string;
  readonly bus: EventBus;
  readonly member: Member;
  readonly reader: Reader;

  constructor(client: string, bus: EventBus, { topic, group }: { topic: string; group: string }) {
    this.client = client;
    this.topic = topic;
    this.bus = bus;
    this.member = new Member(bus, { group, topics: [topic], inFlightMax: 100 });
    this.reader = new Reader(bus, { topics: [topic], fromMs: 0, groupPrefix: `tail-${group}` });
  }

  /** The better of the two readers: how long the broker has answered neither. */
  silentMs(): number {
    const { member, reader } = this;
    return Date.now() - Math.max(member.subscription.health().lastHeardAtMs, reader.tail.health().lastFetchAtMs);
  }

  isLive(): boolean {
    const { member, reader } = this;
    return Date.now() - Math.min(member.subscription.health().lastHeardAtMs, reader.tail.health().lastFetchAtMs) < LIVE_MS;
  }

  async write(partition: number, ...bodies: string[]): Promise<void> {
    await until(async () => isWritten(await this.bus.publish(messages(this.topic, partition, bodies))));
  }

  async stop(): Promise<void> {
    await Promise.all([this.member.stop(), this.reader.stop()]);
  }
}

describe('readers and writers of both clients', () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'osago-event-bus-'));
  const children = new Children({ logDir: join(dataDir, 'logs') });
  const root = join(import.meta.dirname, '..', '..', '..');
  const log = createLog('event-bus-test', 'silent');
  let kafka: KafkaPart;
  let broker: SuiteBroker;
  let buses: { client: string; bus: EventBus }[];
  /** Made at the start: a broker that has just woken up is fenced for a moment, and no topic can be made then. */
  const topics: string[] = [];

  beforeAll(async () => {
    children.removeAtEnd(dataDir);
    kafka = await startKafka({ children, root, dataDir, fast: true });
    const { brokers } = kafka;
    broker = await SuiteBroker.connect(brokers);
    while (topics.length < 2 * EVENT_BUS_CLIENTS.length) topics.push(await broker.createTopic(2));
    buses = await Promise.all(
      EVENT_BUS_CLIENTS.map(async (client) => ({
        client,
        bus: await createEventBus({ log }, { client, brokers, clientId: 'event-bus-test' }),
      })),
    );
  }, TEST_MS);
  afterAll(async () => {
    for (const { bus } of buses) await bus.close();
    await broker.close();
    await children.close();
  }, TEST_MS);

  const running: Use[] = [];
  afterEach(async () => {
    await Promise.all(running.splice(0).map((use) => use.stop()));
  }, TEST_MS);

  const setup = (): Promise<Use[]> =>
    Promise.all(
      buses.map(async ({ client, bus }) => {
        const use = new Use(client, bus, { topic: topics.pop() ?? '', group: broker.newName() });
        running.push(use);
        await use.write(0, 'a1', 'a2');
        await use.write(1, 'b1');
        await until(() => use.member.records.length >= 3 && use.reader.records.length >= 3 && use.isLive());
        return use;
      }),
    );

  it('show in their health that a broker answers nothing, and go on when it does', async () => {
    const uses = await setup();
    process.kill(kafka.pid ?? 0, 'SIGSTOP');
    const frozenAtMs = performance.now();
    try {
      await until(() => uses.every((use) => use.silentMs() > SEEN_MS));
      expect(performance.now() - frozenAtMs).toBeLessThan(RED_MS);
    } finally {
      process.kill(kafka.pid ?? 0, 'SIGCONT');
    }
    await until(() => uses.every((use) => use.isLive()));
    for (const use of uses) {
      await use.write(0, 'a3');
      await until(() => use.member.count('a3') > 0 && bodiesOf(use.reader.records).includes('a3'));
    }
  }, TEST_MS);

  it('lose nothing while the broker restarts: a refused record is told, a reader goes on where it was', async () => {
    const uses = await setup();
    for (const { member } of uses) member.finish((body) => body === 'a1');
    await kafka.stop();
    const startedAtMs = performance.now();
    const refusals = uses.map(({ bus, topic }) =>
      bus.publish([...messages(topic, 0, ['refused']), ...messages(topic, 1, ['refused'])]),
    );
    const refused = { ok: false, error: { retriable: true } };
    expect(await Promise.all(refusals)).toMatchObject([[refused, refused], [refused, refused]]);
    expect(performance.now() - startedAtMs).toBeLessThan(20_000);
    kafka = await startKafka({ children, root, dataDir, fast: true, port: kafka.port });
    await Promise.all(uses.map((use) => use.write(1, 'b2')));
    for (const { client, member, reader } of uses) {
      await until(() => member.count('b2') > 0 && bodiesOf(reader.records).includes('b2'));
      expect([client, ...bodiesOf(reader.records, 0)]).toEqual([client, 'a1', 'a2']);
      expect([client, ...bodiesOf(reader.records, 1)]).toEqual([client, 'b1', 'b2']);
      // A restart that outlasts the session hands what was not committed over once more.
      expect([client, ...new Set(bodiesOf(member.records))].sort()).toEqual([client, 'a1', 'a2', 'b1', 'b2'].sort());
    }
  }, TEST_MS);
});
