import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { hasFormat, isDate } from './formats.ts';

const DAY_MS = 86_400_000;

describe('a calendar day', () => {
  test('is every one from the year 0 to 9999, as the calendar of Date has them', () => {
    const first = Date.parse('0000-01-01T00:00:00Z');
    const last = Date.parse('9999-12-31T00:00:00Z');
    for (let ms = first; ms <= last; ms += DAY_MS) {
      const day = new Date(ms).toISOString().slice(0, 10);
      if (!isDate(day)) throw new Error(`${day} is a day`);
    }
    expect(isDate('2026-11-21')).toBe(true);
  });

  test('is no other text of that shape', () => {
    const two = fc.integer({ min: 0, max: 99 }).map((value) => String(value).padStart(2, '0'));
    const four = fc.integer({ min: 0, max: 9_999 }).map((value) => String(value).padStart(4, '0'));
    fc.assert(
      fc.property(four, two, two, (year, month, day) => {
        const text = `${year}-${month}-${day}`;
        const ms = Date.parse(`${text}T00:00:00Z`);
        expect(isDate(text)).toBe(!Number.isNaN(ms) && new Date(ms).toISOString().startsWith(text));
      }),
      { numRuns: 2_000 },
    );
  });

  test.each(['2026-11-21 ', ' 2026-11-21', '2026-11-21T', '2026-1-21', '', '٢٠٢٦-١١-٢١'])('is not %j', (text) => {
    expect(isDate(text)).toBe(false);
  });
});

describe('a moment', () => {
  test.each(['2026-11-21T09:00:00Z', '2028-02-29T23:59:59.999+03:00'])('is %s', (text) => {
    expect(hasFormat('date-time', text)).toBe(true);
  });

  test.each(['2026-02-29T09:00:00Z', '2026-11-21T24:00:00Z', '2026-11-21T09:00:00', '2026-11-21T09:00:00+24:00', '2026-11-21'])(
    'is not %s',
    (text) => {
      expect(hasFormat('date-time', text)).toBe(false);
    },
  );
});
