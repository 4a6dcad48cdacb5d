/**
 * The limits of an insurer in virtual time: pods that come, stall, die and hear of other limits one after another, over the
 * real scripts on a real Redis whose clock is the virtual one. So every second is looked at, however slow this machine is.
 */
import { afterEach, describe, expect, jest, test } from '@jest/globals';
import type { InsurerLimits } from '@osago/contracts';
import { type Random, seededRandom } from '@osago/quotes';
import { CallBudget, type Scripts } from './call-budget.ts';
import { InsurerGate } from './insurer-gate.ts';
import { cleanUp, connect } from './redis-given.ts';

const { REDIS_URL = '' } = process.env;
const TEST_MS = 300_000;
const LIFE_MS = 8_000;
/** Between two pods that hear of other limits. */
const HEARD_MS_MAX = 500;
/** A fair share of calls of the simulated load starts at once; these are the longest. */
const CALL_MS_MAX = 400;

afterEach(async () => {
  jest.useRealTimers();
  await cleanUp();
});

const turn = globalThis.setImmediate;
const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

interface Seen {
  startMs: number;
  endMs: number;
}

const mostWithin = (starts: readonly number[], windowMs: number): number => {
  let first = 0;
  return starts.reduce((most, atMs, at) => {
    while (atMs - (starts[first] ?? atMs) >= windowMs) first += 1;
    return Math.max(most, at - first + 1);
  }, 0);
};

const mostAtOnce = (calls: readonly Seen[]): number => {
  const moments = calls.flatMap(({ startMs, endMs }) => [[startMs, 1], [endMs, -1]] as const);
  let now = 0;
  return moments
    .sort(([a, up], [b, down]) => a - b || up - down)
    .reduce((most, [, change]) => ((now += change), Math.max(most, now)), 0);
};

const limitsOf = (random: Random): InsurerLimits => ({
  rate_per_s: random.pick([random.integer(2, 10), random.integer(10, 60), random.integer(60, 150)]),
  burst: random.integer(1, 40),
  concurrency: random.integer(1, 20),
});

type Trouble = 'none' | 'limits' | 'away' | 'death';

/** What an insurer sees in some seconds. Times are from the beginning. */
const live = async (seed: number, trouble: Trouble) => {
  const random = seededRandom(`limits ${seed}`);
  const redis = connect(REDIS_URL);
  await redis.ping();
  jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick', 'queueMicrotask'], now: 1_800_000_000_000 });
  const beganMs = performance.now();
  const nowMs = (): number => performance.now() - beganMs;
  let asking = 0;
  let isAway = false;
  const virtual = (lua: string): string => lua.replace(`redis.call('TIME')`, `{ 0, ARGV[#ARGV] }`);
  const scripts = (isDead: () => boolean): Scripts => ({
    script: async <T>(lua: string, key: string, args: readonly (string | number)[]): Promise<T | undefined> => {
      await sleep(random.integer(0, 4));
      if (isAway || isDead()) return undefined;
      asking += 1;
      const clockUs = Math.round((Date.now() + (performance.now() % 1)) * 1_000);
      const reply = (await redis.eval(virtual(lua), 1, key, ...args, clockUs)) as T;
      asking -= 1;
      await sleep(random.integer(0, 4));
      return reply;
    },
  });
  const id = `test-${crypto.randomUUID()}`;
  const calls: Seen[] = [];
  const before = limitsOf(random);
  const after = trouble === 'limits' ? limitsOf(random) : before;
  const control = (limits: InsurerLimits) => ({ limits, breaker: 'auto' as const, paused: false });
  const startPod = (at: number) => {
    const dead = new AbortController();
    const isDead = (): boolean => dead.signal.aborted;
    const budget = new CallBudget(scripts(isDead), id, { pod: `pod-${at}`, openMs: 5_000 });
    const gate = new InsurerGate({ budget, clock: { nowMs: () => Date.now() } }, control(before));
    const call = async (): Promise<void> => {
      const admission = await gate.admit({ isPost: false, isLate: false, latestStartMs: Date.now() + 1_500, signal: new AbortController().signal });
      if (!admission.ok || isDead()) return;
      const seen: Seen = { startMs: nowMs(), endMs: Infinity };
      calls.push(seen);
      await sleep(random.integer(1, CALL_MS_MAX));
      if (isDead()) return;
      seen.endMs = nowMs();
      admission.pass.done({ kind: 'pending' });
    };
    const renewing = async (): Promise<void> => {
      while (!isDead() && nowMs() < LIFE_MS) {
        await gate.renew();
        await sleep(1_000);
      }
    };
    const demanding = async (): Promise<void> => {
      while (!isDead() && nowMs() < LIFE_MS) {
        for (let count = random.pick([1, 1, 5, 60]); count > 0; count -= 1) void call();
        await sleep(random.pick([5, 50, random.integer(100, 1_500)]));
      }
    };
    void renewing();
    void demanding();
    const die = (): void => {
      dead.abort();
      for (const seen of calls) seen.endMs = Math.min(seen.endMs, nowMs());
    };
    return { gate, die };
  };
  const pods = Array.from({ length: random.integer(1, 3) }, (_, at) => startPod(at));
  const troubleMs = random.integer(2_000, 4_000);
  const overMs = troubleMs + (trouble === 'away' ? random.integer(1_000, 3_000) : HEARD_MS_MAX);
  if (trouble === 'limits') for (const { gate } of pods) setTimeout(() => gate.setControl(control(after)), troubleMs + random.integer(0, HEARD_MS_MAX));
  if (trouble === 'death') setTimeout(() => pods[0]?.die(), troubleMs);
  if (trouble === 'away') {
    setTimeout(() => void (isAway = true), troubleMs);
    setTimeout(() => void (isAway = false), overMs);
  }
  while (jest.getTimerCount() > 0 && nowMs() < LIFE_MS + 2_000) {
    jest.advanceTimersToNextTimer();
    do await new Promise((resolve) => turn(resolve));
    while (asking > 0);
  }
  jest.useRealTimers();
  await redis.del(`osago:{insurer:${id}}:budget`);
  return { calls, before, after, troubleMs, overMs };
};

