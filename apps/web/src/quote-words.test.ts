import { describe, expect, test } from '@jest/globals';
import type { Quote } from '@osago/contracts';
import { en } from './en.ts';
import { arrivals, cheapestInsurers, memberWords, outcomeWords, priceOf, reasonWords } from './quote-words.ts';
import { ru } from './ru.ts';

const quote = (insurerId: string, members: Partial<Quote> = {}): Quote => ({
  insurer_id: insurerId,
  name: insurerId,
  status: 'waiting',
  final: false,
  late: false,
  attempt: 1,
  deadline_at: '2026-11-21T09:01:00.000Z',
  ...members,
});
const offer = (insurerId: string, kopecks: number, members: Partial<Quote> = {}): Quote =>
  quote(insurerId, { status: 'quoted', final: true, premium_kopecks: kopecks, ...members });
const extra = (kopecks: number, mandatory: boolean) => ({ name: 'extra', premium_kopecks: kopecks, mandatory });

describe('the price', () => {
  test('to pay includes the extras that are mandatory', () => {
    const price = priceOf(offer('alfa', 100, { extras: [extra(20, true), extra(7, false)] }));
    expect(price).toEqual({ premiumKopecks: 100, totalKopecks: 120 });
  });

  test('to pay is the total of the insurer where it is given', () => {
    expect(priceOf(offer('alfa', 100, { total_kopecks: 130 }))?.totalKopecks).toBe(130);
  });

  test('is absent without a premium', () => {
    expect(priceOf(quote('alfa'))).toBeUndefined();
  });
});

const NONE_EXPIRED = new Set<string>();

describe('the cheapest', () => {
  test('is the one with the lowest sum to pay', () => {
    const withExtra = offer('alfa', 100, { extras: [extra(50, true)] });
    expect(cheapestInsurers([withExtra, offer('beta', 120)], NONE_EXPIRED)).toEqual(new Set(['beta']));
  });

  test('is never one that does not hold any more', () => {
    const offers = [offer('alfa', 1), offer('beta', 2), offer('gamma', 3)];
    expect(cheapestInsurers(offers, new Set(['alfa']))).toEqual(new Set(['beta']));
  });

  test('may be several', () => {
    expect(cheapestInsurers([offer('alfa', 1), offer('beta', 1), offer('gamma', 2)], NONE_EXPIRED).size).toBe(2);
  });

  test.each([
    ['of one offer', [offer('alfa', 1), quote('beta')]],
    ['while the others are preliminary', [offer('alfa', 2), quote('beta', { status: 'estimated', premium_kopecks: 1 })]],
  ])('is nobody %s', (_, quotes) => {
    expect(cheapestInsurers(quotes, NONE_EXPIRED).size).toBe(0);
  });
});

describe('an arrival', () => {
  const before = [quote('alfa'), quote('beta', { status: 'timeout', final: true }), offer('gamma', 1)];

  test('is a price, an outcome, or a late answer; not a step on the way or what was there', () => {
    const now = [
      offer('alfa', 1),
      quote('beta', { status: 'declined', final: true, late: true }),
      offer('gamma', 1),
      quote('delta', { status: 'submitted' }),
    ];
    expect(arrivals(before, now).map(({ insurer_id }) => insurer_id)).toEqual(['alfa', 'beta']);
  });

  test('is read out with its price', () => {
    expect(outcomeWords(en, offer('alfa', 543_210))).toBe('Quote, ₽5,432.10');
    expect(outcomeWords(ru, quote('alfa', { status: 'declined' }))).toBe('Отказ');
  });
});

describe('a reason', () => {
  const reason = { code: 'capacity', message: 'queue full' };

  test.each([
    ['an insurer that declines, in its own words', { status: 'declined', reason }, 'queue full'],
    ['a failure, in ours', { status: 'skipped', reason }, en.reasons['capacity']],
    ['an unknown code, by its message', { status: 'error', reason: { code: 'x', message: 'y' } }, 'y'],
    ['an unknown code alone', { status: 'declined', reason: { code: 'x' } }, 'Code of the reason: x'],
    ['a failure in another language, by its code', { status: 'error', reason: { code: 'x', message: 'сломалось' } }, 'Code of the reason: x'],
    ['nothing', { status: 'timeout' }, undefined],
  ] as const)('is told of %s', (_, members, words) => {
    expect(reasonWords(en, quote('alfa', members))).toBe(words);
  });

  test.each(['declined', 'needs_data', 'error'] as const)('of %s is in the language of the page where there are words in it', (status) => {
    const told = quote('alfa', { status, reason: { code: 'segment', message: 'Водители моложе 22 лет не страхуются' } });
    expect(reasonWords(en, told)).toBe(en.reasons['segment']);
    expect(reasonWords(ru, told)).toMatch(/[а-я]/);
    const foreign = quote('alfa', { status, reason: { code: 'segment', message: 'not our segment' } });
    expect(reasonWords(ru, foreign)).toBe(ru.reasons['segment']);
  });
});

describe('a missing member in words', () => {
  test.each([
    ['/vehicle/vin', 'Автомобиль: VIN'],
    ['/owner/passport/series', 'Собственник: серия паспорта'],
    ['/owner/passport', 'Собственник: паспорт'],
    ['/drivers/1/licence', 'Водитель 2: водительское удостоверение'],
    ['/drivers/0/licence/number', 'Водитель 1: номер прав'],
    ['/drivers', 'Водители'],
    ['/contacts/email', 'Контакты: эл. почта'],
    ['/policy_start_date', 'Начало действия'],
    ['/vehicle/mileage', '/vehicle/mileage'],
    ['/something', '/something'],
  ])('%s is «%s»', (pointer, words) => {
    expect(memberWords(ru, pointer)).toBe(words);
  });
});
