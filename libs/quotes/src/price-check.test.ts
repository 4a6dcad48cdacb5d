import { describe, expect, test } from '@jest/globals';
import { moscowDate } from './calendar.ts';
import { isPossiblePrice, priceBounds } from './price-check.ts';
import { sampleApplication } from './sample-application.ts';

const TODAY = moscowDate(Date.parse('2026-11-21T09:00:00Z'));
const boundsOf = (seed: number) => {
  const bounds = priceBounds(sampleApplication(seed, TODAY), TODAY);
  if (bounds === undefined) throw new Error('the sample has no price');
  return bounds;
};

describe('a price', () => {
  test.each(Array.from({ length: 20 }, (_, seed) => seed + 1))('of sample %i is possible in its corridor, and not a hundred times off', (seed) => {
    const bounds = boundsOf(seed);
    const middle = Math.round((bounds.premium.minKopecks + bounds.premium.maxKopecks) / 2);
    expect(isPossiblePrice({ premium_kopecks: middle }, bounds)).toBe(true);
    expect(isPossiblePrice({ premium_kopecks: Math.floor(bounds.premium.maxKopecks) * 100 }, bounds)).toBe(false);
    expect(isPossiblePrice({ premium_kopecks: Math.floor(bounds.premium.minKopecks / 100) }, bounds)).toBe(false);
    expect(isPossiblePrice({ premium_kopecks: 0 }, bounds)).toBe(false);
  });

  test('on a base rate outside the corridor of the directive is not possible', () => {
    const { baseRate, premium } = boundsOf(1);
    const price = (base_rate_kopecks: number) => ({ premium_kopecks: Math.round(premium.maxKopecks / 2), base_rate_kopecks });
    expect(isPossiblePrice(price(baseRate.minKopecks), boundsOf(1))).toBe(true);
    expect(isPossiblePrice(price(baseRate.minKopecks - 1), boundsOf(1))).toBe(false);
    expect(isPossiblePrice(price(baseRate.maxKopecks + 1), boundsOf(1))).toBe(false);
  });
});
