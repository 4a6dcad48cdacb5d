import { afterEach, describe, expect, test } from '@jest/globals';
import { TOPICS } from '@osago/contracts';
import { type EventBus, MemoryEventBus, type OutgoingRecord, type PublishAnswer, PublishError } from '@osago/event-bus';
import { createMetrics } from '@osago/service-kit';
import { Relay } from './relay.ts';
import { Cleanup, rememberingLog, until } from './testing-events.ts';
import { FakeOutbox, metricOf, rowOf, SkippableTime } from './testing-outbox.ts';

const cleanup = new Cleanup();
afterEach(() => cleanup.run());

type Publish = EventBus['publish'];

const setup = (publish?: Publish, time?: SkippableTime) => {
  const bus = new MemoryEventBus({ topics: { [TOPICS.requests]: 2 } });
  const outbox = new FakeOutbox();
  const log = rememberingLog();
  const metrics = createMetrics('core-app');
  const relay = new Relay({ outbox, bus: publish ? { publish } : bus, log, metrics }, time);
  const stop = new AbortController();
  const start = (): void => {
    const running = relay.run(stop.signal);
    cleanup.add(() => {
      stop.abort();
      return running;
    });
  };
  const published = (): string[] => bus.records(TOPICS.requests).map(({ value }) => String(value));
  return { bus, outbox, log, metrics, relay, start, stop, published };
};

const refusal = (retriable: boolean): PublishAnswer => ({ ok: false, error: new PublishError('refused', { retriable }) });
const accepted = (records: readonly OutgoingRecord[]): PublishAnswer[] =>
  records.map((_, at) => ({ ok: true, offset: BigInt(at) }));

