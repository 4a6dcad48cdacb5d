import { describe, expect, test } from '@jest/globals';
import { checker, isDate, TARIFF_TABLES, TariffsReply, VEHICLE_KINDS } from '@osago/contracts';
import fc from 'fast-check';
import {
  editionInForce, KBM_CLASSES, nextKbmClass, nextTariffDate, tariffEditions, tariffsInForce, territoryCoefficient,
} from './tariff-tables.ts';

const TODAY = '2026-11-24';

describe('every edition of every table', () => {
  const editions = TARIFF_TABLES.flatMap((table) => tariffEditions(table).map((edition) => ({ table, edition })));

  test.each(editions)('$table of $edition.directive names its directive, its first day and its source', ({ edition }) => {
    expect(edition.directive).toMatch(/^\d{4}-У/);
    expect(isDate(edition.valid_from)).toBe(true);
    expect(edition.source).toMatch(/\[[SKA]/);
  });

  test.each(TARIFF_TABLES)('of %s stands before the older ones', (table) => {
    const days = tariffEditions(table).map(({ valid_from }) => valid_from);
    expect(days).toEqual([...new Set(days)].sort().reverse());
  });
});

describe('the tables of 7204-У', () => {
  test('have a row for every kind of vehicle, the lower end below the upper', () => {
    const { roubles } = editionInForce('base_rates', TODAY)!;
    expect(Object.keys(roubles).sort()).toEqual([...VEHICLE_KINDS].sort());
    for (const [min, max] of Object.values(roubles)) expect(min).toBeLessThan(max);
  });

  test.each(['capital', 'tractor'] as const)('have KT of 85 subjects for %s, between 0.6 and 3.12', (column) => {
    const oldest = tariffEditions('kt').at(-1)!;
    expect(Object.keys(oldest[column])).toHaveLength(85);
    for (const kt of Object.values(oldest[column])) {
      expect(kt).toBeGreaterThanOrEqual(0.6);
      expect(kt).toBeLessThanOrEqual(3.12);
    }
  });

  test('have KVS from 0.83 to 2.27 for cars and from 0.76 to 2.27 for motorcycles, no row too short for its ages', () => {
    const { experience_from_years, rows } = editionInForce('kvs', TODAY)!;
    const ages = { other: 18, motorcycle: 16 } as const;
    for (const family of ['other', 'motorcycle'] as const) {
      const all = rows[family].flatMap(({ by_experience }) => by_experience);
      expect([Math.min(...all), Math.max(...all)]).toEqual([family === 'other' ? 0.83 : 0.76, 2.27]);
      rows[family].forEach(({ by_experience }, at) => {
        const oldest = (rows[family][at + 1]?.age_from ?? 200) - 1;
        const columns = experience_from_years.filter((from) => from <= oldest - ages[family]).length;
        expect(by_experience.length).toBeGreaterThanOrEqual(columns);
      });
    }
  });

  test('have steps that only rise, and end', () => {
    const km = editionInForce('km', TODAY)!.up_to_hp;
    const { up_to_months } = editionInForce('ks', TODAY)!;
    const { up_to_days } = editionInForce('kp', TODAY)!;
    for (const steps of [km.car, km.motorcycle, up_to_months, up_to_days]) {
      const bounds = steps.map(([upTo]) => upTo ?? Infinity);
      expect(bounds).toEqual([...new Set(bounds)].sort((one, other) => one - other));
      expect(steps.map(([, factor]) => factor)).toEqual(steps.map(([, factor]) => factor).toSorted((a, b) => a - b));
    }
  });
});

describe('KBM classes', () => {
  test.each([['M', 0, 0], [3, 0, 4], [3, 1, 1], [13, 0, 13], [13, 1, 7], [9, 3, 1], [7, 2, 2], [7, 9, 'M']] as const)(
    'go from %s after %i claims to %s',
    (from, claims, to) => expect(nextKbmClass(from, claims, TODAY)).toBe(to),
  );

  test('never get worse by fewer claims', () => {
    const rank = (kbmClass: string | number | undefined): number => KBM_CLASSES.findIndex((each) => each === kbmClass);
    fc.assert(
      fc.property(fc.constantFrom(...KBM_CLASSES), fc.nat(6), (from, claims) => {
        expect(rank(nextKbmClass(from, claims, TODAY))).toBeGreaterThanOrEqual(rank(nextKbmClass(from, claims + 1, TODAY)));
      }),
    );
  });
});

describe('an edition that changes another', () => {
  test('counts for its own regions and leaves the others alone', () => {
    expect(territoryCoefficient({ region: '54' }, '2026-06-21', 'capital')).toBe(3.12);
    expect(territoryCoefficient({ region: '54' }, '2026-06-22', 'capital')).toBe(2.34);
    expect(territoryCoefficient({ region: '77' }, '2026-06-22', 'capital')).toBe(1.8);
    expect(territoryCoefficient({ region: '77' }, '2026-06-22', 'tractor')).toBe(1.16);
    expect(territoryCoefficient({ region: '99' }, '2026-06-22', 'capital')).toBeUndefined();
    expect(territoryCoefficient({ region: '77' }, '2025-12-08', 'capital')).toBeUndefined();
  });

  test.each([
    ['86', 'Сургут', '2026-11-24', 1.7],
    ['86', 'г. СУРГУТ ', '2026-11-24', 1.7],
    ['54', 'Бердск', '2026-06-21', 2.48],
    ['54', 'Бердск', '2026-06-22', 1.86],
    ['86', 'Урай', '2026-11-24', 1.3],
    ['77', 'Сургут', '2026-11-24', 1.8],
    ['99', 'Сургут', '2026-11-24', undefined],
    ['86', 'toString', '2026-11-24', 1.3],
  ])('tells a town that the tariff names from its region, and no other: %s %s on %s has KT %s', (region, town, on, kt) => {
    expect(territoryCoefficient({ region, town }, on, 'capital')).toBe(kt);
  });

  test('has one value a region for tractors', () => {
    expect(territoryCoefficient({ region: '86', town: 'Сургут' }, TODAY, 'tractor')).toBe(1);
  });

  test('is the next change for every day before it, and none is known after the last', () => {
    expect(nextTariffDate('2026-01-01')).toBe('2026-06-22');
    expect(nextTariffDate('2026-06-22')).toBeUndefined();
  });
});

describe('tariffsInForce', () => {
  const check = checker(TariffsReply);
  const directives = (on: string) =>
    Object.fromEntries(tariffsInForce(on).tables.map(({ directive, table }) => [table, directive.slice(0, 6)]));

  test.each(['2020-01-01', '2023-01-01', '2025-12-09', TODAY])('is the reply of the contract on %s', (on) => {
    expect(check(tariffsInForce(on))).toMatchObject({ ok: true });
  });

  test('names every table of today, and what replaces one of yesterday', () => {
    expect(Object.keys(directives(TODAY))).toEqual([...TARIFF_TABLES]);
    expect(directives(TODAY)).toMatchObject({ kt: '7349-У', base_rates: '7204-У' });
    const kt = tariffsInForce('2026-01-01').tables.find(({ table }) => table === 'kt');
    expect(kt).toMatchObject({ directive: '7204-У of 09.10.2025', replaced_on: '2026-06-22' });
  });

  test('says what is known of an older day, and nothing of one before that', () => {
    expect(tariffsInForce('2023-01-01').base_rates).toEqual([
      { vehicle_kind: 'motorcycle', min_kopecks: 32_400, max_kopecks: 253_600 },
      { vehicle_kind: 'car', min_kopecks: 164_600, max_kopecks: 753_500 },
    ]);
    expect(tariffsInForce('2020-01-01')).toEqual({ on: '2020-01-01', tables: [], base_rates: [] });
  });
});
