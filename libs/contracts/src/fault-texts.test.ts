import { describe, expect, test } from '@jest/globals';
import { FormatRegistry } from '@sinclair/typebox';
import { FAULT_CODES, faultOf, faultText, preferredLanguage } from './index.ts';

const MANY = Object.fromEntries(['min', 'max', 'from', 'to', 'expected'].map((name) => [name, 7]));

describe('the words of a fault', () => {
  test.each(FAULT_CODES)('%s are there in both languages, with nothing left to fill in', (code) => {
    const fault = faultOf('/x', code, MANY);
    const [ru, en] = [faultText(fault, 'ru'), faultText(fault, 'en')];
    expect(ru).toMatch(/[а-яё]/i);
    expect(en).not.toBe(code);
    expect(`${ru} ${en}`).not.toMatch(/[{}…]/);
    expect(fault.detail).toBe(en);
  });

  test.each([...FormatRegistry.Entries().keys()])('of the format %s say what is wanted', (format) => {
    const general = faultOf('/x', 'bad_format');
    const special = faultOf('/x', 'bad_format', { format });
    for (const language of ['ru', 'en'] as const) {
      expect(faultText(special, language)).not.toBe(faultText(general, language));
    }
  });

  test('of another table stay as they came', () => {
    expect(faultText({ code: 'of_a_partner', detail: 'as it came' }, 'ru')).toBe('as it came');
    expect(faultText({ code: 'toString', detail: 'as it came' }, 'ru')).toBe('as it came');
  });

  test('of a limit that is missing leave a gap and do not break', () => {
    expect(faultText({ code: 'too_young', detail: '' }, 'en')).toBe('At least … years old');
  });
});

test.each([
  [undefined, 'en'],
  ['', 'en'],
  ['ru', 'ru'],
  ['ru-RU,ru;q=0.9,en-US;q=0.8,en;q=0.7', 'ru'],
  ['en-GB,en;q=0.9,ru;q=0.8', 'en'],
  ['de, ru;q=0.5', 'ru'],
  ['ru;q=0', 'en'],
  ['en;q=0.1, RU; q=0.2', 'ru'],
  ['ru;q=much', 'en'],
  ['fr', 'en'],
] as const)('for Accept-Language %p the words are in %s', (header, language) => {
  expect(preferredLanguage(header)).toBe(language);
});
