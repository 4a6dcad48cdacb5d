/** Whether a price can be one of OSAGO for an application: a mistake of a hundred times (roubles for kopecks) is none. */
import type { Application, InsurerQuote } from '@osago/contracts';
import { tariffAttributes } from './application-rules.ts';
import { baseRateCorridor, premium } from './tariff.ts';

/**
 * How far a price may lie outside what the tariff gives for the lowest and the highest base rate and bonus-malus class:
 * towns whose territory coefficient differs from their region's (0.7 to 2 times), and factors an application does not show.
 */
const TOLERANCE = 3;

export interface PriceBounds {
  readonly baseRate: { readonly minKopecks: number; readonly maxKopecks: number };
  readonly premium: { readonly minKopecks: number; readonly maxKopecks: number };
}

/** `today` is a Moscow date, `YYYY-MM-DD`. Undefined where the tariff has no price for it: then nothing can be said. */
export const priceBounds = (application: Application, today: string): PriceBounds | undefined => {
  const attributes = tariffAttributes(application, today);
  const baseRate = baseRateCorridor(attributes);
  if (baseRate === undefined) return undefined;
  const lowest = premium(attributes, { baseRateKopecks: baseRate.minKopecks, kbmClass: 13 });
  const highest = premium(attributes, { baseRateKopecks: baseRate.maxKopecks, kbmClass: 'M' });
  if (!lowest.ok || !highest.ok) return undefined;
  return {
    baseRate,
    premium: { minKopecks: lowest.premium_kopecks / TOLERANCE, maxKopecks: highest.premium_kopecks * TOLERANCE },
  };
};

export const isPossiblePrice = (
  { base_rate_kopecks, premium_kopecks }: Pick<InsurerQuote, 'base_rate_kopecks' | 'premium_kopecks'>,
  bounds: PriceBounds,
): boolean => {
  const isWithin = (kopecks: number, { minKopecks, maxKopecks }: PriceBounds['premium']): boolean =>
    kopecks >= minKopecks && kopecks <= maxKopecks;
  if (base_rate_kopecks !== undefined && !isWithin(base_rate_kopecks, bounds.baseRate)) return false;
  return isWithin(premium_kopecks, bounds.premium);
};
