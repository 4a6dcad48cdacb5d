import { describe, expect, test } from '@jest/globals';
import { FormatRegistry, type TSchema } from '@sinclair/typebox';
import {
  checker, DateOnly, hasFormat, hasVinCheckDigit, InsurerId, isDate, Kopecks, plateKinds, Timestamp, Uuid,
} from './index.ts';

/** Of each format: what it takes, what it refuses. */
const FORMATS: Readonly<Record<string, { good: string[]; bad: string[] }>> = {
  uuid: {
    good: ['0b0c8b3e-6a2f-4c57-9a55-0a2f2f4d7c11', '0B0C8B3E-6A2F-4C57-9A55-0A2F2F4D7C11'],
    bad: ['', '0b0c8b3e6a2f4c579a550a2f2f4d7c11', '0b0c8b3e-6a2f-4c57-9a55-0a2f2f4d7c1', 'g0c8b3e0-6a2f-4c57-9a55-0a2f2f4d7c11',
      '0b0c8b3e-6a2f-4c57-9a55-0a2f2f4d7c11\n', '{0b0c8b3e-6a2f-4c57-9a55-0a2f2f4d7c11}'],
  },
  'insurer-slug': {
    good: ['a', 'alfa', 'alfa-2', `a${'b'.repeat(31)}`],
    bad: ['', 'Alfa', '2alfa', '-alfa', 'al fa', 'al:fa', 'al/fa', 'альфа', `a${'b'.repeat(32)}`],
  },
  vin: {
    good: ['XTA219010L0123456', 'WVWZZZ1JZXW000001'],
    bad: ['', 'XTA219010L012345', 'XTA219010L01234567', 'XTA219010I0123456', 'XTA219010O0123456', 'XTA219010Q0123456',
      'xta219010l0123456', 'ХТА219010L0123456'],
  },
  plate: {
    good: ['А123ВС77', 'М001ОР777', 'Х999УХ50', 'А100АА01', 'А123ВС550', 'А123ВС977', 'АВ12377', 'АВ123777', '1234АВ77', '0001АВ177',
      'АВ123477', 'АВ1234777', 'АВ123С77', 'АВ123С777', 'ТАВ12377', 'ТАВ123777'],
    bad: ['', 'A123BC77', 'А000ВС77', 'А123ВС00', 'А123ВС000', 'А123ВС7', 'А123ВС7777', 'Б123ВС77', 'а123вс77', 'А12ВС77', 'А123ВС 77',
      'АВ00077', '0000АВ77', 'АВ000077', 'АВ000С77', 'САВ12377', 'ТАВ00077', '12АВ77', '1234А77', 'А123ВС77\n'],
  },
  'frame-number': { good: ['AB12', '12345678901234567890', 'XTA-219010'], bad: ['', 'AB1', 'A'.repeat(21), 'АВ12', 'ab12', 'AB 12'] },
  'document-series': { good: ['9914', '99АВ', '991А'], bad: ['', '9', '99AB', '99ав', '99-14', '9'.repeat(11)] },
  'document-number': { good: ['123456', '123456789012345'], bad: ['', '123', '12345А', '1'.repeat(21)] },
  'regular-expression': { good: ['^\\d{15}$', 'x'], bad: ['', '(', '[', '*'] },
  'sts-series': { good: ['9914', '99АВ'], bad: ['', '99', '99ab', 'АВ14'] },
  'pts-series': { good: ['77АВ', '78УТ'], bad: ['', '7714', '77A', '77AB', '771А'] },
  'epts-number': { good: ['164301000123456'], bad: ['', '123456', '1643010001234567', '16430100012345А'] },
  'paper-number': { good: ['123456'], bad: ['', '12345', '1234567', '12345А'] },
  subdivision: { good: ['770-001'], bad: ['', '770001', '770-01', '770-0011', 'абв-001'] },
  'foreign-number': { good: ['AB 1234567', '123', 'АМ-12/3'], bad: ['', 'A', '-12', 'A\n1', 'x'.repeat(31)] },
  'country-code': { good: ['KZ', 'BY'], bad: ['', 'K', 'kz', 'KAZ', 'КЗ'] },
  'policy-series': { good: ['ХХХ', 'ТТТ', 'ААС'], bad: ['', 'ХХ', 'XYX', 'ххх', 'ХХХХ'] },
  'policy-number': { good: ['0166171796'], bad: ['', '016617179', '01661717961', '016617179А'] },
  inn: { good: ['7707083893', '7736050003'], bad: ['', '7707083894', '770708389', '77070838931', '0000000000', '770708389А'] },
  ogrn: { good: ['1027700132195', '1027739642281'], bad: ['', '1027700132196', '102770013219', '2027700132195', '10277001321951'] },
  kpp: { good: ['773601001', '7736AB001'], bad: ['', '77360100', '7736ab001', '7736010011'] },
  kladr: { good: ['7700000000000', '77000000000290000', '7700000000029000012'], bad: ['', '77', '770000000000', '77000000000000'] },
  'passport-series': { good: ['4512', '0000'], bad: ['', '451', '45 12', '45123', 'АБ12'] },
  'passport-number': { good: ['123456'], bad: ['', '12345', '1234567', '12345a'] },
  'licence-series': { good: ['9912', '99АБ'], bad: ['', '991', '99АБВ', '99AB', '99аб', 'АБ99'] },
  'licence-number': { good: ['123456'], bad: ['', '12345', '1234567', '12345a'] },
  phone: { good: ['79991234567'], bad: ['', '+79991234567', '89991234567', '7999123456', '799912345678', '7 999 123 45 67'] },
  email: {
    good: ['a@b.ru', 'имя@почта.рф', 'a.b+c@d.e.com'],
    bad: ['', 'a', 'a@b', '@b.ru', 'a@@b.ru', 'a b@c.ru', 'a@b .ru', 'a@b.ru ', 'a\u0000@b.ru', 'a@b\u200b.ru'],
  },
  'plain-text': {
    good: ['а', ' Иванов ', 'г. Москва, ул. Ленина, д. 1', 'Nguyễn', '🚗'],
    bad: ['', ' ', '\u00a0 ', 'а\u0000', 'а\nб', 'а\tб', '\u007f', 'а\ud800'],
  },
  sha256: { good: ['a'.repeat(64), '0123456789abcdef'.repeat(4)], bad: ['', 'a'.repeat(63), 'a'.repeat(65), 'A'.repeat(64), 'g'.repeat(64)] },
  'region-code': { good: ['01', '77', '99'], bad: ['', '0', '00', '777', '7a', ' 77'] },
  date: {
    good: ['2026-11-21', '2024-02-29', '1950-01-01'],
    bad: ['', '2026-11-31', '2023-02-29', '2026-13-01', '2026-00-10', '2026-1-1', '26-11-21', '2026-11-21T00:00:00Z', '21.11.2026'],
  },
  'date-time': {
    good: ['2026-11-21T09:00:00Z', '2026-11-21T09:00:00.123Z', '2026-11-21T12:00:00+03:00', '2024-02-29T23:59:59.999999Z'],
    bad: ['', '2026-11-21', '2026-11-21T09:00:00', '2026-11-21 09:00:00Z', '2026-11-31T09:00:00Z', '2026-11-21T25:00:00Z',
      '2026-11-21T09:60:00Z', '2026-11-21T09:00Z', '2026-11-21T09:00:00+0300', '2026-11-21T09:00:00.Z', '2026-11-21T09:00:00+99:99'],
  },
};

