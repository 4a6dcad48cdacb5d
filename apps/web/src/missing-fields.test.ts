import { describe, expect, test } from '@jest/globals';
import type { Quote } from '@osago/contracts';
import { shownSpelling } from './form-field.tsx';
import { changesOf, isInVain, leftEmpty, mayRetry, missingFields } from './missing-fields.ts';

const quote = (members: Partial<Quote>): Quote => ({
  insurer_id: 'gamma',
  name: 'Гамма',
  status: 'needs_data',
  final: true,
  late: false,
  attempt: 1,
  deadline_at: '2026-11-21T09:01:00.000Z',
  ...members,
});
const pointersOf = (...missing: string[]): string[] =>
  missingFields(quote({ missing_fields: missing })).fields.map(({ pointer }) => pointer);

describe('what an insurer asks for', () => {
  test('is the field with that pointer', () => {
    expect(pointersOf('/vehicle/body_number', '/drivers/1/licence/number', '/policy_start_date')).toEqual([
      '/vehicle/body_number',
      '/drivers/1/licence/number',
      '/policy_start_date',
    ]);
  });

  test('is every field of an object, once', () => {
    expect(pointersOf('/owner/passport', '/owner/passport/series')).toEqual([
      '/owner/passport/series',
      '/owner/passport/number',
      '/owner/passport/issued_on',
      '/owner/passport/subdivision',
      '/owner/passport/issuer',
    ]);
    expect(pointersOf('/drivers/0/previous_licence')).toHaveLength(4);
  });

  test('is not called optional, but for what is optional inside an object', () => {
    const optional = (missing: string) =>
      missingFields(quote({ missing_fields: [missing] })).fields.map((field) => field.optional === true);
    expect(optional('/vehicle/body_number')).toEqual([false]);
    expect(optional('/owner/passport')).toEqual([false, false, false, true, true]);
  });

  test.each(['/vehicle/mileage', '/drivers', '', '/vehicle', '/something/else'])('%s has no field and is named', (pointer) => {
    expect(missingFields(quote({ missing_fields: [pointer] }))).toEqual({ fields: [], unknown: [pointer] });
  });
});

test('what was filled in is sent in its one spelling, what was left empty is not', () => {
  const { fields } = missingFields(quote({ missing_fields: ['/vehicle/plate', '/vehicle/year', '/vehicle/body_number'] }));
  const changes = changesOf(fields, { '/vehicle/plate': 'a 123 bc 77', '/vehicle/year': '2020', '/vehicle/body_number': ' ' });
  expect(changes).toEqual({ '/vehicle/plate': 'А123ВС77', '/vehicle/year': 2020 });
});

test('a field shows the spelling that is sent, and leaves a number as it was typed', () => {
  const [plate, power] = missingFields(quote({ missing_fields: ['/vehicle/plate', '/vehicle/power_hp'] })).fields;
  expect([shownSpelling(plate!, 'a 123 bc 77'), shownSpelling(power!, '87,5')]).toEqual(['А123ВС77', '87,5']);
});

describe('asking in vain', () => {
  const emptyOf = (missing: string[], values: Record<string, string>): string[] =>
    leftEmpty(missingFields(quote({ missing_fields: missing })).fields, values).map(({ pointer }) => pointer);

  test('is with a wanted field left empty: each is named', () => {
    expect(emptyOf(['/vehicle/body_number', '/owner/passport'], { '/owner/passport/series': '4512', '/vehicle/body_number': ' ' })).toEqual([
      '/vehicle/body_number',
      '/owner/passport/number',
      '/owner/passport/issued_on',
    ]);
  });

  test('is not with all of them filled in, or with a switch, which says something either way', () => {
    expect(emptyOf(['/vehicle/body_number', '/vehicle/trailer'], { '/vehicle/body_number': 'AB12' })).toEqual([]);
  });

  test('is where the form has no field for anything that is wanted', () => {
    const inVain = (...missing: string[]) => isInVain(quote({ missing_fields: missing }));
    expect([inVain('/vehicle/mileage'), inVain('/vehicle/mileage', '/vehicle/plate'), inVain()]).toEqual([true, false, false]);
    expect(isInVain(quote({ status: 'timeout', missing_fields: ['/vehicle/mileage'] }))).toBe(false);
  });
});

describe('asking again', () => {
  test.each<[string, Partial<Quote>, boolean]>([
    ['wants data', {}, true],
    ['was called off', { status: 'cancelled' }, true],
    ['did not answer in time', { status: 'timeout' }, true],
    ['failed in a way that may pass', { status: 'error', retryable: true }, true],
    ['failed for good', { status: 'error' }, false],
    ['declined', { status: 'declined' }, false],
    ['quoted', { status: 'quoted' }, false],
    ['is still being asked', { status: 'submitted', final: false, retryable: true }, false],
  ])('is offered or not where an insurer %s', (_, members, may) => {
    expect(mayRetry(quote(members))).toBe(may);
  });
});
