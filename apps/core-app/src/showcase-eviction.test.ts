import { describe, expect, test } from '@jest/globals';
import type { Offsets } from '@osago/quotes';
import { createMetrics } from '@osago/service-kit';
import { Showcase, SHOWCASE_TTL_MS } from './showcase.ts';
import { ShowcaseEviction } from './showcase-eviction.ts';
import { leg, PARTITION, rememberingLog, submitted, TestClock } from './testing-events.ts';

const idOf = (number: number): string => `0b0c8b3e-6a2f-4c57-9a55-00000000000${number.toString(16).toUpperCase()}`;

/** Requests with a quote each: at the offsets that are their number. */
const setup = ({ requests, requestsMax = 100 }: { requests: number; requestsMax?: number }) => {
  const clock = new TestClock();
  const log = rememberingLog();
  const metrics = createMetrics('core-app');
  const showcase = new Showcase({ requestsMax });
  for (let number = 1; number <= requests; number += 1) {
    showcase.apply(submitted({ alpha: 60_000 }, idOf(number)), PARTITION, number);
    showcase.apply(leg('alpha', 'quoted', { request_id: idOf(number) }), PARTITION, number);
  }
  const archive = { rows: new Map<string, Offsets>(), isAway: false, afterAsked: (): void => undefined };
  const archivedOffsets = (ids: readonly string[]): Promise<ReadonlyMap<string, Offsets>> => {
    archive.afterAsked();
    return archive.isAway
      ? Promise.reject(new Error('Postgres is away'))
      : Promise.resolve(new Map([...archive.rows].filter(([id]) => ids.some((asked) => asked.toLowerCase() === id))));
  };
  const archived = (...numbers: number[]): void => {
    for (const number of numbers) archive.rows.set(idOf(number).toLowerCase(), [number, number, -1]);
  };
  const eviction = new ShowcaseEviction({ showcase, archivedOffsets, clock, log, metrics });
  const held = (): number[] => Array.from({ length: requests }, (_, at) => at + 1).filter((number) => showcase.get(idOf(number)));
  const unarchived = async (): Promise<number | undefined> =>
    (await metrics.getSingleMetric('osago_showcase_unarchived_requests')?.get())?.values[0]?.value;
  return { archive, archived, clock, eviction, held, log, showcase, unarchived };
};

const PAST_MS = 60_000 + SHOWCASE_TTL_MS;
const CLOSED_MS = 200_000;

describe('a request past its time', () => {
  test('is forgotten when the archive has each record of it', async () => {
    const { archived, clock, eviction, held, unarchived } = setup({ requests: 3 });
    archived(1, 2, 3);
    clock.advance(PAST_MS - 1);
    expect(await eviction.evict()).toBe(0);
    clock.advance(1);
    expect(await eviction.evict()).toBe(3);
    expect(held()).toEqual([]);
    expect(await unarchived()).toBe(0);
  });

  test('stays while the archive is behind with it, in any topic, and goes when it is not', async () => {
    const { archive, archived, clock, eviction, held, unarchived } = setup({ requests: 3 });
    archived(2);
    archive.rows.set(idOf(3).toLowerCase(), [3, 2, 9]);
    clock.advance(PAST_MS);
    await eviction.evict();
    expect(held()).toEqual([1, 3]);
    expect(await unarchived()).toBe(2);
    archived(1, 3);
    await eviction.evict();
    expect(held()).toEqual([]);
  });

  test('stays while Postgres is away', async () => {
    const { archive, archived, clock, eviction, log } = setup({ requests: 2 });
    archived(1, 2);
    archive.isAway = true;
    clock.advance(PAST_MS);
    expect(await eviction.evict()).toBe(0);
    expect(log.lines).toMatchObject([{ level: 'warn', fields: { count: 2 } }]);
    archive.isAway = false;
    expect(await eviction.evict()).toBe(2);
  });

  test('stays when more has come of it while the archive was asked', async () => {
    const { archive, archived, clock, eviction, held, showcase } = setup({ requests: 2 });
    archived(1, 2);
    archive.afterAsked = () => showcase.apply(leg('alpha', 'declined', { request_id: idOf(1), step: 2 }), PARTITION, 9);
    clock.advance(PAST_MS);
    await eviction.evict();
    expect(held()).toEqual([1]);
  });

  test('that only Postgres has told of is forgotten without a word of the archive', async () => {
    const { clock, eviction, showcase } = setup({ requests: 0 });
    showcase.load([submitted({ alpha: 60_000 }, idOf(1))], PARTITION, [-1, -1, -1]);
    clock.advance(PAST_MS);
    expect(await eviction.evict()).toBe(1);
  });
});

describe('beyond the bound', () => {
  test('go those first that the archive has', async () => {
    const { archived, clock, eviction, held, log } = setup({ requests: 6, requestsMax: 4 });
    archived(1, 2, 3, 4, 5, 6);
    clock.advance(CLOSED_MS);
    expect(await eviction.evict()).toBe(2);
    expect(held()).toEqual([3, 4, 5, 6]);
    expect(log.lines).toEqual([]);
  });

  test('go others too, because the pod would end otherwise, and it is said', async () => {
    const { archived, clock, eviction, held, log } = setup({ requests: 6, requestsMax: 4 });
    archived(2);
    clock.advance(CLOSED_MS);
    expect(await eviction.evict()).toBe(2);
    expect(held()).toEqual([3, 4, 5, 6]);
    expect(log.lines).toMatchObject([{ level: 'error', fields: { count: 1 } }]);
  });

  test('goes nothing of which an answer may still come', async () => {
    const { archived, clock, eviction, held } = setup({ requests: 6, requestsMax: 4 });
    archived(1, 2, 3, 4, 5, 6);
    clock.advance(180_000);
    await eviction.evict();
    expect(held()).toHaveLength(6);
  });
});
