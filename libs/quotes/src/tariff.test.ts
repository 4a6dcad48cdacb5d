import { describe, expect, test } from '@jest/globals';
import { type TariffAttributes, VEHICLE_KINDS } from '@osago/contracts';
import fc from 'fast-check';
import { tariffAttributes } from './application-rules.ts';
import { SAMPLE_KINDS, sampleOfKind } from './sample-kinds.ts';
import { DEFAULT_RULE_SETTINGS } from './rule-settings.ts';
import { baseRateCorridor, type Priced, type Premium, premium } from './tariff.ts';
import { KBM_CLASSES, type KbmClass } from './tariff-tables.ts';

const attributesOf = (given: Partial<TariffAttributes> = {}): TariffAttributes => ({
  category: 'B',
  power_hp: 100,
  year: 2020,
  purpose: 'personal',
  region: '77',
  months: 12,
  policy_start_date: '2026-12-01',
  unlimited_drivers: false,
  drivers: [{ age: 40, experience_years: 15 }],
  ...given,
});

const driver = (age: number, experience_years: number): Partial<TariffAttributes> => ({
  drivers: [{ age, experience_years }],
});

const kopecks = (result: Premium): number => {
  if (!result.ok) throw new Error(`refused: ${result.refusal}`);
  return result.premium_kopecks;
};

/** Research note, §2.7: worked out there by hand from the tables. */
const GOLDEN: [string, Partial<TariffAttributes>, KbmClass, number[]][] = [
  ['Moscow, 24 years, experience 4, 87 hp', { power_hp: 87, ...driver(24, 4) }, 4, [3_130.12, 11_258.6, 19_387.07]],
  [
    'St Petersburg, 35 years, experience 10, 181 hp',
    { region: '78', power_hp: 181, ...driver(35, 10) }, 13, [1_587.33, 5_709.4, 9_831.46],
  ],
  [
    'Ufa, 65 years, experience 30, 107 hp',
    { region: '02', power_hp: 107, ...driver(65, 30) }, 13, [999.91, 3_596.52, 6_193.13],
  ],
  [
    'Moscow, anybody may drive, 150 hp',
    { power_hp: 150, unlimited_drivers: true, drivers: [] }, 3, [13_034.4, 46_882.86, 80_731.32],
  ],
  [
    'Kazan, 18 years, no experience, 98 hp',
    { region: '16', power_hp: 98, ...driver(18, 0) }, 3, [6_948.18, 24_991.59, 43_035.01],
  ],
  [
    'Novosibirsk, 40 years, experience 20, 150.1 hp, six months',
    { region: '54', power_hp: 150.1, months: 6, ...driver(40, 20) }, 8, [2_469.02, 8_880.71, 15_292.4],
  ],
  [
    'Simferopol, 60 years, experience 15, 50 hp, three months',
    { region: '91', power_hp: 50, months: 3, ...driver(60, 15) }, 13, [121.78, 438.04, 754.29],
  ],
];

describe('premium', () => {
  test.each(GOLDEN)('meets the worked example: %s', (_, given, kbmClass, roubles) => {
    const prices = [139_900, 503_200, 866_500].map((baseRateKopecks) =>
      kopecks(premium(attributesOf(given), { baseRateKopecks, kbmClass })),
    );
    expect(prices).toEqual(roubles.map((price) => Math.round(price * 100)));
  });

  test('shows the coefficients it multiplied', () => {
    const result = premium(attributesOf({ power_hp: 87, ...driver(24, 4) }), {
      baseRateKopecks: 500_000,
      kbmClass: 4,
    });
    expect(result).toMatchObject({ coefficients: { kt: 1.8, kbm: 1, kvs: 1.13, ko: 1, km: 1.1, ks: 1 } });
  });

  test('takes the coefficient of the most expensive driver', () => {
    const both = [...attributesOf(driver(40, 15)).drivers, ...attributesOf(driver(19, 0)).drivers];
    const result = premium(attributesOf({ drivers: both }), { baseRateKopecks: 500_000, kbmClass: 4 });
    expect(result).toMatchObject({ coefficients: { kvs: 2.27 } });
  });

  test.each([[50, 0.6], [50.1, 1], [70, 1], [100, 1.1], [120, 1.2], [150, 1.4], [150.1, 1.6]])(
    'counts %s hp with KM %s: a band includes its upper bound',
    (power_hp, km) => {
      const result = premium(attributesOf({ power_hp }), { baseRateKopecks: 500_000, kbmClass: 4 });
      expect(result).toMatchObject({ coefficients: { km } });
    },
  );

  test.each([['2026-06-21', 3.12], ['2026-06-22', 2.34]])(
    'uses the edition in force when the policy starts: Novosibirsk on %s has KT %s',
    (policy_start_date, kt) => {
      const result = premium(attributesOf({ region: '54', policy_start_date }), {
        baseRateKopecks: 500_000,
        kbmClass: 4,
      });
      expect(result).toMatchObject({ coefficients: { kt } });
    },
  );

  test('prices a motorcycle by its own tables', () => {
    const result = premium(attributesOf({ category: 'A', power_hp: 80, ...driver(17, 1) }), {
      baseRateKopecks: 100_000,
      kbmClass: 4,
    });
    expect(result).toMatchObject({ coefficients: { km: 1.36, kvs: 2.23 } });
  });

  test.each<[string, string, Partial<TariffAttributes>]>([
    ['a driver of 30 who has driven for 13 years', 'impossible_experience', driver(30, 13)],
    ['a driver who is too young', 'impossible_experience', driver(17, 0)],
    ['a licence from the future', 'impossible_experience', driver(30, -1)],
    ['a list of drivers without drivers', 'no_drivers', { drivers: [] }],
    ['a region that the tariff does not name', 'unknown_region', { region: '99' }],
    ['two months', 'impossible_period', { months: 2 }],
    ['thirteen months', 'impossible_period', { months: 13 }],
    ['a day before the oldest edition known', 'no_tariff_in_force', { policy_start_date: '2025-12-08' }],
  ])('refuses %s', (_, refusal, given) => {
    expect(premium(attributesOf(given), { baseRateKopecks: 500_000, kbmClass: 4 })).toEqual({ ok: false, refusal });
  });

  test.each([139_899, 866_501, 500_000.5, Number.NaN])(
    'refuses the base rate %s, outside the corridor or no integer',
    (baseRateKopecks) => {
      expect(premium(attributesOf(), { baseRateKopecks, kbmClass: 4 })).toEqual({
        ok: false,
        refusal: 'base_rate_outside_corridor',
      });
    },
  );
});

