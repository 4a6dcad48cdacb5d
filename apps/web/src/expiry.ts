/** Until when quotes hold. All moments are of the server's clock, in milliseconds. */
import type { Quote } from '@osago/contracts';

/** NaN for what never expires, which no moment is past. */
const untilMs = ({ status, valid_until }: Quote): number => (status === 'quoted' ? Date.parse(valid_until ?? '') : Number.NaN);

/** Whose quote does not hold any more. */
export const expiredInsurers = (quotes: readonly Quote[], nowMs: number): ReadonlySet<string> =>
  new Set(quotes.filter((quote) => untilMs(quote) <= nowMs).map(({ insurer_id }) => insurer_id));

/** When the next one expires; Infinity where none will. */
export const nextExpiryMs = (quotes: readonly Quote[], nowMs: number): number =>
  Math.min(...quotes.map(untilMs).filter((ms) => ms > nowMs));
