import { describe, expect, test } from '@jest/globals';
import { fraudSignals, type RememberedApplication } from './fraud-signals.ts';

const HOUR_MS = 3_600_000;
const NOW_MS = Date.parse('2026-11-21T09:00:00Z');

const remembered = (
  hoursAgo: number,
  attributes: Partial<RememberedApplication['attributes']> = {},
  tokens: Partial<Pick<RememberedApplication, 'vehicle' | 'owner'>> = {},
): RememberedApplication => ({
  atMs: NOW_MS - hoursAgo * HOUR_MS,
  vehicle: 'v1',
  owner: 'o1',
  ...tokens,
  attributes: {
    power_hp: 150,
    region: '77',
    purpose: 'personal',
    year: 2020,
    drivers: [{ age: 40, experience_years: 15 }],
    ...attributes,
  },
});

const codes = (...former: RememberedApplication[]): string[] => fraudSignals(remembered(0), former).map(({ code }) => code);

describe('the same vehicle', () => {
  test.each([
    ['power', { power_hp: 160 }, 'power_changed'],
    ['a region', { region: '87' }, 'region_changed'],
    ['a purpose', { purpose: 'taxi' as const }, 'purpose_changed'],
    ['a year', { year: 2015 }, 'year_changed'],
    ['a driver', { drivers: [{ age: 19, experience_years: 0 }] }, 'drivers_changed'],
  ])('with %s that was another hours ago is a signal', (_, attributes, code) => {
    expect(codes(remembered(3, attributes))).toEqual([code]);
  });

  test('says what it was and when, by the latest that differs', () => {
    const former = [remembered(5, { purpose: 'taxi' }), remembered(1), remembered(20, { purpose: 'taxi' })];
    expect(fraudSignals(remembered(0), former)).toEqual([
      { code: 'purpose_changed', former_at: '2026-11-21T04:00:00.000Z', former: 'taxi', current: 'personal' },
    ]);
  });

  test('is none when nothing that has a price changed, in whatever order the drivers stand', () => {
    const [a, b] = [{ age: 40, experience_years: 15 }, { age: 22, experience_years: 2 }];
    const now = remembered(0, { drivers: [a, b] });
    expect(fraudSignals(now, [remembered(1, { drivers: [b, a] })])).toEqual([]);
    expect(codes(remembered(1))).toEqual([]);
  });

  test('is none of a day ago and more, of another vehicle, or of the future', () => {
    expect(codes(remembered(25, { power_hp: 90 }))).toEqual([]);
    expect(codes(remembered(1, { power_hp: 90 }, { vehicle: 'v2' }))).toEqual([]);
    expect(codes(remembered(-1, { power_hp: 90 }))).toEqual([]);
  });
});

describe('the same owner', () => {
  const others = (count: number): RememberedApplication[] =>
    Array.from({ length: count }, (_, index) => remembered(index + 1, {}, { vehicle: `other ${index}` }));

  test('with six vehicles in a day is a signal, with five none', () => {
    expect(codes(...others(4))).toEqual([]);
    expect(codes(...others(5))).toEqual(['many_vehicles']);
  });

  test('counts one vehicle once', () => {
    expect(codes(...others(3), ...others(3), ...others(3))).toEqual([]);
  });
});
