import { describe, expect, test } from '@jest/globals';
import { fraudSignals, isTaxiPlate, type RememberedApplication } from './fraud-signals.ts';

const HOUR_MS = 3_600_000;
const NOW_MS = Date.parse('2026-11-21T09:00:00Z');

const remembered = (
  hoursAgo: number,
  attributes: Partial<RememberedApplication['attributes']> = {},
  tokens: Partial<Omit<RememberedApplication, 'atMs' | 'attributes'>> = {},
): RememberedApplication => ({
  requestId: `${hoursAgo} h ago`,
  revision: 1,
  atMs: NOW_MS - hoursAgo * HOUR_MS,
  vehicle: 'v1',
  person: 'p1',
  taxiPlate: false,
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

  test('says what it was and in which request, by the latest that differs', () => {
    const former = [remembered(5, { purpose: 'taxi' }), remembered(1), remembered(20, { purpose: 'taxi' })];
    expect(fraudSignals(remembered(0), former)).toEqual([
      { code: 'purpose_changed', former: { requestId: '5 h ago', value: 'taxi' }, current: 'personal' },
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

describe('a retry', () => {
  const submitted = remembered(2, { power_hp: 150 }, { requestId: 'own' });
  const retry = (attributes: Partial<RememberedApplication['attributes']>, revision = 2): RememberedApplication =>
    remembered(1, attributes, { requestId: 'own', revision });

  test('that changes what has a price is a signal against its own request', () => {
    expect(fraudSignals(retry({ power_hp: 90 }), [submitted])).toEqual([
      { code: 'power_changed', former: { requestId: 'own', value: '150' }, current: '90' },
    ]);
    expect(fraudSignals(retry({ town: 'Бердск' }), [submitted]).map(({ code, current }) => [code, current])).toEqual([
      ['region_changed', '77 Бердск'],
    ]);
  });

  test('that only fills in what was missing is none, also where its request was one', () => {
    const other = remembered(3, { power_hp: 60 });
    expect(fraudSignals(submitted, [other])).toHaveLength(1);
    expect(fraudSignals(retry({}), [submitted, other])).toEqual([]);
    const taxi = { taxiPlate: true };
    expect(fraudSignals({ ...retry({}), ...taxi }, [{ ...submitted, ...taxi }])).toEqual([]);
  });

  test('is held against the one before it, and against that only once', () => {
    const former = [submitted, retry({ power_hp: 90 })];
    expect(fraudSignals({ ...retry({ power_hp: 60 }, 3), atMs: NOW_MS }, former)).toMatchObject([{ former: { value: '90' } }]);
    expect(fraudSignals({ ...retry({ power_hp: 90 }, 3), atMs: NOW_MS }, former)).toEqual([]);
  });
});

describe('the same person', () => {
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

describe('a plate that only taxis have', () => {
  test.each([
    ['АВ12377', true],
    // Region 477 of a taxi, region 77 of a trailer.
    ['АВ123477', false],
    ['А123ВС77', false],
    [undefined, false],
  ])('is %s: %s', (plate, is) => {
    expect(isTaxiPlate(plate)).toBe(is);
  });

  test('is a signal on a personal vehicle, with nothing former, and none on a taxi', () => {
    expect(fraudSignals(remembered(0, {}, { taxiPlate: true }), [])).toEqual([
      { code: 'taxi_plate_personal', current: 'personal' },
    ]);
    expect(fraudSignals(remembered(0, { purpose: 'taxi' }, { taxiPlate: true }), [])).toEqual([]);
  });
});
