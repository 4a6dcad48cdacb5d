import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import type { InsurerQuote } from '@osago/contracts';
import { baseRateCorridor, ruleSettings, SAMPLE_KINDS, sampleOfKind } from '@osago/quotes';
import fc from 'fast-check';
import { type Priced, price } from './pricing.ts';
import { loadProfiles } from './profile.ts';

const NOW_MS = Date.parse('2026-11-21T09:00:00Z');
const PROFILES = loadProfiles(join(import.meta.dirname, '..', 'profiles.yaml'));

const forEveryPrice = (property: (priced: Priced, quote: InsurerQuote) => void): void =>
  fc.assert(
    fc.property(fc.nat(), fc.constantFrom(...SAMPLE_KINDS), fc.constantFrom(...PROFILES), fc.nat(99), (seed, kind, profile, of) => {
      const priced = price({ profile, seed: of }, sampleOfKind(kind, seed, '2026-11-21'), NOW_MS);
      if (priced.kind === 'refused') throw new Error(priced.refusal);
      property(priced, priced.estimated);
      property(priced, priced.final);
    }),
    { numRuns: 500 },
  );

test('every base rate, estimated or final, lies inside the corridor of its kind of vehicle', () => {
  forEveryPrice(({ attributes }, { base_rate_kopecks }) => {
    const { minKopecks, maxKopecks } = baseRateCorridor(attributes)!;
    expect(base_rate_kopecks).toBeGreaterThanOrEqual(minKopecks);
    expect(base_rate_kopecks).toBeLessThanOrEqual(maxKopecks);
  });
});

test('every premium is the product of what the quote shows, to the kopeck', () => {
  forEveryPrice((_, { base_rate_kopecks, coefficients, premium_kopecks }) => {
    const byFloats = Object.values(coefficients!).reduce((product, factor) => product * factor, base_rate_kopecks!);
    expect(Math.abs(premium_kopecks - byFloats)).toBeLessThan(0.51);
  });
});

test('every quote shows the part of each listed driver, of which the largest counts', () => {
  forEveryPrice(({ attributes }, { coefficients, drivers = [] }) => {
    expect(drivers.map(({ driver }) => driver)).toEqual(attributes.drivers.map((_, index) => index));
    if (drivers.length > 0) expect(coefficients!.kvs).toBe(Math.max(...drivers.map(({ kvs }) => kvs)));
  });
});

test('the rules are settings: a cap, a class, a step and hours that are set count', () => {
  const [profile] = PROFILES;
  const application = sampleOfKind('unlimited', 1, '2026-11-21');
  const of = (config: Parameters<typeof ruleSettings>[0]): InsurerQuote => {
    const priced = price({ profile: profile!, seed: 1, rules: ruleSettings(config) }, application, NOW_MS);
    if (priced.kind === 'refused') throw new Error(priced.refusal);
    return priced.final;
  };
  const usual = of({});
  expect(usual.coefficients!.kbm).toBe(1.17);
  expect(of({ RULE_FIRST_KBM_CLASS: 4 }).coefficients!.kbm).toBe(1);
  const { base_rate_kopecks: rate, coefficients } = usual;
  expect(of({ RULE_PREMIUM_CAP_MULTIPLIER: 3 }).premium_kopecks).toBe(Math.round(rate! * coefficients!.kt * 3));
  expect(of({ RULE_PREMIUM_STEP_KOPECKS: 100 }).premium_kopecks).toBe(Math.round(usual.premium_kopecks / 100) * 100);
  expect(Date.parse(of({ RULE_QUOTE_VALID_HOURS_MAX: 2 }).valid_until!)).toBe(NOW_MS + 7_200_000);
});

test('no quote holds beyond a day or the first day of its policy', () => {
  forEveryPrice((_, { valid_until }) => {
    expect(Date.parse(valid_until!)).toBeGreaterThan(NOW_MS);
    expect(Date.parse(valid_until!)).toBeLessThanOrEqual(NOW_MS + 86_400_000);
  });
});
