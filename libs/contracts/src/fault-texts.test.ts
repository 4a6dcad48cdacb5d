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

  test('are in their language: nothing English in Russian but names, nothing Cyrillic in English but what papers have', () => {
    const faults = [
      ...FAULT_CODES.map((code) => faultOf('/x', code, MANY)),
      ...[...FormatRegistry.Entries().keys()].map((format) => faultOf('/x', 'bad_format', { format })),
    ];
    const names = /VIN|UUID|JSON|SHA-256|Idempotency-Key|next_cursor|KZ|name@example\.com/g;
    const papers = /А123ВС77|99АВ|ХХХ/g;
    for (const fault of faults) {
      expect(faultText(fault, 'ru').replaceAll(names, '')).not.toMatch(/[a-z]{2}/i);
      expect(faultText(fault, 'en').replaceAll(papers, '')).not.toMatch(/[а-яё]/i);
    }
  });

  test('of another table stay as they came', () => {
    expect(faultText({ code: 'of_a_partner', detail: 'as it came' }, 'ru')).toBe('as it came');
    expect(faultText({ code: 'toString', detail: 'as it came' }, 'ru')).toBe('as it came');
  });

  test('say days and fractions as people write them', () => {
    const start = faultOf('/policy_start_date', 'start_out_of_range', { from: '2026-11-24', to: '2027-01-20' });
    expect([faultText(start, 'ru'), faultText(start, 'en')]).toEqual(['С 24.11.2026 по 20.01.2027', 'From 2026-11-24 to 2027-01-20']);
    const power = faultOf('/vehicle/power_hp', 'power_mismatch', { expected: 149.56 });
    expect(faultText(power, 'ru')).toContain('149,56 л. с.');
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
