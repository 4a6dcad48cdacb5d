/** The relay while the broker, or a part of it, is away; and several relays over one table. */
import { afterEach, describe, expect, test } from '@jest/globals';
import { TOPICS } from '@osago/contracts';
import { type EventBus, MemoryEventBus, type OutgoingRecord, type PublishAnswer, PublishError } from '@osago/event-bus';
import { createMetrics } from '@osago/service-kit';
import fc from 'fast-check';
import type { OutboxRow } from './outbox.ts';
import { Relay } from './relay.ts';
import { Cleanup, rememberingLog, turn, until } from './testing-events.ts';
import { FakeOutbox, metricOf, rowOf, SkippableTime } from './testing-outbox.ts';
import { seededRandom } from './testing-random.ts';

type Publish = EventBus['publish'];

const PARTITIONS = 4;
const cleanup = new Cleanup();
afterEach(() => cleanup.run());

const setup = (script?: (bus: MemoryEventBus) => Publish) => {
  const bus = new MemoryEventBus({ topics: { [TOPICS.requests]: PARTITIONS } });
  const outbox = new FakeOutbox();
  const time = new SkippableTime();
  /** A relay of its own over the same table. */
  const startRelay = () => {
    const metrics = createMetrics('core-app');
    const deps = { outbox, bus: script ? { publish: script(bus) } : bus, log: rememberingLog(), metrics };
    const relay = new Relay(deps, time);
    const stop = new AbortController();
    const running = relay.run(stop.signal);
    const stopped = (): Promise<void> => {
      stop.abort();
      return running;
    };
    cleanup.add(stopped);
    return { relay, metrics, stop: stopped };
  };
  const published = (): string[] => bus.records(TOPICS.requests).map(({ value }) => String(value));
  const skip = (ms: number): void => time.skip(ms);
  return { bus, outbox, published, skip, startRelay };
};

const refused = (records: readonly OutgoingRecord[]): PublishAnswer[] =>
  records.map(() => ({ ok: false, error: new PublishError('no leader', { retriable: true }) }));
const isOf = (partition: number, records: readonly OutgoingRecord[]): boolean =>
  records.some((record) => record.partition === partition);

describe('a broker that is away for long', () => {
  test('costs memory for some rows, whatever comes, and all of them are on the log when it is back', async () => {
    const { bus, outbox, published, skip, startRelay } = setup();
    const { relay, metrics } = startRelay();
    bus.setAway(true);
    const COUNT = 25_000;
    for (let id = 1; id <= COUNT; id += 1) {
      relay.send(outbox.born(rowOf(id, `request-${id % 20_000}`, id % PARTITIONS)));
      if (id % 5_000 === 0) {
        await turn();
        skip(5_000);
        expect(await metricOf(metrics, 'osago_relay_rows_in_memory')).toBeLessThanOrEqual(11_000);
      }
    }
    outbox.expire();
    skip(300_000);
    bus.setAway(false);
    await until(() => outbox.rows.size === 0, 20_000);
    const at = new Map(published().map((event, index) => [event, index]));
    expect(at.size).toBe(COUNT);
    // The second rows of some requests come after the first.
    for (let id = 1; id <= 5_000; id += 1) {
      expect(at.get(`event ${id + 20_000}`)).toBeGreaterThan(at.get(`event ${id}`)!);
    }
  }, 30_000);

  test('is asked less and less often, and so is Postgres', async () => {
    const { bus, outbox, skip, startRelay } = setup();
    bus.setAway(true);
    outbox.add(rowOf(1));
    startRelay();
    await until(() => outbox.released.length === 1);
    // 60 s in steps of 100 ms: rests of 0.25, 0.5, 1, 2 and then 4 s, found by a poll a second.
    for (let step = 0; step < 600; step += 1) {
      skip(100);
      for (let turns = 0; turns < 4; turns += 1) await turn();
    }
    expect(outbox.released.length).toBeGreaterThan(12);
    expect(outbox.released.length).toBeLessThan(22);
  });

  test('finds rows that waited too long in memory among those that are claimed', async () => {
    const { bus, outbox, published, skip, startRelay } = setup();
    bus.setAway(true);
    const { relay } = startRelay();
    relay.send(outbox.born(rowOf(1)));
    await until(() => outbox.released.includes('1'));
    relay.send(outbox.born(rowOf(2)));
    skip(16_000);
    await until(() => outbox.released.includes('2'));
    bus.setAway(false);
    skip(4_000);
    await until(() => outbox.rows.size === 0);
    expect(published().sort()).toEqual(['event 1', 'event 2']);
    expect(outbox.handedOut).toContain('2');
  });
});

