import { describe, expect, test } from '@jest/globals';
import { formatFactor, formatMoment, formatMoney, moneyParts } from './format.ts';

/** Intl puts several kinds of space that do not break. */
const spaced = (text: string): string => text.replaceAll(/\s/g, ' ');

describe('money', () => {
  test.each([
    ['ru-RU', 1_234_567, '12 345,67 ₽'],
    ['ru-RU', 543_200, '5 432 ₽'],
    ['ru-RU', 543_205, '5 432,05 ₽'],
    ['ru-RU', 0, '0 ₽'],
    ['en-GB', 1_234_567, '₽12,345.67'],
    ['en-GB', 100_000_000, '₽1,000,000'],
  ])('in %s %i kopecks are written %s', (locale, kopecks, written) => {
    expect(spaced(formatMoney(locale, kopecks))).toBe(written);
  });

  test.each(['ru-RU', 'en-GB'])('comes in parts that make the same text in %s', (locale) => {
    const parts = moneyParts(locale, 1_234_567);
    expect(parts.map(({ text }) => text).join('')).toBe(formatMoney(locale, 1_234_567));
    expect(new Set(parts.map(({ kind }) => kind)).size).toBe(parts.length);
  });
});

test('a factor has as many digits as it needs', () => {
  expect([formatFactor('ru-RU', 1.8), formatFactor('ru-RU', 1), formatFactor('en-GB', 0.4625)]).toEqual([
    '1,8',
    '1',
    '0.4625',
  ]);
});

test('moments are written as people of the language write them', () => {
  const moment = '2026-11-21T09:05:00.000Z';
  expect(formatMoment('ru-RU', moment, 'Europe/Moscow')).toMatch(/21 ноября.*12:05/);
  expect(formatMoment('en-GB', moment, 'Europe/Moscow')).toMatch(/21 November.*12:05/);
});
