/**
 * How long an insurer takes from an accepted application to its answer, learned from what polls show: the answer was not
 * there at one age and was there at a later one. A bounded histogram with equal steps of the logarithm, in which old
 * answers weigh less and less.
 */

/** Edges of the buckets: from 0.1 s on each is a tenth longer than the one before. What comes later is in the last. */
const FIRST_EDGE_MS = 100;
const EDGE_GROWTH = 1.1;
const BUCKETS = 68;
/** An answer weighs half as much after so many others. */
const HALF_LIFE = 1_000;
const DECAY = 0.5 ** (1 / HALF_LIFE);
/** Of each answer, spread over its whole interval: what was never seen there must stay possible. */
const EVEN_SHARE = 0.1;

const edgeMs = (at: number): number => (at === 0 ? 0 : FIRST_EDGE_MS * EDGE_GROWTH ** (at - 1));

/** Ages at which the buckets begin; the last one has no end. */
export const BUCKET_EDGES_MS: readonly number[] = Array.from({ length: BUCKETS }, (_, at) => edgeMs(at));

/** Weights of the neighbours of a bucket, itself in the middle: few answers do not show a sharp edge. */
const SMOOTHING = [0.2, 0.6, 1.3, 2.4, 3.5, 4, 3.5, 2.4, 1.3, 0.6, 0.2] as const;
const REACH = 5;
const LAST = BUCKETS - 1;

/** Each weight spread over its neighbours; the last bucket, which has no end, keeps its own. */
const smoothed = (weights: readonly number[]): number[] => {
  const smooth = weights.map((weight, at) => (at === LAST ? weight : 0));
  for (let at = 0; at < LAST; at += 1) {
    const weight = weights[at] ?? 0;
    if (weight === 0) continue;
    const from = at < REACH ? 0 : at - REACH;
    const to = at + REACH < LAST ? at + REACH : LAST - 1;
    let all = 0;
    for (let near = from; near <= to; near += 1) all += SMOOTHING[near - at + REACH] ?? 0;
    for (let near = from; near <= to; near += 1) {
      smooth[near] = (smooth[near] ?? 0) + (weight * (SMOOTHING[near - at + REACH] ?? 0)) / all;
    }
  }
  return smooth;
};

export interface TimeToQuote {
  /** Weight of each bucket. */
  readonly weights: readonly number[];
  /** How many answers it was learned from, the faded ones included. */
  readonly count: number;
}

export const NOTHING_LEARNED: TimeToQuote = { weights: BUCKET_EDGES_MS.map(() => 0), count: 0 };

const overlap = (at: number, fromMs: number, toMs: number): number => {
  const begin = BUCKET_EDGES_MS[at] ?? 0;
  const end = BUCKET_EDGES_MS[at + 1] ?? Infinity;
  if (end === Infinity) return toMs > begin ? 1 : 0;
  return Math.max(0, Math.min(end, toMs) - Math.max(begin, fromMs)) / (end - begin);
};

/**
 * An answer was not there at `fromMs` after the application was accepted and was there at `toMs`; Infinity where nobody
 * asked any more. It counts for the buckets between as they are likely by what is known.
 */
export const learned = ({ weights, count }: TimeToQuote, fromMs: number, toMs: number): TimeToQuote => {
  const shares = weights.map((_, at) => overlap(at, fromMs, toMs));
  const even = shares.reduce((sum, share) => sum + share, 0);
  const density = smoothed(weights);
  const likely = density.reduce((sum, weight, at) => sum + weight * (shares[at] ?? 0), 0);
  if (even === 0) return { weights, count };
  const evenShare = likely === 0 ? 1 : EVEN_SHARE;
  return {
    count: count + 1,
    weights: weights.map((weight, at) => {
      const share = shares[at] ?? 0;
      const byLikelihood = likely === 0 ? 0 : ((density[at] ?? 0) * share) / likely;
      return weight * DECAY + evenShare * (share / even) + (1 - evenShare) * byLikelihood;
    }),
  };
};

/** The share of answers that come within `ageMs`, for the ages that are asked for, in ascending order. */
export const shareWithin = (known: TimeToQuote, agesMs: readonly number[]): number[] => {
  const weights = smoothed(known.weights);
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  let at = 0;
  let before = 0;
  return agesMs.map((ageMs) => {
    while (at + 1 < BUCKETS && (BUCKET_EDGES_MS[at + 1] ?? Infinity) <= ageMs) {
      before += weights[at] ?? 0;
      at += 1;
    }
    const begin = BUCKET_EDGES_MS[at] ?? 0;
    const end = BUCKET_EDGES_MS[at + 1] ?? Infinity;
    const inside = end === Infinity ? 0 : (weights[at] ?? 0) * ((ageMs - begin) / (end - begin));
    return total === 0 ? 0 : (before + inside) / total;
  });
};
