/** Polls by plan against polls at a fixed interval, for insurers that answer as those of the simulator do. */
import { describe, expect, test } from '@jest/globals';
import { ANSWERS_MIN, type PollPlan, plannedGapMs, pollPlans } from './poll-plan.ts';
import { pollDelayMs } from './poll-schedule.ts';
import { type Random, seededRandom } from './random.ts';
import { learned, NOTHING_LEARNED, shareWithin, type TimeToQuote } from './time-to-quote.ts';

/** Median and 95th percentile of the time to quote, as in apps/insurer-simulator/profiles.yaml. */
const INSURERS = {
  alfa: [1_500, 4_000],
  beta: [4_000, 12_000],
  gamma: [8_000, 25_000],
  delta: [7_000, 16_000],
  eta: [3_000, 9_000],
  theta: [5_000, 15_000],
  iota: [6_000, 18_000],
  kappa: [2_000, 5_000],
} as const;
type Name = keyof typeof INSURERS;

const DEADLINE_MS = 60_000;
const REQUESTS = 1_200;
const WARM_UP = 400;
/** A pod plans anew every few seconds; so does this one, as its knowledge grows. */
const PLANNED_AT = new Set([ANSWERS_MIN, 25, 50, 100, 200, 400, 800, 1_200, 1_600]);

const normal = (random: Random): number =>
  Math.sqrt(-2 * Math.log(1 - random.unit())) * Math.cos(2 * Math.PI * random.unit());

const readyMs = ([p50, p95]: readonly [number, number], random: Random): number =>
  p50 * Math.exp((Math.log(p95 / p50) / 1.645) * normal(random));

interface Counted {
  delaysMs: number[];
  polls: number;
}

/** Polls one leg until it finds the answer; resolves to what was seen by the last two polls. */
const pollLeg = (readyAtMs: number, gap: (ageMs: number, polls: number) => number, counted: Counted): readonly [number, number] => {
  let ageMs = 0;
  for (let polls = 0; ; polls += 1) {
    const fromMs = ageMs;
    ageMs += gap(ageMs, polls);
    if (ageMs > DEADLINE_MS) return [fromMs, Infinity];
    counted.polls += 1;
    if (ageMs < readyAtMs) continue;
    counted.delaysMs.push(ageMs - readyAtMs);
    return [fromMs, ageMs];
  }
};

const summed = ({ delaysMs, polls }: Counted) => {
  const sorted = [...delaysMs].sort((a, b) => a - b);
  const meanMs = sorted.reduce((sum, delay) => sum + delay, 0) / sorted.length;
  return { meanMs, p99Ms: sorted[Math.floor(sorted.length * 0.99)] ?? 0, polls };
};

const NAMES = Object.keys(INSURERS) as Name[];
type Ready = Readonly<Record<Name, number>>;

const requests = (count: number, random: Random): Ready[] =>
  Array.from({ length: count }, () => Object.fromEntries(NAMES.map((name) => [name, readyMs(INSURERS[name], random)])) as Ready);

const atFixed = (ready: readonly Ready[], everyMs: number) => {
  const counted: Counted = { delaysMs: [], polls: 0 };
  for (const request of ready) for (const name of NAMES) pollLeg(request[name], () => everyMs, counted);
  return summed(counted);
};

/** The fixed interval that takes as many polls. */
const fixedWithPolls = (ready: readonly Ready[], polls: number) => {
  let [low, high] = [200, 12_000];
  for (let round = 0; round < 20; round += 1) {
    const everyMs = (low + high) / 2;
    if (atFixed(ready, everyMs).polls > polls) low = everyMs;
    else high = everyMs;
  }
  return atFixed(ready, high);
};

