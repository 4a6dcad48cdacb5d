import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  cyrillicSpelling, digitsSpelling, emailSpelling, frameSpelling, latinSpelling, normaliseApplication, phoneSpelling, plainSpelling,
  subdivisionSpelling,
} from './index.ts';

const EXAMPLE = join(import.meta.dirname, '..', '..', '..', 'docs', 'examples', 'application.json');

describe('one spelling', () => {
  test.each([
    ['a 123 bc 77', 'А123ВС77'],
    ['ABEKMHOPCTYX', 'АВЕКМНОРСТУХ'],
    ['а123вс77', 'А123ВС77'],
    ['99 ab', '99АВ'],
    ['Ж1', 'Ж1'],
  ])('of a plate or series: "%s" is "%s"', (typed, plate) => expect(cyrillicSpelling(typed)).toBe(plate));

  test.each([['хта 2190 10l', 'XTA219010L'], ['xta-219010', 'XTA219010']])('of a VIN: "%s" is "%s"', (typed, vin) =>
    expect(latinSpelling(typed)).toBe(vin),
  );

  test('of a body number keeps its hyphens', () => expect(frameSpelling('св 30-123')).toBe('CB30-123'));

  test.each([
    ['+7 (916) 123-45-67', '79161234567'],
    ['8 916 123 45 67', '79161234567'],
    ['916 1234567', '79161234567'],
    ['79161234567', '79161234567'],
    ['+44 20 7946 0000', '442079460000'],
    ['allo', 'allo'],
  ])('of a phone: "%s" is "%s"', (typed, phone) => expect(phoneSpelling(typed)).toBe(phone));

  test.each([['770001', '770-001'], ['770-001', '770-001'], ['77', '77']])('of a subdivision: "%s" is "%s"', (typed, code) =>
    expect(subdivisionSpelling(typed)).toBe(code),
  );

  test.each([[' Name@Example.COM ', 'Name@example.com'], ['no mail', 'no mail'], ['a@b@c', 'a@b@c']])(
    'of an e-mail: "%s" is "%s"',
    (typed, email) => expect(emailSpelling(typed)).toBe(email),
  );

  test('of words has one space between them, of digits none', () => {
    expect(plainSpelling('  Иванов \n Петров ')).toBe('Иванов Петров');
    expect(digitsSpelling('45 15-1')).toBe('45151');
  });
});

describe('an application', () => {
  test('is written in its one spelling, member by member', () => {
    const typed = {
      vehicle: { vin: 'хта219010l0123456', plate: 'a123bc77', document: { type: 'sts', series: '99 ab', number: '123 456' } },
      owner: { last_name: ' Иванов ', passport: { series: '45 15', subdivision: '770001' } },
      drivers: [{ licence: { series: '99 ab', number: '123-456' }, foreign_licence: { country: 'kz' } }],
      prolongation: { policy_series: 'xxx', policy_number: '016 617 1796' },
      contacts: { phone: '8 916 123-45-67', email: 'A@B.RU' },
    };
    expect(normaliseApplication(typed)).toEqual({
      vehicle: { vin: 'XTA219010L0123456', plate: 'А123ВС77', document: { type: 'sts', series: '99АВ', number: '123456' } },
      owner: { last_name: 'Иванов', passport: { series: '4515', subdivision: '770-001' } },
      drivers: [{ licence: { series: '99АВ', number: '123456' }, foreign_licence: { country: 'KZ' } }],
      prolongation: { policy_series: 'ХХХ', policy_number: '0166171796' },
      contacts: { phone: '79161234567', email: 'A@b.ru' },
    });
  });

  test('that is right is left as it is, and its argument always', () => {
    const example: unknown = JSON.parse(readFileSync(EXAMPLE, 'utf8'));
    expect(normaliseApplication(example)).toEqual(example);
    const typed = { contacts: { phone: '8 916 123 45 67' } };
    normaliseApplication(typed);
    expect(typed.contacts.phone).toBe('8 916 123 45 67');
  });

  test('may be anything: what is not known is not touched, and a second time changes nothing', () => {
    const anything = fc.oneof(
      fc.jsonValue(),
      fc.record({ vehicle: fc.jsonValue(), drivers: fc.array(fc.jsonValue()), contacts: fc.record({ phone: fc.string(), email: fc.string() }) }),
      fc.record({ owner: fc.dictionary(fc.constantFrom('last_name', 'inn', 'kpp', 'toString', '__proto__'), fc.string()) }),
    );
    fc.assert(
      fc.property(anything, (value) => {
        const once = normaliseApplication(value);
        expect(normaliseApplication(once)).toEqual(once);
      }),
      { numRuns: 1_000 },
    );
  });

  test.each(['/drivers', '/vehicle', '/owner/address'])('may hold lists as deep as a body allows in %s', (at) => {
    const deep: unknown = JSON.parse(`${'['.repeat(30_000)}${']'.repeat(30_000)}`);
    const value = at.slice(1).split('/').reduceRight<unknown>((inner, member) => ({ [member]: inner }), deep);
    expect(() => normaliseApplication(value)).not.toThrow();
  });

  test('keeps every member it does not know, also with a hostile name', () => {
    const value: unknown = JSON.parse('{"color":" red ","vehicle":{"__proto__":{"x":1},"vin":5,"toString":"y"}}');
    expect(JSON.stringify(normaliseApplication(value))).toBe('{"color":" red ","vehicle":{"__proto__":{"x":1},"vin":5,"toString":"y"}}');
  });
});
