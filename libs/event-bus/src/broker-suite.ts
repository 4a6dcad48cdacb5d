/** The suite of the port on a real broker, and what only a real broker can show, for either client. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createLog } from '@osago/service-kit';
import { type EventBusClient, createEventBus, EVENT_BUS_CLIENTS } from './create-event-bus.ts';
import type { EventBus } from './event-bus.ts';
import { describeEventBus } from './event-bus-suite.ts';
import { brokersIn, SuiteBroker } from './suite-broker.ts';
import { bodiesOf, isWritten, Member, messages, until } from './suite-readers.ts';
import { type BusUnderTest, TEST_MS } from './suite-setting.ts';

/** Growth is seen by the next look at the metadata; a test does not wait 30 s for it. */
const METADATA_MAX_AGE_MS = 200;
/** Short, and yet a member on a machine that stands still for seconds stays in its group. */
const SESSION_MS = 6_000;
/** The port of "discard", which nobody serves. */
const NOBODY = '127.0.0.1:9';

const log = createLog('event-bus-test', 'silent');

const connect = (client: EventBusClient, brokers: readonly string[]): Promise<EventBus> =>
  createEventBus({ log }, { client, brokers, clientId: 'event-bus-test', metadataMaxAgeMs: METADATA_MAX_AGE_MS });

/** How a broker is reached. */
export interface Way {
  readonly brokers: readonly string[];
  /** Where something stands between that can take it away. */
  readonly setAway?: (away: boolean) => void;
  readonly close?: () => Promise<void>;
}

/** `address` as in KAFKA_BROKERS. */
export const describeOnBroker = (client: EventBusClient, address: string | undefined): void => {
  const direct = (): Promise<Way> => Promise.resolve({ brokers: brokersIn(address) });
  describePortOnBroker(client, direct, { outages: false });
  describeAdapter(client, address);
};

/** The suite of the port alone, on a broker that is reached in any way. */
export const describePortOnBroker = (client: EventBusClient, open: () => Promise<Way>, { outages }: { outages: boolean }): void => {
  const start = async (): Promise<BusUnderTest> => {
    const way = await open();
    const broker = await SuiteBroker.connect(way.brokers);
    const bus = await connect(client, broker.brokers);
    return {
      bus,
      createTopic: (partitions) => broker.createTopic(partitions),
      grow: (topic, partitions) => broker.grow(topic, partitions),
      remake: (topic, partitions) => broker.remake(topic, partitions),
      committed: (group, topic) => broker.committed(group, topic),
      groups: (prefix) => broker.groups(prefix),
      ...(way.setAway && { setAway: way.setAway }),
      close: async () => {
        await bus.close();
        await broker.close();
        await way.close?.();
      },
    };
  };
  describeEventBus(client, start, { outages });
};