/** What a pod does: it begins without knowledge, plans anew now and then, spreads its polls. */
const planned = (everyMs: number) => {
  const random = seededRandom(`poll-plan ${everyMs}`);
  const known = new Map<string, TimeToQuote>(NAMES.map((name) => [name, NOTHING_LEARNED]));
  let plans: ReadonlyMap<string, PollPlan> = new Map();
  const work = (ready: readonly Ready[]) => {
    const counted: Counted = { delaysMs: [], polls: 0 };
    for (const [leg, request] of ready.entries()) {
      for (const name of NAMES) {
        const plan = plans.get(name);
        const gap: (ageMs: number, polls: number) => number = (ageMs, polls) =>
          pollDelayMs(`${name}:${leg}`, polls, { ageMs, ...(plan !== undefined && { plan }) });
        const [fromMs, toMs] = pollLeg(request[name], gap, counted);
        known.set(name, learned(known.get(name) ?? NOTHING_LEARNED, fromMs, toMs));
      }
      if (PLANNED_AT.has(known.get('alfa')?.count ?? 0)) plans = pollPlans(known, everyMs);
    }
    return summed(counted);
  };
  work(requests(WARM_UP, random));
  const ready = requests(REQUESTS, random);
  return { ready, measured: work(ready) };
};

const planOf = (known: TimeToQuote): PollPlan | undefined => pollPlans(new Map([['alfa', known]]), 2_000).get('alfa');

describe('polls by plan', () => {
  test.each([1_000, 2_000, 3_000])(
    'against every %i ms: at as many polls at most 0.80 of the mean delay, p99 at most 1.5 times',
    (everyMs) => {
      const { ready, measured } = planned(everyMs);
      const equal = fixedWithPolls(ready, measured.polls);
      const ratios = {
        polls: measured.polls / atFixed(ready, everyMs).polls,
        mean: measured.meanMs / equal.meanMs,
        p99: measured.p99Ms / equal.p99Ms,
      };
      process.stdout.write(
        `polls by plan against every ${everyMs} ms: polls ${ratios.polls.toFixed(3)}, mean delay ${ratios.mean.toFixed(3)}, p99 ${ratios.p99.toFixed(3)}\n`,
      );
      expect(ratios.polls).toBeLessThanOrEqual(1.05);
      expect(ratios.mean).toBeLessThanOrEqual(0.8);
      expect(ratios.p99).toBeLessThanOrEqual(1.5);
    },
    60_000,
  );

  test('need some answers to learn from', () => {
    let known = NOTHING_LEARNED;
    for (let answer = 0; answer < ANSWERS_MIN; answer += 1) {
      expect(planOf(known)).toBeUndefined();
      known = learned(known, 4_000, 5_000);
    }
    const plan = planOf(known);
    expect(plan).toBeDefined();
    // Nothing comes before 4 s, so nobody asks much earlier.
    if (plan !== undefined) expect(plannedGapMs(plan, 0)).toBeGreaterThanOrEqual(3_500);
  });

  test('of an insurer that never answers are as few as can be', () => {
    let known = NOTHING_LEARNED;
    for (let leg = 0; leg < 50; leg += 1) known = learned(known, 58_000, Infinity);
    const plan = planOf(known);
    const counted: Counted = { delaysMs: [], polls: 0 };
    if (plan !== undefined) pollLeg(Infinity, (ageMs) => plannedGapMs(plan, ageMs), counted);
    expect(counted.polls).toBeGreaterThan(0);
    expect(counted.polls).toBeLessThanOrEqual(8);
  });
});

describe('what is learned', () => {
  test('is the distribution that the polls have shown', () => {
    const random = seededRandom('learned');
    let known = NOTHING_LEARNED;
    for (let answer = 0; answer < 2_000; answer += 1) {
      const atMs = readyMs([4_000, 12_000], random);
      const fromMs = Math.floor(atMs / 1_000) * 1_000;
      known = learned(known, fromMs, fromMs + 1_000);
    }
    const [early = 0, half = 0, most = 0] = shareWithin(known, [1_000, 4_000, 12_000]);
    expect(early).toBeLessThan(0.06);
    expect(half).toBeCloseTo(0.5, 1);
    expect(most).toBeCloseTo(0.95, 1);
  });

  test('follows an insurer that has become slower', () => {
    let known = NOTHING_LEARNED;
    for (let answer = 0; answer < 1_000; answer += 1) known = learned(known, 1_000, 2_000);
    for (let answer = 0; answer < 4_000; answer += 1) known = learned(known, 10_000, 11_000);
    expect(shareWithin(known, [5_000])[0]).toBeLessThan(0.1);
  });
});