describe('a partition without a leader', () => {
  test('holds up no other, however many of its rows are the oldest', async () => {
    const { outbox, startRelay, published } = setup((bus) => (records) =>
      isOf(0, records) ? Promise.resolve(refused(records)) : bus.publish(records),
    );
    for (let id = 1; id <= 1_500; id += 1) outbox.add(rowOf(id, `request-${id}`, 0));
    for (let id = 1_501; id <= 1_510; id += 1) outbox.add(rowOf(id, `request-${id}`, 1));
    startRelay();
    await until(() => published().length === 10);
    await until(() => outbox.rows.size === 1_500);
  });

  test('whose send hangs is waited for beside the others, and its claims are extended', async () => {
    const hanging = Promise.withResolvers<PublishAnswer[]>();
    let hangs = 0;
    const { outbox, published, startRelay } = setup((bus) => (records) => {
      if (!isOf(0, records)) return bus.publish(records);
      hangs += 1;
      return hanging.promise;
    });
    Object.assign(outbox, { claimS: 0.6 });
    const { relay } = startRelay();
    relay.send(outbox.born(rowOf(1, 'slow', 0)));
    await turn();
    relay.send(outbox.born(rowOf(2, 'quick', 1)));
    relay.send(outbox.born(rowOf(3, 'behind', 0)));
    await until(() => published().includes('event 2'));
    await until(() => outbox.extended.length >= 2);
    expect(new Set(outbox.extended)).toEqual(new Set(['1']));
    expect(hangs).toBe(1);
    hanging.resolve([{ ok: true, offset: 0n }]);
    await until(() => !outbox.rows.has('1'));
  });
});

describe('a relay that stops', () => {
  test('while the broker is away leaves its rows free for another pod, and does not try them all', async () => {
    let calls = 0;
    const { outbox, startRelay } = setup(() => (records) => {
      calls += 1;
      return Promise.resolve(refused(records));
    });
    const { relay, stop } = startRelay();
    for (let id = 1; id <= 5_000; id += 1) relay.send(outbox.born(rowOf(id)));
    await stop();
    expect([...outbox.rows.values()].filter(({ isClaimed }) => isClaimed)).toEqual([]);
    expect(calls).toBeLessThanOrEqual(2);
  });
});

/** What happens to one send: how many turns it takes, and how it ends. */
const sends = fc.infiniteStream(
  fc.record({ turns: fc.nat({ max: 6 }), result: fc.constantFrom('ok', 'ok', 'ok', 'refused', 'written, and refused') }),
);

describe('several relays over one table', () => {
  test('keep the order of each request, whatever the broker does to their sends', async () => {
    const property = fc.asyncProperty(sends, fc.array(fc.nat({ max: 5 }), { minLength: 1, maxLength: 40 }), async (script, requests) => {
      const { bus, outbox, published, skip, startRelay } = setup((log) => async (records) => {
        const { turns, result } = script.next().value as { turns: number; result: string };
        for (let at = 0; at < turns; at += 1) await turn();
        const answers = result === 'refused' ? refused(records) : await log.publish(records);
        return result === 'ok' ? answers : refused(records);
      });
      const rows: OutboxRow[] = requests.map((request, at) => rowOf(at + 1, `request-${request}`, request % PARTITIONS));
      for (const row of rows) outbox.add(row);
      const relays = [startRelay(), startRelay(), startRelay()];
      await until(() => {
        skip(1_000);
        return outbox.rows.size === 0;
      });
      await Promise.all(relays.map(({ stop }) => stop()));
      const firstAt = (id: string): number => published().indexOf(`event ${id}`);
      for (const [at, row] of rows.entries()) {
        expect(firstAt(row.id)).toBeGreaterThanOrEqual(0);
        const next = rows.slice(at + 1).find(({ request_id }) => request_id === row.request_id);
        if (next) expect(firstAt(next.id)).toBeGreaterThan(published().lastIndexOf(`event ${row.id}`));
      }
      expect(bus.records(TOPICS.requests).length).toBeGreaterThanOrEqual(rows.length);
    });
    await fc.assert(property, { numRuns: 25 });
  }, 60_000);

  test.each([1, 2, 3])('keep the order of each request in a long backlog, whose next rows are claimed before these are sent: seed %d', async (seed) => {
    const random = seededRandom(seed);
    const { outbox, published, skip, startRelay } = setup((log) => async (records) => {
      for (let turns = Math.floor(random() * 5); turns > 0; turns -= 1) await turn();
      const dice = random();
      const answers = dice < 0.15 ? refused(records) : await log.publish(records);
      return dice < 0.3 ? refused(records) : answers;
    });
    const rows = Array.from({ length: 4_000 }, (_, at) => {
      const request = Math.floor(random() * 1_500);
      return outbox.add(rowOf(at + 1, `request-${request}`, request % PARTITIONS));
    });
    const relays = [startRelay(), startRelay()];
    await until(() => {
      skip(1_000);
      return outbox.rows.size === 0;
    }, 20_000);
    await Promise.all(relays.map(({ stop }) => stop()));
    const first = new Map<string, number>();
    const last = new Map<string, number>();
    for (const [at, event] of published().entries()) {
      if (!first.has(event)) first.set(event, at);
      last.set(event, at);
    }
    expect(first.size).toBe(rows.length);
    for (const later of Map.groupBy(rows, ({ request_id }) => request_id).values()) {
      for (const [at, row] of later.entries()) {
        const next = later[at + 1];
        if (next) expect(first.get(`event ${next.id}`)).toBeGreaterThan(last.get(`event ${row.id}`)!);
      }
    }
  }, 30_000);
});
