import { afterEach, describe, expect, test } from '@jest/globals';
import { REQUEST_TOPICS, TOPICS } from '@osago/contracts';
import { MemoryEventBus } from '@osago/event-bus';
import { createMetrics } from '@osago/service-kit';
import { ShowcaseFeed } from './showcase-feed.ts';
import { Showcase } from './showcase.ts';
import { asRecord, Cleanup, leg, PARTITION, rememberingLog, REQUEST_ID, submitted, TestClock, until } from './testing-events.ts';

const PARTITIONS = 4;
const cleanup = new Cleanup();
afterEach(() => cleanup.run());

const asked = submitted({ alpha: 60_000 });

const setup = () => {
  const clock = new TestClock();
  const bus = new MemoryEventBus({ topics: Object.fromEntries(REQUEST_TOPICS.map((topic) => [topic, PARTITIONS])), clock });
  const showcase = new Showcase();
  const metrics = createMetrics('core-app');
  const log = rememberingLog();
  const start = (): ShowcaseFeed => {
    const feed = new ShowcaseFeed({ bus, showcase, clock, log, metrics });
    const stop = new AbortController();
    const running = feed.run(stop.signal);
    cleanup.add(() => {
      stop.abort();
      return running;
    });
    return feed;
  };
  const recordsThat = async (result: string): Promise<number> => {
    const counter = await metrics.getSingleMetric('osago_feed_records_total')?.get();
    const values = counter?.values.filter(({ labels }) => labels['result'] === result) ?? [];
    return values.reduce((sum, { value }) => sum + value, 0);
  };
  return { clock, bus, showcase, log, start, recordsThat };
};

/** Something that the broker has: the memory bus then wakes its readers. */
const publish = async (bus: MemoryEventBus, ...events: Parameters<typeof asRecord>[0][]): Promise<void> => {
  const answers = await bus.publish(events.map((event) => asRecord(event, PARTITION)));
  expect(answers.every(({ ok }) => ok)).toBe(true);
};

describe('the feed', () => {
  test('is ready when it has caught up, and shows then what was on the log', async () => {
    const { bus, showcase, start } = setup();
    await publish(bus, asked, leg('alpha', 'quoted'));
    const feed = start();
    expect(feed.readiness()).toBe('the showcase is catching up');
    await until(() => feed.readiness() === undefined);
    expect(showcase.get(REQUEST_ID)).toMatchObject({
      partition: PARTITION,
      state: { offsets: [0, 0, -1], legs: { alpha: { status: 'quoted' } } },
    });
  });

  test('is ready at once on an empty log, and goes on to what comes', async () => {
    const { bus, showcase, start } = setup();
    const feed = start();
    await until(() => feed.readiness() === undefined);
    await publish(bus, asked);
    await until(() => showcase.get(REQUEST_ID) !== undefined);
  });

  test('catches up when the broker comes, and stays ready when it goes', async () => {
    const { bus, start } = setup();
    bus.setAway(true);
    const feed = start();
    await until(() => feed.readiness() !== undefined);
    bus.setAway(false);
    await until(() => feed.readiness() === undefined);
    bus.setAway(true);
    expect(feed.readiness()).toBeUndefined();
  });

  test('does not wait for an absent broker for ever: the pod serves what Postgres knows, marked as stale', () => {
    const { bus, clock, start } = setup();
    bus.setAway(true);
    const feed = start();
    clock.advance(30_000);
    expect(feed.readiness()).toBe('the showcase is catching up');
    clock.advance(1);
    expect(feed.readiness()).toBeUndefined();
    expect(feed.isStale()).toBe(true);
  });

  test('stays ready while it catches up at last, and is stale until it has', async () => {
    const { bus, clock, showcase, start } = setup();
    await publish(bus, asked);
    bus.setAway(true);
    const feed = start();
    clock.advance(30_001);
    expect(feed.readiness()).toBeUndefined();
    const seen: [string | undefined, boolean][] = [];
    const apply = showcase.feed.bind(showcase);
    showcase.feed = (...record) => {
      apply(...record);
      seen.push([feed.readiness(), feed.isStale()]);
    };
    bus.setAway(false);
    await until(() => !feed.isStale());
    expect(seen).toEqual([[undefined, true]]);
    expect(feed.readiness()).toBeUndefined();
  });

  test('does not read what is older than a request in the showcase can be', async () => {
    const { bus, clock, showcase, start } = setup();
    await publish(bus, asked);
    clock.advance(17 * 60_000);
    await publish(bus, leg('alpha', 'quoted', { request_id: REQUEST_ID.replace(/.$/, '2') }));
    const feed = start();
    await until(() => feed.readiness() === undefined);
    expect(showcase.size).toBe(1);
  });

  test('passes over what it cannot decode, counts it and says why', async () => {
    const { bus, log, recordsThat, showcase, start } = setup();
    const broken = { ...asRecord(asked, PARTITION), value: Buffer.from('{"type":') };
    await bus.publish([broken, asRecord(asked, PARTITION)]);
    start();
    await until(() => showcase.get(REQUEST_ID) !== undefined);
    expect([await recordsThat('undecodable'), await recordsThat('folded')]).toEqual([1, 1]);
    expect(log.lines).toContainEqual({
      level: 'warn',
      message: 'record passed over',
      fields: { topic: TOPICS.requests, partition: PARTITION, offset: '0', reason: 'the value is no JSON' },
    });
  });

  test('is stale when the broker has not been heard for fifteen seconds, and not after it answers again', async () => {
    const { bus, clock, start } = setup();
    const feed = start();
    await until(() => feed.readiness() === undefined);
    clock.advance(15_000);
    expect(feed.isStale()).toBe(false);
    clock.advance(1);
    expect(feed.isStale()).toBe(true);
    await publish(bus, asked);
    await until(() => !feed.isStale());
  });
});
