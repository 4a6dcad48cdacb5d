import { describe, expect, test } from '@jest/globals';
import { REQUEST_TOPICS, TOPICS } from '@osago/contracts';
import { createMetrics } from '@osago/service-kit';
import { FeedLag } from './feed-lag.ts';
import { rememberingLog, TestClock } from './testing-events.ts';

/** Two partitions of each topic, read to the end. */
const setup = () => {
  const clock = new TestClock();
  const metrics = createMetrics('core-app');
  const ends: Record<string, bigint[]> = Object.fromEntries(REQUEST_TOPICS.map((topic) => [topic, [10n, 20n]]));
  const read: Record<string, bigint[]> = Object.fromEntries(REQUEST_TOPICS.map((topic) => [topic, [10n, 20n]]));
  const broker = { isAway: false };
  const positions = () =>
    Object.entries(read).flatMap(([topic, nexts]) => nexts.map((next, partition) => ({ topic, partition, next, goal: 0n })));
  const feed = { positions };
  const bus = {
    endOffsets: (topic: string): Promise<bigint[]> =>
      broker.isAway ? Promise.reject(new Error('the broker is away')) : Promise.resolve([...(ends[topic] ?? [])]),
  };
  const lag = new FeedLag({ bus, feed, clock, log: rememberingLog(), metrics });
  const pass = async (ms: number): Promise<void> => {
    for (let left = ms; left > 0; left -= 5_000) {
      clock.advance(Math.min(left, 5_000));
      await lag.look();
    }
  };
  const records = async (topic: string): Promise<number | undefined> =>
    (await metrics.getSingleMetric('osago_feed_lag_records')?.get())?.values.find(({ labels }) => labels['topic'] === topic)?.value;
  return { broker, clock, ends, lag, pass, read, records };
};

const health = ({ lag }: ReturnType<typeof setup>): [boolean, boolean] => [lag.isBehind(), lag.liveness() !== undefined];

describe('a feed', () => {
  test('at the ends of the log is neither behind nor dead, however long nothing comes', async () => {
    const given = setup();
    await given.pass(600_000);
    expect(health(given)).toEqual([false, false]);
    expect(await given.records(TOPICS.quotes)).toBe(0);
  });

  test('that reads on is not behind, however much there is to read', async () => {
    const given = setup();
    given.ends[TOPICS.quotes] = [10n, 1_000_000n];
    for (let turn = 1; turn < 60; turn += 1) {
      given.read[TOPICS.quotes] = [10n, BigInt(20 + turn)];
      await given.pass(5_000);
      expect(health(given)).toEqual([false, false]);
    }
    expect(await given.records(TOPICS.quotes)).toBe(1_000_000 - 79);
  });

  test('of which one partition stands still is behind after fifteen seconds and dead after two minutes', async () => {
    const given = setup();
    given.ends[TOPICS.quotes] = [11n, 20n];
    await given.pass(5_000);
    await given.pass(15_000);
    expect(health(given)).toEqual([false, false]);
    await given.pass(1);
    expect(health(given)).toEqual([true, false]);
    await given.pass(104_999);
    expect(health(given)).toEqual([true, false]);
    await given.pass(1);
    expect(health(given)).toEqual([true, true]);
    expect(given.lag.liveness()).toContain(`${TOPICS.quotes}/0`);
    given.read[TOPICS.quotes] = [11n, 20n];
    await given.pass(1);
    expect(health(given)).toEqual([false, false]);
  });

  test('is never dead because the broker is away, only behind', async () => {
    const given = setup();
    given.ends[TOPICS.errors] = [11n, 20n];
    await given.pass(5_000);
    given.broker.isAway = true;
    await given.pass(600_000);
    expect(health(given)).toEqual([true, false]);
  });

  test('that does not know a new partition yet is behind with it', async () => {
    const given = setup();
    given.ends[TOPICS.requests] = [10n, 20n, 3n];
    await given.pass(25_000);
    expect(health(given)).toEqual([true, false]);
    given.read[TOPICS.requests] = [10n, 20n, 3n];
    await given.pass(5_000);
    expect(health(given)).toEqual([false, false]);
  });

  test('is behind, for all that is known, when the end of the log has not been known for fifteen seconds', async () => {
    const given = setup();
    given.broker.isAway = true;
    await given.pass(15_000);
    expect(health(given)).toEqual([false, false]);
    await given.pass(1);
    expect(health(given)).toEqual([true, false]);
    given.broker.isAway = false;
    await given.pass(1);
    expect(health(given)).toEqual([false, false]);
  });

  test('that has not begun is not judged', async () => {
    const given = setup();
    for (const topic of REQUEST_TOPICS) given.read[topic] = [];
    await given.pass(600_000);
    expect(health(given)).toEqual([false, false]);
  });
});