const cases = (kind: 'good' | 'bad') =>
  Object.entries(FORMATS).flatMap(([format, values]) => values[kind].map((value) => [format, value] as const));
const holds = (format: string, value: string): boolean | undefined => FormatRegistry.Get(format)?.(value);

describe('a format', () => {
  test.each(cases('good'))('%s takes "%s"', (format, value) => {
    expect(holds(format, value)).toBe(true);
  });

  test.each(cases('bad'))('%s refuses "%s"', (format, value) => {
    expect(holds(format, value)).toBe(false);
  });

  test('is in the table above when it is registered', () => {
    expect([...FormatRegistry.Entries().keys()].sort()).toEqual(Object.keys(FORMATS).sort());
  });
});

test('hasFormat asks for a format by its name', () => {
  expect([hasFormat('pts-series', '77АВ'), hasFormat('pts-series', '7714')]).toEqual([true, false]);
});

test.each([
  ['А123ВС77', ['car']],
  ['АВ12377', ['taxi']],
  ['1234АВ77', ['motorcycle']],
  ['АВ1234777', ['trailer']],
  // Region 477 or region 77: nothing in the text tells.
  ['АВ123477', ['taxi', 'trailer']],
  ['АВ123С77', ['transit']],
  ['ТАВ12377', ['outgoing']],
  ['А123ВС', []],
])('the plate %s is of the kinds %j', (plate, kinds) => {
  expect(plateKinds(plate)).toEqual(kinds);
});

test.each([['1M8GDM9AXKP042788', true], ['11111111111111111', true], ['1M8GDM9A1KP042788', false]])(
  'the check digit of the VIN %s agrees: %s',
  (vin, agrees) => expect(hasVinCheckDigit(vin)).toBe(agrees),
);

test('isDate takes days that exist in the calendar', () => {
  expect(isDate('2026-12-31')).toBe(true);
  expect(isDate('2026-02-30')).toBe(false);
});

test.each<[string, TSchema, unknown, unknown]>([
  ['Uuid', Uuid, '0b0c8b3e-6a2f-4c57-9a55-0a2f2f4d7c11', 'x'],
  ['Timestamp', Timestamp, '2026-11-21T09:00:00Z', '2026-11-21'],
  ['DateOnly', DateOnly, '2026-11-21', '2026-11-21T09:00:00Z'],
  ['InsurerId', InsurerId, 'alfa', 'ALFA'],
  ['Kopecks', Kopecks, 0, -1],
  ['Kopecks', Kopecks, 1_000_000_000, 1_000_000_001],
  ['Kopecks', Kopecks, 12_345, 12_345.5],
  ['Kopecks', Kopecks, 12_345, '12345'],
])('%s takes what it names and refuses the rest', (_, schema, good, bad) => {
  const check = checker(schema);
  expect(check(good).ok).toBe(true);
  expect(check(bad).ok).toBe(false);
});

describe('a text far longer than any member', () => {
  test.each(Object.keys(FORMATS))('is refused by %s without looking at it', (name) => {
    // Quadratic patterns would take seconds for it: a 60 KB member must not hold up the process.
    expect(FormatRegistry.Get(name)?.('a@b.'.repeat(15_000))).toBe(false);
    expect(FormatRegistry.Get(name)?.(' '.repeat(60_000))).toBe(false);
  });
});
