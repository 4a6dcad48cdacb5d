import { describe, expect, test } from '@jest/globals';
import { Application, checker } from '@osago/contracts';
import fc from 'fast-check';
import { applicationFaults, tariffAttributes } from './application-rules.ts';
import { seededRandom } from './random.ts';
import { type SampleApplication, sampleApplication } from './sample-application.ts';
import { SAMPLE_KINDS, sampleOfKind } from './sample-kinds.ts';
import { baseRateCorridor, premium } from './tariff.ts';

const TODAY = '2026-11-21';
const check = checker(Application);

const forEverySample = (property: (application: SampleApplication) => void): void =>
  fc.assert(fc.property(fc.nat(), (seed) => property(sampleApplication(seed, TODAY))), { numRuns: 500 });

/** The same day so many years later. */
const later = (day: string, years: number): string => `${Number(day.slice(0, 4)) + years}${day.slice(4)}`;

describe('sampleApplication', () => {
  test('is valid by the schema', () => {
    forEverySample((application) => {
      expect(check(application)).toEqual({ ok: true, value: application });
    });
  });

  test('is valid by sense, today and in ten years', () => {
    forEverySample((application) => {
      expect(applicationFaults(application, [], TODAY)).toEqual([]);
      expect(applicationFaults(application, [], later(TODAY, 10))).toEqual([]);
    });
  });

  test('has every date in the past, so that it never goes stale', () => {
    forEverySample((application) => {
      for (const [day] of JSON.stringify(application).matchAll(/\d{4}-\d{2}-\d{2}/g)) {
        expect(day < '2026-01-01').toBe(true);
      }
    });
  });

  test('has drivers of age, with possible experience and licences issued after the first', () => {
    forEverySample(({ drivers }) => {
      for (const { birth_date, licence } of drivers) {
        expect(later(birth_date, 18) <= licence.experience_from).toBe(true);
        expect(licence.experience_from <= licence.issued_on).toBe(true);
      }
    });
  });

  test('lists drivers exactly when not everybody may drive', () => {
    forEverySample(({ unlimited_drivers, drivers }) => expect(drivers.length === 0).toBe(unlimited_drivers));
  });

  test('has passports issued after the fourteenth birthday and car papers not before the car', () => {
    forEverySample(({ owner, policyholder, vehicle }) => {
      for (const { birth_date, passport } of [owner, policyholder]) {
        expect(later(birth_date, 14) < passport.issued_on).toBe(true);
      }
      expect(vehicle.year).toBeLessThanOrEqual(Number(vehicle.document.issued_on.slice(0, 4)));
    });
  });

  test('can be priced by the tariff, today and in ten years', () => {
    forEverySample((application) => {
      for (const day of [TODAY, later(TODAY, 10)]) {
        const attributes = tariffAttributes(application, day);
        const baseRateKopecks = baseRateCorridor(attributes)!.minKopecks;
        expect(premium(attributes, { baseRateKopecks, kbmClass: 4 }).ok).toBe(true);
      }
    });
  });

  test('reaches nobody: neither the phone nor the e-mail can exist', () => {
    forEverySample(({ contacts }) => {
      expect(contacts.phone).toMatch(/^7000/);
      expect(contacts.email).toMatch(/@example\.com$/);
    });
  });

  test('is the same for the same seed, and another for another', () => {
    expect(sampleApplication(7, TODAY)).toEqual(sampleApplication(7, TODAY));
    expect(sampleApplication(7, TODAY)).not.toEqual(sampleApplication(8, TODAY));
  });

  test('shows over a thousand seeds every kind of application', () => {
    const samples = Array.from({ length: 1_000 }, (_, seed) => sampleApplication(seed, TODAY));
    expect(samples.some(({ purpose }) => purpose === 'taxi')).toBe(true);
    expect(samples.some(({ unlimited_drivers }) => unlimited_drivers)).toBe(true);
    expect(samples.some(({ drivers }) => drivers.length === 2)).toBe(true);
    expect(samples.some(({ owner, policyholder }) => owner !== policyholder)).toBe(true);
    expect(new Set(samples.map(({ vehicle }) => vehicle.vin)).size).toBe(1_000);
  });
});

describe('sampleOfKind', () => {
  test.each(SAMPLE_KINDS)('%s can be priced, and is the same for the same seed', (kind) => {
    for (let seed = 0; seed < 50; seed += 1) {
      const application = sampleOfKind(kind, seed, TODAY);
      expect(application).toEqual(sampleOfKind(kind, seed, TODAY));
      const attributes = tariffAttributes(application, TODAY);
      const baseRateKopecks = baseRateCorridor(attributes)!.minKopecks;
      expect(premium(attributes, { baseRateKopecks, kbmClass: 4 }).ok).toBe(true);
    }
  });

  test('is of the kind that was asked for', () => {
    expect(sampleOfKind('motorcycle', 1, TODAY).vehicle.category).toBe('A');
    expect(sampleOfKind('truck', 1, TODAY).vehicle.category).toBe('C');
    expect(sampleOfKind('taxi', 1, TODAY).purpose).toBe('taxi');
    expect(sampleOfKind('legal', 1, TODAY).owner.kind).toBe('legal_entity');
    expect(sampleOfKind('unlimited', 1, TODAY)).toMatchObject({ unlimited_drivers: true, drivers: [] });
    expect(sampleOfKind('renewed', 1, TODAY).prolongation).toBeDefined();
  });
});

describe('seededRandom', () => {
  test('repeats its numbers for the same seed only', () => {
    const draw = (seed: number | string): number[] => {
      const random = seededRandom(seed);
      return [random.unit(), random.unit(), random.unit()];
    };
    expect(draw('a')).toEqual(draw('a'));
    expect(draw('a')).not.toEqual(draw('b'));
  });

  test('spreads over its range, also in the first number of neighbouring seeds', () => {
    const first = Array.from({ length: 10_000 }, (_, seed) => seededRandom(seed).integer(0, 9));
    for (let digit = 0; digit < 10; digit += 1) {
      const share = first.filter((value) => value === digit).length / first.length;
      expect(share).toBeGreaterThan(0.08);
      expect(share).toBeLessThan(0.12);
    }
  });

  test('gives a chance of 0 never and a chance of 1 always', () => {
    const random = seededRandom(1);
    for (let draw = 0; draw < 1_000; draw += 1) {
      expect([random.chance(0), random.chance(1)]).toEqual([false, true]);
    }
  });
});