const anyAttributes = fc
  .record({
    seed: fc.nat(),
    kind: fc.constantFrom(...SAMPLE_KINDS),
    vehicle_kind: fc.option(fc.constantFrom(...VEHICLE_KINDS.filter((each) => each !== 'motorcycle')), { nil: undefined }),
    short_term_days: fc.option(fc.integer({ min: 5, max: 366 }), { nil: undefined }),
  })
  .map(({ kind, seed, short_term_days, vehicle_kind }): TariffAttributes => ({
    ...tariffAttributes(sampleOfKind(kind, seed, '2026-11-21'), '2026-11-21'),
    ...(vehicle_kind !== undefined && { vehicle_kind }),
    ...(short_term_days !== undefined && { short_term_days }),
  }));
const anyKbm = fc.constantFrom(...KBM_CLASSES);
const anyPosition = fc.double({ min: 0, max: 1, noNaN: true });

const rateAt = (attributes: TariffAttributes, position: number): number => {
  const { minKopecks, maxKopecks } = baseRateCorridor(attributes)!;
  return Math.round(minKopecks + position * (maxKopecks - minKopecks));
};

describe('for every sample application', () => {
  test('a higher base rate never makes a lower price', () => {
    fc.assert(
      fc.property(anyAttributes, anyKbm, anyPosition, anyPosition, (attributes, kbmClass, one, other) => {
        const [low, high] = [Math.min(one, other), Math.max(one, other)].map((position) =>
          kopecks(premium(attributes, { baseRateKopecks: rateAt(attributes, position), kbmClass })),
        );
        expect(low).toBeLessThanOrEqual(high!);
      }),
    );
  });

  test('the price is the base rate times the coefficients shown, to the kopeck', () => {
    fc.assert(
      fc.property(anyAttributes, anyKbm, anyPosition, (attributes, kbmClass, position) => {
        const baseRateKopecks = rateAt(attributes, position);
        const result = premium(attributes, { baseRateKopecks, kbmClass });
        if (!result.ok) throw new Error(result.refusal);
        const byFloats = Object.values(result.coefficients).reduce((price, factor) => price * factor, baseRateKopecks);
        expect(Math.abs(result.premium_kopecks - byFloats)).toBeLessThan(0.51);
      }),
    );
  });

  test('any age and experience give a price or the refusal of an impossible pair', () => {
    fc.assert(
      fc.property(fc.integer({ min: -5, max: 130 }), fc.integer({ min: -5, max: 130 }), (age, experience) => {
        const result = premium(attributesOf(driver(age, experience)), { baseRateKopecks: 500_000, kbmClass: 4 });
        const isPossible = experience >= 0 && experience <= age - 18;
        expect(result.ok ? 'priced' : result.refusal).toBe(isPossible ? 'priced' : 'impossible_experience');
      }),
    );
  });
});

const pricedAt = (
  given: Partial<TariffAttributes>,
  baseRateKopecks: number,
  kbmClass: KbmClass = 4,
  settings = DEFAULT_RULE_SETTINGS,
): Priced => {
  const result = premium(attributesOf(given), { baseRateKopecks, kbmClass }, settings);
  if (!result.ok) throw new Error(result.refusal);
  return result;
};