const seeds = Array.from({ length: 12 }, (_, at) => at + 1);
const limitOf = ({ rate_per_s, burst }: InsurerLimits): number => Math.floor(rate_per_s) + burst;
/** Each breach with the seed that shows it again. */
const breaches = async (trouble: Trouble, judge: (life: Awaited<ReturnType<typeof live>>) => readonly string[]): Promise<string[]> => {
  const found: string[] = [];
  for (const seed of seeds) found.push(...judge(await live(seed, trouble)).map((breach) => `seed ${seed}: ${breach}`));
  return found;
};

const over = (what: string, count: number, limit: number): string[] => (count > limit ? [`${count} ${what}, ${limit} are allowed`] : []);

describe('an insurer never sees more calls', () => {
  test('than rate and burst in any second, nor more at once, of several pods', async () => {
    let granted = 0;
    expect(
      await breaches('none', ({ calls, before }) => {
        granted += calls.length;
        const starts = calls.map(({ startMs }) => startMs);
        return [
          ...over('calls in a second', mostWithin(starts, 1_000), limitOf(before)),
          ...over('calls at once', mostAtOnce(calls), before.concurrency),
        ];
      }),
    ).toEqual([]);
    expect(granted).toBeGreaterThan(500);
  }, TEST_MS);

  test('when one of the pods dies with its calls', async () => {
    expect(
      await breaches('death', ({ calls, before }) => [
        ...over('calls in a second', mostWithin(calls.map(({ startMs }) => startMs), 1_000), limitOf(before)),
        ...over('calls at once', mostAtOnce(calls), before.concurrency),
      ]),
    ).toEqual([]);
  }, TEST_MS);

  test('than the new limits once the last pod has heard of them', async () => {
    expect(
      await breaches('limits', ({ calls, before, after, overMs }) => {
        const starts = calls.map(({ startMs }) => startMs);
        const later = starts.filter((startMs) => startMs >= overMs);
        const most = Math.max(before.rate_per_s, after.rate_per_s) + Math.max(before.burst, after.burst);
        return [
          ...over('calls in a second after it', mostWithin(later, 1_000), limitOf(after)),
          ...over('calls in a second around it', mostWithin(starts, 1_000), most),
          ...over('calls at once after it', mostAtOnce(calls.filter(({ startMs }) => startMs >= overMs + CALL_MS_MAX)), after.concurrency),
        ];
      }),
    ).toEqual([]);
  }, TEST_MS);

  test('while Redis is away and when it is back, but for the first second', async () => {
    expect(
      await breaches('away', ({ calls, before, troubleMs }) => {
        const starts = calls.map(({ startMs }) => startMs);
        return [
          ...over('calls in a second before it', mostWithin(starts.filter((startMs) => startMs < troubleMs), 1_000), limitOf(before)),
          ...over('calls in a second after it', mostWithin(starts.filter((startMs) => startMs > troubleMs + 1_000), 1_000), limitOf(before)),
        ];
      }),
    ).toEqual([]);
  }, TEST_MS);
});
