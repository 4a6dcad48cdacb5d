import { describe, expect, test } from '@jest/globals';
import type { Fault } from '@osago/contracts';
import { firstFaulty, placeFaults, withoutFaultsUnder } from './place-faults.ts';

const SHOWN = [
  '/vehicle/vin',
  '/vehicle/plate',
  '/owner/last_name',
  '/owner/passport/series',
  '/drivers',
  '/drivers/0/licence/series',
  '/consents',
];

const fault = (pointer: string, code = 'required'): Fault => ({ pointer, code, detail: `${code} detail` });
const place = (faults: Fault[], sameAsOwner = false) => placeFaults(faults, SHOWN, sameAsOwner);

describe('placeFaults', () => {
  test.each([
    ['its own field', '/vehicle/plate', '/vehicle/plate'],
    ['the field it is inside of', '/consents/0/version', '/consents'],
    ['the list that it is about', '/drivers', '/drivers'],
    ['its object, not its list', '/drivers/0/licence', '/drivers/0/licence/series'],
    ['its list when it is not on the screen', '/drivers/7/licence', '/drivers'],
    ['the first field of its object', '/owner/passport', '/owner/passport/series'],
    ['the first field of its section', '/vehicle', '/vehicle/vin'],
  ])('puts a fault beside %s', (_, pointer, field) => {
    const { byField, unplaced } = place([fault(pointer)]);
    expect([...byField.keys()]).toEqual([field]);
    expect(unplaced).toEqual([]);
  });

  test.each(['', '/period', '/vehicle_colour', '/policyholder/last_name'])(
    'leaves a fault of «%s», which has no field, for the top of the form',
    (pointer) => {
      const { byField, unplaced } = place([fault(pointer)]);
      expect(byField.size).toBe(0);
      expect(unplaced).toEqual([fault(pointer)]);
    },
  );

  test('says once what is wrong with the owner who is the policyholder, too', () => {
    const both = [fault('/owner/last_name'), fault('/policyholder/last_name'), fault('/policyholder/passport/series')];
    const { byField, unplaced } = place(both, true);
    expect(byField.get('/owner/last_name')).toEqual([fault('/owner/last_name')]);
    expect(byField.get('/owner/passport/series')).toHaveLength(1);
    expect(unplaced).toEqual([]);
  });

  test('keeps several faults of one field', () => {
    const { byField } = place([fault('/vehicle/vin', 'too_short'), fault('/vehicle/vin', 'bad_format')]);
    expect(byField.get('/vehicle/vin')).toHaveLength(2);
  });
});

test('the first faulty field is the topmost, not the first that the server named', () => {
  expect(firstFaulty(place([fault('/consents'), fault('/vehicle/plate')]), SHOWN)).toBe('/vehicle/plate');
  expect(firstFaulty(place([fault('')]), SHOWN)).toBeUndefined();
});

test('a change takes away the faults of what was changed and no others', () => {
  const placed = place([fault('/owner/last_name'), fault('/owner/passport/series'), fault('/vehicle/vin'), fault('')]);
  expect([...withoutFaultsUnder(placed, '/owner').byField.keys()]).toEqual(['/vehicle/vin']);
  expect(withoutFaultsUnder(placed, '/owner/last_name').byField.size).toBe(2);
  expect(withoutFaultsUnder(placed, '/owner').unplaced).toHaveLength(1);
});