describe('the relay', () => {
  test('sends a new row from memory, without a claim, and deletes it', async () => {
    const { bus, outbox, relay, start } = setup();
    start();
    relay.send(outbox.born(rowOf(1)));
    await until(() => outbox.rows.size === 0);
    expect(outbox.handedOut).toEqual([]);
    expect(bus.records(TOPICS.requests)).toEqual([
      expect.objectContaining({
        partition: 1,
        key: 'request-1',
        value: Buffer.from('event 1'),
        headers: { 'content-type': 'application/cloudevents+json', traceparent: 'trace 1' },
      }),
    ]);
  });

  test('finds what was left by others, in order of the rows of a request', async () => {
    const { outbox, published, start } = setup();
    for (const row of [rowOf(1, 'same'), rowOf(2, 'same'), rowOf(3)]) outbox.add(row);
    start();
    await until(() => outbox.rows.size === 0);
    expect(published()).toEqual(['event 1', 'event 3', 'event 2']);
  });

  test('keeps a row whose record the broker may take later, and sends it again', async () => {
    const { bus, outbox, published, relay, start } = setup();
    bus.setAway(true);
    start();
    relay.send(outbox.born(rowOf(1)));
    await until(() => outbox.released.includes('1'));
    expect(outbox.rows.has('1')).toBe(true);
    bus.setAway(false);
    await until(() => outbox.rows.size === 0);
    expect(published()).toEqual(['event 1']);
  });

  test('takes an answer that is missing for a failure', async () => {
    let calls = 0;
    const { outbox, relay, start } = setup((records) => {
      calls += 1;
      return Promise.resolve(calls === 1 ? accepted(records).slice(0, 1) : accepted(records));
    });
    relay.send(outbox.born(rowOf(1)));
    relay.send(outbox.born(rowOf(2)));
    start();
    await until(() => outbox.rows.size === 0);
    expect(outbox.released).toEqual(['2']);
    expect(outbox.handedOut).toEqual(['2']);
  });

  test('takes a hole among the answers for a failure of that row alone', async () => {
    let calls = 0;
    const { log, outbox, relay, start } = setup((records) => {
      calls += 1;
      // As an adapter leaves it that fills in the answers by position.
      const answers: PublishAnswer[] = [];
      for (const [at, answer] of accepted(records).entries()) if (calls > 1 || at > 0) answers[at] = answer;
      return Promise.resolve(answers);
    });
    relay.send(outbox.born(rowOf(1)));
    relay.send(outbox.born(rowOf(2)));
    start();
    await until(() => outbox.rows.size === 0);
    expect(outbox.released).toEqual(['1']);
    expect(log.lines.filter(({ level }) => level === 'error')).toEqual([]);
  });

  test('parks what no try will help with its reason, and lets the others pass', async () => {
    const { bus, outbox, published, relay, start } = setup();
    bus.refuseNext(new PublishError('the record is too large', { retriable: false }));
    relay.send(outbox.born(rowOf(1, 'poison')));
    relay.send(outbox.born(rowOf(2)));
    outbox.add(rowOf(3, 'poison'));
    start();
    await until(() => published().includes('event 2') && outbox.parked.size > 0);
    expect(outbox.parked).toEqual(new Map([['1', 'the record is too large']]));
    expect([...outbox.rows.keys()]).toEqual(['1', '3']);
    expect(outbox.released).toEqual([]);
  });

  test('says why rows were not published, not why another was parked', async () => {
    const answers = [refusal(false), { ok: false as const, error: new PublishError('no leader', { retriable: true }) }];
    const { log, outbox, relay, start } = setup(() => Promise.resolve(answers.splice(0)));
    relay.send(outbox.born(rowOf(1)));
    relay.send(outbox.born(rowOf(2)));
    start();
    await until(() => outbox.released.includes('2'));
    const warning = log.lines.find(({ level }) => level === 'warn');
    expect(warning?.fields).toMatchObject({ rows: 1, error: { message: 'no leader' } });
  });

  test('has one send of a partition in flight at a time', async () => {
    let inFlight = 0;
    let inFlightMax = 0;
    const { outbox, relay, start } = setup(async (records) => {
      inFlight += 1;
      inFlightMax = Math.max(inFlightMax, inFlight);
      for (let id = 10; id < 14; id += 1) if (!outbox.rows.has(String(id)) && records[0]?.key === 'request-1') relay.send(outbox.born(rowOf(id)));
      await new Promise((resolve) => setImmediate(resolve));
      inFlight -= 1;
      return accepted(records);
    });
    start();
    relay.send(outbox.born(rowOf(1)));
    await until(() => outbox.rows.size === 0);
    expect(inFlightMax).toBe(1);
  });

  test('outlives a Postgres that is away', async () => {
    const { log, outbox, start } = setup();
    outbox.failures = 1;
    outbox.add(rowOf(1));
    start();
    await until(() => outbox.rows.size === 0);
    expect(log.lines[0]).toMatchObject({ level: 'error', message: 'relay could not reach the outbox' });
  });

  test('sends nothing twice while Postgres does not delete, also when its claims run out', async () => {
    const { outbox, published, relay, start } = setup();
    outbox.deleteFailures = 3;
    start();
    relay.send(outbox.born(rowOf(1)));
    await until(() => published().length === 1);
    outbox.expire();
    await until(() => outbox.rows.size === 0, 10_000);
    expect(published()).toEqual(['event 1']);
    expect(outbox.handedOut).toEqual([]);
  }, 20_000);

  test('deletes many rows at once, a little later', async () => {
    const { outbox, published, relay, start } = setup();
    start();
    for (let id = 1; id <= 20; id += 1) {
      relay.send(outbox.born(rowOf(id)));
      await until(() => published().length === id);
    }
    await until(() => outbox.rows.size === 0);
    expect(outbox.deletes).toBeLessThan(10);
  });

  test('claims the next rows while the former ones are sent', async () => {
    const broker = new AbortController();
    const { outbox, start } = setup(async (records) => {
      if (!broker.signal.aborted) await new Promise((resolve) => broker.signal.addEventListener('abort', resolve));
      return accepted(records);
    });
    for (let id = 1; id <= 1_200; id += 1) outbox.add(rowOf(id));
    start();
    await until(() => outbox.handedOut.length === 1_000);
    broker.abort();
    await until(() => outbox.rows.size === 0);
    expect(new Set(outbox.handedOut).size).toBe(1_200);
    expect(outbox.handedOut).toHaveLength(1_200);
  });

  test('shows what waits, what is parked and for how long, and counts no more often than every 5 s', async () => {
    const { bus, metrics, outbox, start } = setup();
    outbox.add(rowOf(1));
    await outbox.park({ id: '1' }, 'the record is too large');
    outbox.born(rowOf(2));
    start();
    await until(() => outbox.counts > 0);
    outbox.add(rowOf(3));
    await until(() => bus.records(TOPICS.requests).length === 1);
    expect(outbox.counts).toBe(1);
    expect(await metricOf(metrics, 'osago_outbox_waiting_rows')).toBe(1);
    expect(await metricOf(metrics, 'osago_outbox_parked_rows')).toBe(1);
    expect(await metricOf(metrics, 'osago_outbox_oldest_age_seconds')).toBe(7);
  });

  test('counts for a twentieth of the time at most, however long a count takes', async () => {
    const time = new SkippableTime();
    const { outbox, relay, start } = setup(undefined, time);
    const count = outbox.count.bind(outbox);
    outbox.count = () => {
      time.skip(2_000);
      return count();
    };
    let id = 0;
    /** The counts after one more round of the relay. */
    const countsLater = async (ms: number): Promise<number> => {
      time.skip(ms);
      outbox.add(rowOf((id += 1)));
      relay.wake();
      await until(() => outbox.rows.size === 0);
      return outbox.counts;
    };
    start();
    await until(() => outbox.counts === 1);
    expect(await countsLater(20_000)).toBe(1);
    expect(await countsLater(20_000)).toBe(2);
  });

  test('sends the last rows before it stops', async () => {
    const { outbox, published, relay, start, stop } = setup();
    relay.send(outbox.born(rowOf(1)));
    stop.abort();
    start();
    await until(() => outbox.rows.size === 0);
    expect(published()).toEqual(['event 1']);
  });

  test('leaves to the backstop what memory has no room for', async () => {
    const { outbox, published, relay, start } = setup();
    for (let id = 1; id <= 10_001; id += 1) relay.send(outbox.born(rowOf(id)));
    start();
    await until(() => outbox.rows.size === 1);
    expect([...outbox.rows.keys()]).toEqual(['10001']);
    outbox.expire();
    await until(() => outbox.rows.size === 0);
    expect(published()).toHaveLength(10_001);
  });
});
