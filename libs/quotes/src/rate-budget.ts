/** GCRA: a rate with a burst, kept in one number, the time at which the budget is whole again. */

export interface Rate {
  perSecond: number;
  burst: number;
}

export interface Reservation {
  /** To be kept for the next call. */
  readonly wholeAtMs: number;
  /** How long to wait before the call; undefined when that is longer than `waitMsMax`: then nothing is reserved. */
  readonly delayMs: number | undefined;
}

/** Reserves one call. Redis does the same sum for all pods (rate-limiter.ts of the aggregator). */
export const reserveCall = (
  wholeAtMs: number,
  { perSecond, burst }: Rate,
  nowMs: number,
  waitMsMax: number,
): Reservation => {
  const intervalMs = 1_000 / perSecond;
  const nextMs = Math.max(wholeAtMs, nowMs) + intervalMs;
  const delayMs = Math.max(0, nextMs - burst * intervalMs - nowMs);
  return delayMs > waitMsMax ? { wholeAtMs, delayMs: undefined } : { wholeAtMs: nextMs, delayMs };
};
