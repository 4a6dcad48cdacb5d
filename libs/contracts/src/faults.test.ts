import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { Type } from '@sinclair/typebox';
import { Application, type Checked, checker, type Fault, faultsIn, PostRequestBody } from './index.ts';

const EXAMPLE = join(import.meta.dirname, '..', '..', '..', 'docs', 'examples', 'application.json');
const checkBody = checker(PostRequestBody);

/** A fresh copy of the documented example, for the test to spoil. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any
const example = (): any => JSON.parse(readFileSync(EXAMPLE, 'utf8'));

const faults = (checked: Checked<unknown>): Fault[] => (checked.ok ? [] : checked.faults);
const faultsOf = (body: unknown): Fault[] => faults(checkBody(body));
const brief = (named: readonly Fault[]): string[] => named.map(({ pointer, code }) => `${pointer} ${code}`);

describe('checker', () => {
  test('gives back the value itself when it is right', () => {
    const body = example();
    const checked = checkBody(body);
    expect(checked).toEqual({ ok: true, value: body });
    expect(checked.ok && checked.value).toBe(body);
  });

  test('names every fault once, at its member, a missing member at its own place', () => {
    const body = example();
    delete body.owner.passport.number;
    body.vehicle.vin = 'short';
    body.vehicle.year = 1900;
    body.contacts.phone = 79991234567;
    body.period = {};
    expect(brief(faultsOf(body))).toEqual([
      '/vehicle/vin bad_format',
      '/vehicle/year too_small',
      '/owner/passport/number required',
      '/period/months required',
      '/contacts/phone wrong_type',
    ]);
  });

  test('names a missing object once, not each of its members', () => {
    const body = example();
    delete body.vehicle;
    expect(faultsOf(body)).toEqual([{ pointer: '/vehicle', code: 'required', detail: 'This is needed' }]);
  });

  test('says the same in Russian, limits filled in', () => {
    const body = example();
    body.period.months = 13;
    body.vehicle.vin = 'short';
    const inRussian = faultsIn('ru', faultsOf(body)).map(({ detail }) => detail);
    expect(inRussian).toEqual(['17 знаков: цифры и латиница без I, O, Q', 'Слишком много: не больше 12']);
  });

  test('names the faults of the party that was meant, not that no party fits', () => {
    const body = example();
    body.owner = { kind: 'legal_entity', name: 'ООО «Образец»', inn: '7707083894', passport: {} };
    body.policyholder = { kind: 'ghost' };
    expect(brief(faultsOf(body))).toEqual([
      '/owner/ogrn required',
      '/owner/address required',
      '/owner/passport unknown_member',
      '/owner/inn bad_format',
      '/policyholder/last_name required',
      '/policyholder/first_name required',
      '/policyholder/birth_date required',
      '/policyholder/passport required',
      '/policyholder/address required',
      '/policyholder/kind not_allowed',
    ]);
  });

  test.each([[null], ['text'], [7], [[]]])('names a party that is %p as a whole', (value) => {
    expect(brief(faultsOf({ ...example(), owner: value }))).toEqual(['/owner wrong_type']);
  });

  test('refuses members that it does not know, at every depth', () => {
    const body = example();
    body.color = 'red';
    body.owner.address.flat = 1;
    expect(brief(faultsOf(body))).toEqual(['/color unknown_member', '/owner/address/flat unknown_member']);
  });

  test('escapes member names as RFC 6901 wants it', () => {
    expect(brief(faultsOf({ ...example(), 'a/b~c': 1 }))).toEqual(['/a~1b~0c unknown_member']);
  });

  test('names elements of lists by their number', () => {
    const body = example();
    const [driver] = body.drivers;
    body.drivers = [driver, { ...driver, licence: { ...driver.licence, number: '1' } }];
    expect(brief(faultsOf(body))).toEqual(['/drivers/1/licence/number bad_format']);
  });

  test.each<[string, (body: ReturnType<typeof example>) => void, string]>([
    ['a wrong word', (body) => void (body.purpose = 'rent'), '/purpose not_allowed'],
    ['too many', (body) => void (body.drivers = Array(11).fill(body.drivers[0])), '/drivers too_many'],
    ['too few', (body) => void (body.consents = []), '/consents too_few'],
    ['too large', (body) => void (body.period.months = 13), '/period/months too_large'],
    ['too long', (body) => void (body.owner.last_name = 'а'.repeat(81)), '/owner/last_name too_long'],
    ['empty', (body) => void (body.owner.last_name = ''), '/owner/last_name too_short'],
    ['null', (body) => void (body.unlimited_drivers = null), '/unlimited_drivers wrong_type'],
    ['a fraction', (body) => void (body.vehicle.year = 2020.5), '/vehicle/year wrong_type'],
  ])('says what is wrong with %s', (_, spoil, fault) => {
    const body = example();
    spoil(body);
    expect(brief(faultsOf(body))).toEqual([fault]);
  });

  test('says which format a text should have', () => {
    const body = example();
    body.request_id = 'mine';
    expect(faultsOf(body)).toEqual([{ pointer: '/request_id', code: 'bad_format', detail: 'A UUID is wanted', params: { format: 'uuid' } }]);
  });

  test.each([[null], [undefined], ['text'], [7], [[]]])('refuses %p as a whole', (value) => {
    expect(brief(faultsOf(value))).toEqual([' wrong_type']);
  });

  test('names a hundred faults at most', () => {
    const many = Object.fromEntries(Array.from({ length: 500 }, (_, at) => [`x${at}`, 1]));
    expect(faultsOf({ ...example(), ...many })).toHaveLength(100);
  });

  test('names bounds that exclude their number', () => {
    const check = checker(Type.Object({ rate: Type.Number({ exclusiveMinimum: 0 }) }));
    expect(brief(faults(check({ rate: 0 })))).toEqual(['/rate too_small']);
  });
});

test('the body of a POST is an application with a request_id of the caller’s own, if it likes', () => {
  const request_id = '0b0c8b3e-6a2f-4c57-9a55-0a2f2f4d7c11';
  const body = { ...example(), request_id };
  expect(checkBody(body).ok).toBe(true);
  expect(brief(faults(checker(Application)(body)))).toEqual(['/request_id unknown_member']);
});