const describeAdapter = (client: EventBusClient, address: string | undefined): void => {
  describe(`${client} adapter`, () => {
    let broker: SuiteBroker;
    let bus: EventBus;

    beforeAll(async () => {
      broker = await SuiteBroker.connect(brokersIn(address));
      bus = await connect(client, broker.brokers);
    }, TEST_MS);
    afterAll(async () => {
      await bus.close();
      await broker.close();
    }, TEST_MS);

    const join = (group: string, topic: string, by = bus): Member =>
      new Member(by, { group, topics: [topic], inFlightMax: 100, sessionTimeoutMs: SESSION_MS });

    it('rejects within ten seconds on what waiting cannot heal', async () => {
      const topic = await broker.createTopic(1);
      const subscription = bus.subscribe(
        { group: broker.newName(), topics: [topic], inFlightMax: 1, sessionTimeoutMs: 30 },
        { onRecord: () => undefined },
      );
      const startedAtMs = performance.now();
      await expect(subscription.run(new AbortController().signal)).rejects.toMatchObject({
        name: 'EventBusError',
        retriable: false,
      });
      expect(performance.now() - startedAtMs).toBeLessThan(10_000);
      expect(subscription.health().phase).toBe('stopped');
    }, TEST_MS);

    it('waits for a topic that is not there yet', async () => {
      const topic = broker.newName();
      const member = join(broker.newName(), topic);
      await until(() => member.subscription.health().phase === 'joining');
      await broker.createTopic(1, topic);
      await bus.publish(messages(topic, 0, ['a1']));
      await until(() => member.records.length === 1);
      await member.stop();
    }, TEST_MS);

    /** A member whose bus says its alarms to us. */
    const joinAloud = async (group: string, topic: string): Promise<{ member: Member; alarms: string[]; stop: () => Promise<void> }> => {
      const alarms: string[] = [];
      const loud = await createEventBus(
        { log: createLog('event-bus-test', 'error', { write: (line) => alarms.push(line) }) },
        { client, brokers: broker.brokers, clientId: 'event-bus-test' },
      );
      const member = join(group, topic, loud);
      return {
        member,
        alarms,
        stop: async () => {
          await member.stop();
          await loud.close();
        },
      };
    };

    it('alarms when retention has taken the committed record, and begins again at the earliest', async () => {
      const topic = await broker.createTopic(1);
      const group = broker.newName();
      await bus.publish(messages(topic, 0, ['a1', 'a2', 'a3', 'a4']));
      const first = join(group, topic);
      await until(() => first.records.length === 4);
      first.finish((body) => body === 'a1');
      await first.stop();
      await broker.deleteRecordsBelow(topic, 3n);
      const { member, alarms, stop } = await joinAloud(group, topic);
      await until(() => member.records.length === 1);
      expect(member.records[0]?.offset).toBe(3n);
      const lost = alarms.filter((line) => line.includes('records were lost unread'));
      expect(lost[0]).toContain(`"topic":"${topic}","partition":0`);
      await stop();
    }, TEST_MS);

    it('alarms when the committed offset is beyond the log, and never skips to its end', async () => {
      const topic = await broker.createTopic(1);
      const group = broker.newName();
      await bus.publish(messages(topic, 0, ['a1', 'a2']));
      await broker.setCommitted(group, topic, 100n);
      const { member, alarms, stop } = await joinAloud(group, topic);
      await until(() => member.records.length === 2);
      expect(bodiesOf(member.records)).toEqual(['a1', 'a2']);
      expect(alarms[0]).toContain(`"topic":"${topic}","partition":0`);
      await stop();
    }, TEST_MS);

    it('alarms when a topic is made anew below what was committed', async () => {
      const topic = await broker.createTopic(1);
      const group = broker.newName();
      const { member, alarms, stop } = await joinAloud(group, topic);
      const failures: unknown[] = [];
      void member.failed().then((error) => failures.push(error), () => undefined);
      await bus.publish(messages(topic, 0, ['old 1', 'old 2', 'old 3']));
      await until(() => member.records.length === 3);
      member.finish(() => true);
      await until(async () => (await broker.committed(group, topic))[0] === 3n);
      await broker.remake(topic, 1);
      await until(async () => isWritten(await bus.publish(messages(topic, 0, ['new']))));
      await until(() => failures.length > 0 || alarms.some((line) => line.includes('made anew')));
      await stop();
    }, TEST_MS);

    it('shares a group with a member on the other client, and hands it what is not done', async () => {
      const topic = await broker.createTopic(4);
      const group = broker.newName();
      const [other = client] = EVENT_BUS_CLIENTS.filter((name) => name !== client);
      const otherBus = await connect(other, broker.brokers);
      const [mine, theirs] = [join(group, topic), join(group, topic, otherBus)];
      await until(() => mine.held().length === 2 && theirs.held().length === 2);
      for (const partition of [0, 1, 2, 3]) await bus.publish(messages(topic, partition, ['done', `open ${partition}`]));
      await until(() => mine.records.length === 4 && theirs.records.length === 4);
      for (const member of [mine, theirs]) member.finish((body) => body === 'done');
      const moved = mine.held().map(({ partition }) => `open ${partition}`);
      await mine.stop();
      await until(() => theirs.held().length === 4 && theirs.records.length === 6);
      expect(bodiesOf(theirs.records.slice(4)).sort()).toEqual(moved.sort());
      await theirs.stop();
      await otherBus.close();
    }, TEST_MS);

    it('answers and stops in bounded time while the broker is away', async () => {
      const away = await createEventBus({ log }, { client, brokers: [NOBODY], clientId: 'event-bus-test' });
      const startedAtMs = performance.now();
      const [answer] = await away.publish(messages('anything', 0, ['a']));
      expect(answer).toMatchObject({ ok: false, error: { name: 'PublishError', retriable: true } });
      await expect(away.ping()).rejects.toMatchObject({ name: 'EventBusError', retriable: true });
      await join('anything', 'anything', away).stop();
      await away.close();
      expect(performance.now() - startedAtMs).toBeLessThan(30_000);
    }, TEST_MS);

    it('is hardly awake when idle: fewer than 50 timers and 7 requests a second, and no warning', async () => {
      const topic = await broker.createTopic(12);
      const args = [probe, client, broker.brokers.join(), topic];
      const { stdout, stderr } = await promisify(execFile)(process.execPath, args, { env: {} });
      const { timers, requests } = JSON.parse(stdout) as { timers: number; requests: number };
      expect(timers).toBeLessThan(50);
      expect(requests).toBeLessThan(7);
      expect(stderr).not.toContain('TimeoutNegativeWarning');
      expect(stderr).toBe('');
    }, TEST_MS);
  });
};

const probe = join(import.meta.dirname, 'idle-timers.probe.ts');
