/**
 * When to ask insurers for their answers: all together as many polls as asking each at a fixed interval would take, at the
 * ages where they make the mean delay from "ready" to "asked" smallest. Found by dynamic programming over what was learned
 * of each one's time to quote: `loss(age)` is the least that is still to be lost after a poll at that age that found
 * nothing, and a poll costs `price`. One price for all insurers, so that polls go where they shorten most; it is chosen so
 * that the polls are as many as allowed.
 */
import { shareWithin, type TimeToQuote } from './time-to-quote.ts';

/** Ages are multiples of it. */
const STEP_MS = 100;
/** No leg is polled by plan for longer: its deadline has come. */
const AGE_MS_MAX = 60_000;
const STEPS = AGE_MS_MAX / STEP_MS;
/** Polls of one leg come no closer. */
const GAP_MS_MIN = 200;
/** A gap is at most so many intervals: who answers late must not wait for ever either. */
const GAP_GROWTH_MAX = 3;
/** Unless answers within the gap are as rare as this. */
const RARE = 0.001;
const GAP_MS_MAX = 10_000;
/** Halvings of the price, which then is known to one in a hundred: what was learned is not known better. */
const ROUNDS = 10;
/** Above every loss. Not Infinity: a global costs a look-up in the innermost loop under a test's module loader. */
const NEVER = 1e18;
/** Fewer answers than these say little. */
export const ANSWERS_MIN = 12;

export interface PollPlan {
  /** From the age `at × stepMs` of a leg until its next poll. */
  readonly gapsMs: readonly number[];
  readonly stepMs: number;
}

const AGES_MS: readonly number[] = Array.from({ length: STEPS + 1 }, (_, at) => at * STEP_MS);

interface Distribution {
  /** Share of answers until each age. */
  readonly within: Float64Array;
  /** Its sum over the ages: the delay of answers within a gap is a difference of these. */
  readonly area: Float64Array;
}

const distributionOf = (known: TimeToQuote): Distribution => {
  const within = Float64Array.from(shareWithin(known, AGES_MS));
  const area = new Float64Array(STEPS + 1);
  for (let at = 1; at <= STEPS; at += 1) {
    area[at] = (area[at - 1] ?? 0) + (((within[at - 1] ?? 0) + (within[at] ?? 0)) / 2) * STEP_MS;
  }
  return { within, area };
};

/** Sum of the delays of answers between two polls. */
const delayBetween = ({ within, area }: Distribution, from: number, to: number): number =>
  (area[to] ?? 0) - (area[from] ?? 0) - (within[from] ?? 0) * (to - from) * STEP_MS;

/** Polls for one answer at a fixed interval. */
const fixedPolls = ({ within }: Distribution, everyMs: number): number => {
  const every = everyMs / STEP_MS;
  let polls = 0;
  for (let at = 0; at < STEPS; at += every) polls += 1 - (within[Math.floor(at)] ?? 0);
  return polls;
};

/** The next poll after each age. */
const nextPolls = (known: Distribution, price: number, everyMs: number): Int32Array => {
  const next = new Int32Array(STEPS + 1);
  const loss = new Float64Array(STEPS + 1);
  const nearest = GAP_MS_MIN / STEP_MS;
  const usual = Math.floor((everyMs * GAP_GROWTH_MAX) / STEP_MS);
  const farthest = GAP_MS_MAX / STEP_MS;
  for (let from = STEPS - 1; from >= 0; from -= 1) {
    const pending = 1 - (known.within[from] ?? 0);
    let best = NEVER;
    const last = from + farthest < STEPS ? from + farthest : STEPS;
    for (let to = from + nearest < last ? from + nearest : last; to <= last; to += 1) {
      const isRare = (known.within[to] ?? 0) - (known.within[from] ?? 0) <= RARE;
      if (to > from + usual && !isRare) break;
      const lost = delayBetween(known, from, to) + price * pending + (loss[to] ?? 0);
      // Of equal ones the latest: it asks least.
      if (lost <= best) {
        best = lost;
        next[from] = to;
      }
    }
    loss[from] = best;
  }
  return next;
};

const pollsOf = ({ within }: Distribution, next: Int32Array): number => {
  let polls = 0;
  for (let at = 0; at < STEPS; at = next[at] ?? STEPS) polls += 1 - (within[at] ?? 0);
  return polls;
};

/** In which the price of a poll lies, in milliseconds of delay: from nothing to what nothing is worth. */
const PRICE_MIN = 1;
const PRICE_MAX = AGE_MS_MAX;

/** By insurer: all together as many polls as asking each every `everyMs` would take. Nothing for those hardly known. */
export const pollPlans = (known: ReadonlyMap<string, TimeToQuote>, everyMs: number): ReadonlyMap<string, PollPlan> => {
  const insurers = [...known].flatMap(([id, one]) => (one.count < ANSWERS_MIN ? [] : [{ id, distribution: distributionOf(one) }]));
  const allowed = insurers.reduce((sum, { distribution }) => sum + fixedPolls(distribution, everyMs), 0);
  const plannedAt = (price: number) => insurers.map(({ distribution }) => nextPolls(distribution, price, everyMs));
  let [low, high] = [PRICE_MIN, PRICE_MAX];
  for (let round = 0; round < ROUNDS && insurers.length > 0; round += 1) {
    const price = Math.sqrt(low * high);
    const next = plannedAt(price);
    const polls = insurers.reduce((sum, { distribution }, at) => sum + pollsOf(distribution, next[at] ?? new Int32Array()), 0);
    if (polls > allowed) low = price;
    else high = price;
  }
  const next = plannedAt(high);
  return new Map(
    insurers.map(({ id }, at) => {
      const gapsMs = Array.from((next[at] ?? new Int32Array()).subarray(0, STEPS), (to, from) => (to - from) * STEP_MS);
      return [id, { gapsMs, stepMs: STEP_MS }];
    }),
  );
};

/** From a poll at that age until the next one. */
export const plannedGapMs = ({ gapsMs, stepMs }: PollPlan, ageMs: number): number =>
  gapsMs[Math.min(Math.max(0, Math.round(ageMs / stepMs)), gapsMs.length - 1)] ?? GAP_MS_MAX;
