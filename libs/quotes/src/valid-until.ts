/**
 * How long a quote holds. Never across a moment at which the same application would get another price: the start of
 * the policy, the next tariff, 1 April, when every driver's KBM class changes.
 */
import { addDays, moscowDate, moscowMidnightMs } from './calendar.ts';
import { DEFAULT_RULE_SETTINGS, type RuleSettings } from './rule-settings.ts';
import { nextTariffDate } from './tariff-tables.ts';

export interface Answered {
  answeredAtMs: number;
  /** `YYYY-MM-DD` */
  policyStartDate: string;
  /** What the insurer says, RFC 3339; it may only be shortened. */
  insurersUntil?: string | undefined;
}

/** The next day after `date` with that month and day. */
const nextOn = (date: string, monthAndDay: string): string => {
  const year = Number(date.slice(0, 4)) + (monthAndDay > date.slice(5) ? 0 : 1);
  return `${String(year).padStart(4, '0')}-${monthAndDay}`;
};

/** RFC 3339, UTC. Days begin at midnight in Moscow. */
export const validUntil = (
  { answeredAtMs, insurersUntil, policyStartDate }: Answered,
  settings: RuleSettings = DEFAULT_RULE_SETTINGS,
): string => {
  const today = moscowDate(answeredAtMs);
  const tariff = nextTariffDate(today);
  const untilMs = [
    answeredAtMs + settings.quoteValidHoursMax * 3_600_000,
    // A policy that starts today is bought today.
    moscowMidnightMs(policyStartDate > today ? policyStartDate : addDays(today, 1)),
    moscowMidnightMs(nextOn(today, settings.kbmYearStartsOn)),
    ...(tariff === undefined ? [] : [moscowMidnightMs(tariff)]),
    ...(insurersUntil === undefined ? [] : [Date.parse(insurersUntil)]),
  ];
  return new Date(Math.min(...untilMs)).toISOString();
};

/** Whether a quote still holds; one that names no moment does. */
export const isExpired = (quote: { valid_until?: string | undefined }, nowMs: number): boolean =>
  quote.valid_until !== undefined && Date.parse(quote.valid_until) <= nowMs;

/** The first day a policy may start on, when it is applied for today. */
export const earliestStart = (today: string, settings: RuleSettings = DEFAULT_RULE_SETTINGS): string =>
  addDays(today, settings.minStartOffsetDays);
