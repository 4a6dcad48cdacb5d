/**
 * GCRA: a rate with a burst, kept in one number, the time at which the budget is whole again. Calls are reserved in
 * blocks and may start a little later than reserved; the burst is made smaller by what that lets through, so that an
 * insurer sees at most `perSecond + burst` calls in any second.
 */

export interface Rate {
  /** Calls a second. */
  perSecond: number;
  burst: number;
}

/** A reserved call starts, and reaches the insurer, at most this much after its moment. */
const TOLERANCE_MS_MAX = 200;
/** Of an insurer so slow that even a longer block would be hardly more than one call; its burst is dear. */
const SLOW_PER_SECOND = 20;
const SLOW_TOLERANCE_MS_MAX = 100;
/** Of the burst, at most this share is given up for the tolerance. */
const BURST_GIVEN_UP = 0.5;

export interface TolerantRate {
  readonly intervalMs: number;
  readonly burst: number;
  /** How late a reserved call may reach the insurer. */
  readonly toleranceMs: number;
}

/**
 * Moments of reservations within 1 s + tolerance can be calls within one second: there are at most
 * ⌊perSecond × (1 s + tolerance)⌋ + burst of them, which the smaller burst brings back to ⌊perSecond⌋ + burst.
 */
export const tolerantRate = ({ perSecond, burst }: Rate): TolerantRate => {
  // Up to the next whole number of calls a second tolerance costs nothing; a tenth of that is left for rounding.
  const free = 0.9 * (Math.floor(perSecond) + 1 - perSecond);
  const givenUp = Math.floor(burst * BURST_GIVEN_UP);
  const mostMs = perSecond > SLOW_PER_SECOND ? TOLERANCE_MS_MAX : SLOW_TOLERANCE_MS_MAX;
  const toleranceMs = Math.min(mostMs, ((givenUp + free) / perSecond) * 1_000);
  const more = Math.floor(perSecond * (1 + toleranceMs / 1_000)) - Math.floor(perSecond);
  return { intervalMs: 1_000 / perSecond, burst: Math.max(1, burst - more), toleranceMs };
};

export interface Wanted {
  /** Calls that wait. */
  count: number;
  /** Calls that will probably come: only out of what is free at once. */
  ahead: number;
  /** How far in the future a reserved call may start. */
  horizonMs: number;
}

export interface Block {
  /** To be kept for the next block. */
  readonly wholeAtMs: number;
  /** From now until each reserved call may start. */
  readonly delaysMs: readonly number[];
  /** From now until the first call that was not reserved could start, were nothing else reserved meanwhile. */
  readonly nextDelayMs: number;
}

/** Reserves a block of calls. Redis does the same sum for all pods (call-budget.ts of the aggregator). */
export const reserveBlock = (
  wholeAtMs: number,
  { intervalMs, burst }: Pick<TolerantRate, 'intervalMs' | 'burst'>,
  nowMs: number,
  { count, ahead, horizonMs }: Wanted,
): Block => {
  let wholeMs = Math.max(wholeAtMs, nowMs);
  const delaysMs: number[] = [];
  for (;;) {
    const delayMs = wholeMs + intervalMs - burst * intervalMs - nowMs;
    const isWanted = delaysMs.length < count ? delayMs <= horizonMs : delaysMs.length < count + ahead && delayMs <= 0;
    if (!isWanted) return { wholeAtMs: wholeMs, delaysMs, nextDelayMs: Math.max(0, delayMs) };
    delaysMs.push(Math.max(0, delayMs));
    wholeMs += intervalMs;
  }
};

/** What one of several pods may do by itself while they cannot agree. */
export const shareOf = ({ perSecond, burst }: Rate, pods: number): Rate => ({
  perSecond: perSecond / pods,
  burst: Math.max(1, Math.floor(burst / pods)),
});
