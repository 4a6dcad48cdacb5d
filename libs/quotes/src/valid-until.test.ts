import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { addDays, moscowMidnightMs } from './calendar.ts';
import { ruleSettings } from './rule-settings.ts';
import { nextTariffDate } from './tariff-tables.ts';
import { earliestStart, isExpired, validUntil } from './valid-until.ts';

const at = (moment: string): number => Date.parse(moment);
const ANSWERED = at('2026-11-21T09:00:00Z');
const DAY_MS = 86_400_000;

describe('a quote holds', () => {
  test('for a day, unless something comes before', () => {
    expect(validUntil({ answeredAtMs: ANSWERED, policyStartDate: '2026-12-01' })).toBe('2026-11-22T09:00:00.000Z');
  });

  test('as long as its insurer says, and no longer than a day', () => {
    const until = (insurersUntil: string) => validUntil({ answeredAtMs: ANSWERED, policyStartDate: '2026-12-01', insurersUntil });
    expect(until('2026-11-21T10:00:00+00:00')).toBe('2026-11-21T10:00:00.000Z');
    expect(until('2026-12-21T10:00:00Z')).toBe('2026-11-22T09:00:00.000Z');
  });

  test.each([
    ['the first day of the policy', { answeredAtMs: ANSWERED, policyStartDate: '2026-11-22' }, '2026-11-21T21:00:00.000Z'],
    ['1 April', { answeredAtMs: at('2027-03-31T12:00:00Z'), policyStartDate: '2027-04-10' }, '2027-03-31T21:00:00.000Z'],
    ['a new tariff', { answeredAtMs: at('2026-06-21T12:00:00Z'), policyStartDate: '2026-06-30' }, '2026-06-21T21:00:00.000Z'],
  ])('until %s begins in Moscow', (_, answered, until) => {
    expect(validUntil(answered)).toBe(until);
  });

  test('until the day ends, of a policy that starts on that day', () => {
    expect(validUntil({ answeredAtMs: ANSWERED, policyStartDate: '2026-11-21' })).toBe('2026-11-21T21:00:00.000Z');
  });

  test('by other rules as long as they say, and never across their walls', () => {
    const rules = ruleSettings({ RULE_QUOTE_VALID_HOURS_MAX: 72, RULE_KBM_YEAR_STARTS_ON: '11-23' });
    expect(validUntil({ answeredAtMs: ANSWERED, policyStartDate: '2026-12-01' }, rules)).toBe('2026-11-22T21:00:00.000Z');
    expect(validUntil({ answeredAtMs: ANSWERED + 2 * DAY_MS, policyStartDate: '2026-12-01' }, rules)).toBe('2026-11-26T09:00:00.000Z');
  });

  test('over midnight of 1 April itself, when it was answered on that day', () => {
    expect(validUntil({ answeredAtMs: at('2027-04-01T09:00:00Z'), policyStartDate: '2027-04-10' })).toBe('2027-04-02T09:00:00.000Z');
  });

  test('never across the start, a new tariff or 1 April, whenever it was answered', () => {
    const moments = fc.integer({ min: at('2025-12-09T00:00:00Z'), max: at('2030-01-01T00:00:00Z') });
    fc.assert(
      fc.property(moments, fc.integer({ min: 0, max: 60 }), fc.option(fc.integer({ min: 1, max: 400 * DAY_MS })), (answeredAtMs, days, saidMs) => {
        const today = new Date(answeredAtMs + 3 * 3_600_000).toISOString().slice(0, 10);
        const policyStartDate = addDays(today, days);
        const insurersUntil = saidMs === null ? undefined : new Date(answeredAtMs + saidMs).toISOString();
        const untilMs = at(validUntil({ answeredAtMs, policyStartDate, insurersUntil }));
        expect(untilMs).toBeLessThanOrEqual(Math.min(answeredAtMs + DAY_MS, insurersUntil === undefined ? Infinity : at(insurersUntil)));
        const tariff = nextTariffDate(today);
        const walls = [policyStartDate, `${today.slice(0, 4)}-04-01`, `${Number(today.slice(0, 4)) + 1}-04-01`, ...(tariff ? [tariff] : [])];
        expect(untilMs).toBeGreaterThan(answeredAtMs);
        for (const wall of walls.map(moscowMidnightMs)) {
          if (wall > answeredAtMs) expect(untilMs).toBeLessThanOrEqual(wall);
        }
      }),
    );
  });
});

test('a quote is expired from its moment on; one without a moment never', () => {
  const quote = { valid_until: '2026-11-21T09:00:00Z' };
  expect([isExpired(quote, ANSWERED - 1), isExpired(quote, ANSWERED), isExpired({}, ANSWERED)]).toEqual([false, true, false]);
});

test('a policy starts in three days at the earliest', () => {
  expect(earliestStart('2026-11-21')).toBe('2026-11-24');
});
