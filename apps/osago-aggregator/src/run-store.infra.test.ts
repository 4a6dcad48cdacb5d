import { afterEach, describe, expect, test } from '@jest/globals';
import { type LegRun, startRun } from '@osago/quotes';
import { submitted } from './aggregator-given.ts';
import { cleanUp, connect, connectedStore } from './redis-given.ts';
import { RunStore } from './run-store.ts';

/** A database of its own, so that it may be emptied. */
const URL_OF_DATABASE = `${process.env['REDIS_URL'] ?? ''}/5`;
const PARTITION = 7;

afterEach(cleanUp);

const setup = async () => {
  const { store } = await connectedStore(URL_OF_DATABASE);
  const redis = connect(URL_OF_DATABASE);
  await redis.flushdb();
  const { data } = submitted(['alfa', 'beta']);
  const runWith = (fence: number) => startRun(data, fence, Date.now());
  const [leg] = runWith(0).legs;
  if (leg === undefined) throw new Error('no leg');
  const asked: LegRun = { ...leg, phase: { kind: 'poll-due', dueAtMs: 5, application_id: 'app-1', polls: 2, tries: 0 } };
  const claim = async (store: RunStore) => {
    const claimed = await store.claim(PARTITION, data.request_id);
    if (claimed === undefined) throw new Error('Redis is away');
    return claimed;
  };
  return { runStore: new RunStore(store), redis, data, runWith, asked, claim };
};

describe('a claim', () => {
  test('raises the fence each time, and never below the clock of Redis', async () => {
    const { runStore, redis, claim } = await setup();
    const before = Number((await redis.time())[0]) * 1_000;
    const fences: number[] = [];
    for (let holder = 0; holder < 50; holder += 1) fences.push((await claim(runStore)).fence);
    expect(fences[0]).toBeGreaterThanOrEqual(before);
    expect(fences).toEqual([...new Set(fences)].sort((a, b) => a - b));
    expect(fences.every(Number.isSafeInteger)).toBe(true);
  });

  test('of many pods at once gives each another fence', async () => {
    const { runStore, claim } = await setup();
    const claims = await Promise.all(Array.from({ length: 50 }, () => claim(runStore)));
    expect(new Set(claims.map(({ fence }) => fence)).size).toBe(50);
  });

  test('raises a fence that is ahead of the clock all the same', async () => {
    const { runStore, runWith, claim } = await setup();
    const ahead = Date.now() + 3_600_000;
    await runStore.save(PARTITION, runWith(ahead), []);
    expect((await claim(runStore)).fence).toBe(ahead + 1);
  });

  test('brings the legs as the former holder has stored them', async () => {
    const { runStore, runWith, asked, claim } = await setup();
    const { fence, legs } = await claim(runStore);
    expect(legs.size).toBe(0);
    expect(await runStore.save(PARTITION, runWith(fence), [asked])).toBe(true);
    expect([...(await claim(runStore)).legs]).toEqual([['alfa', asked]]);
  });
});

describe('a save', () => {
  test('with an older fence is refused and changes nothing', async () => {
    const { runStore, runWith, asked, claim } = await setup();
    const old = await claim(runStore);
    expect(await runStore.save(PARTITION, runWith(old.fence), [asked])).toBe(true);
    const current = await claim(runStore);
    const ended: LegRun = { ...asked, phase: { kind: 'ended' } };
    expect(await runStore.save(PARTITION, runWith(old.fence), [ended])).toBe(false);
    expect((await claim(runStore)).legs.get('alfa')).toEqual(asked);
    expect(await runStore.save(PARTITION, runWith(current.fence), [ended])).toBe(false);
  });

  test('replaces the legs it names and keeps the others', async () => {
    const { runStore, runWith, asked, claim } = await setup();
    const { fence } = await claim(runStore);
    const run = runWith(fence);
    const [alfa, beta] = run.legs;
    await runStore.save(PARTITION, run, [...run.legs]);
    await runStore.save(PARTITION, run, [asked]);
    const { legs } = await claim(runStore);
    expect(legs.get('alfa')).toEqual(asked);
    expect(legs.get('alfa')).not.toEqual(alfa);
    expect(legs.get('beta')).toEqual(beta);
  });

  test('works again for the holder after Redis was emptied, and keeps older holders out', async () => {
    const { runStore, redis, runWith, asked, claim } = await setup();
    const old = await claim(runStore);
    const { fence } = await claim(runStore);
    await redis.flushdb();
    expect(await runStore.save(PARTITION, runWith(fence), [asked])).toBe(true);
    expect(await runStore.save(PARTITION, runWith(old.fence), [])).toBe(false);
    expect((await claim(runStore)).legs.get('alfa')).toEqual(asked);
  });

  test('of the newest holder wins although an older one was first after Redis was emptied', async () => {
    const { runStore, redis, runWith, asked, claim } = await setup();
    const old = await claim(runStore);
    const { fence } = await claim(runStore);
    await redis.flushdb();
    await runStore.save(PARTITION, runWith(old.fence), []);
    expect(await runStore.save(PARTITION, runWith(fence), [asked])).toBe(true);
    expect(await runStore.save(PARTITION, runWith(old.fence), [])).toBe(false);
  });
});

describe('what is stored', () => {
  test('is one hash a run, tagged by its partition, and goes after hours', async () => {
    const { runStore, redis, data, runWith, asked, claim } = await setup();
    const HOURS_S = 3_600;
    const { fence } = await claim(runStore);
    const [key = '', ...more] = await redis.keys('*');
    expect(more).toEqual([]);
    expect(key).toContain(data.request_id);
    expect(key).toContain('{p7}');
    expect(await redis.type(key)).toBe('hash');
    const lives = async (): Promise<number> => redis.ttl(key);
    expect(await lives()).toBeGreaterThan(2 * HOURS_S);
    expect(await lives()).toBeLessThanOrEqual(6 * HOURS_S);
    await redis.expire(key, 5);
    await runStore.save(PARTITION, runWith(fence), [asked]);
    expect(await lives()).toBeGreaterThan(2 * HOURS_S);
  });

  test('of one request says nothing of another', async () => {
    const { runStore, runWith, asked, claim } = await setup();
    await runStore.save(PARTITION, runWith((await claim(runStore)).fence), [asked]);
    expect((await runStore.claim(PARTITION, crypto.randomUUID()))?.legs.size).toBe(0);
  });
});