describe('the cap of three times TB × KT', () => {
  const capped = { ...DEFAULT_RULE_SETTINGS, premiumCapMultiplier: 3 };

  test('is off unless it is switched on', () => {
    expect(pricedAt({ power_hp: 150, unlimited_drivers: true, drivers: [] }, 139_900, 3).capped).toBe(false);
  });

  test('makes the worked example of unlimited drivers 7,554.60 to 46,791.00 roubles', () => {
    const prices = [139_900, 503_200, 866_500].map((rate) =>
      pricedAt({ power_hp: 150, unlimited_drivers: true, drivers: [] }, rate, 3, capped),
    );
    expect(prices.map(({ premium_kopecks }) => premium_kopecks)).toEqual([755_460, 2_717_280, 4_679_100]);
    expect(prices.every((price) => price.capped)).toBe(true);
  });

  test.each(GOLDEN.filter(([, given]) => given.unlimited_drivers !== true))('leaves %s alone', (_, given, kbmClass) => {
    expect(pricedAt(given, 503_200, kbmClass, capped)).toEqual(pricedAt(given, 503_200, kbmClass));
  });
});

describe('the breakdown', () => {
  test('names KVS and KBM of each driver, and counts the largest of each', () => {
    const drivers = [{ age: 40, experience_years: 15 }, { age: 19, experience_years: 0 }];
    const result = premium(attributesOf({ drivers }), { baseRateKopecks: 500_000, kbmClass: 3, driverKbmClasses: ['M', 13] });
    expect(result).toMatchObject({
      drivers: [{ driver: 0, kvs: 0.91, kbm: 3.92 }, { driver: 1, kvs: 2.27, kbm: 0.46 }],
      coefficients: { kvs: 2.27, kbm: 3.92 },
    });
  });

  test('counts the first driver’s KBM instead where the rules say so', () => {
    const drivers = [{ age: 40, experience_years: 15 }, { age: 19, experience_years: 0 }];
    const rules = { ...DEFAULT_RULE_SETTINGS, kbmOfDrivers: 'first' as const };
    const choice = { baseRateKopecks: 500_000, kbmClass: 3 as const, driverKbmClasses: [13, 'M'] as const };
    expect(premium(attributesOf({ drivers }), choice, rules)).toMatchObject({ coefficients: { kvs: 2.27, kbm: 0.46 } });
  });

  test('has nobody where anybody may drive', () => {
    expect(pricedAt({ unlimited_drivers: true, drivers: [] }, 500_000).drivers).toEqual([]);
  });
});

describe('a legal entity', () => {
  test('has base rates of its own', () => {
    expect(baseRateCorridor(attributesOf({ legal_entity: true }))).toEqual({ minKopecks: 72_400, maxKopecks: 658_000 });
  });

  test('pays KO 1.97 for unlimited drivers and 1.8 times KVS for listed ones', () => {
    const unlimited = pricedAt({ legal_entity: true, unlimited_drivers: true, drivers: [] }, 300_000);
    expect(unlimited.coefficients).toMatchObject({ ko: 1.97, kvs: 1 });
    expect(pricedAt({ legal_entity: true, ...driver(19, 0) }, 300_000).coefficients).toMatchObject({ ko: 1, kvs: 4.086 });
  });
});

describe('a policy of days', () => {
  test.each([[5, 0.2], [15, 0.2], [16, 0.3], [31, 0.3], [62, 0.4], [366, 1]])('%i long has KP %s, and neither KT nor KS', (days, kp) => {
    expect(pricedAt({ short_term_days: days, region: '99', months: 3 }, 500_000).coefficients).toMatchObject({ kt: 1, ks: 1, kp });
  });

  test.each([4, 367])('%i long is none', (days) => {
    expect(premium(attributesOf({ short_term_days: days }), { baseRateKopecks: 500_000, kbmClass: 4 })).toEqual({
      ok: false,
      refusal: 'impossible_period',
    });
  });
});

describe('an older day', () => {
  test.each([
    ['2022-09-12', undefined],
    ['2022-09-13', { minKopecks: 164_600, maxKopecks: 753_500 }],
    ['2025-12-08', { minKopecks: 164_600, maxKopecks: 753_500 }],
    ['2025-12-09', { minKopecks: 139_900, maxKopecks: 866_500 }],
  ])('has the corridor of its time: %s', (policy_start_date, corridor) => {
    expect(baseRateCorridor(attributesOf({ policy_start_date }))).toEqual(corridor);
  });
});

test('a town of the tariff has its own KT in the price, any other that of its region', () => {
  const ktOf = (given: Partial<TariffAttributes>) => pricedAt(given, 500_000).coefficients.kt;
  expect([ktOf({ region: '86', town: 'Сургут' }), ktOf({ region: '86', town: 'Урай' }), ktOf({ region: '86' })]).toEqual([1.7, 1.3, 1.3]);
});

describe('baseRateCorridor', () => {
  test('is wider for a taxi than for the same car in private use', () => {
    expect(baseRateCorridor(attributesOf())).toEqual({ minKopecks: 139_900, maxKopecks: 866_500 });
    expect(baseRateCorridor(attributesOf({ purpose: 'taxi' }))).toEqual({
      minKopecks: 126_700,
      maxKopecks: 1_811_900,
    });
  });
});
