/** What must be true of the policy's days, and of the ticks. */
import type { Examined, Rule } from './application-rule.ts';
import { addDays, begunMonths, moscowMidnightMs, yearLater } from './calendar.ts';

const startRule = ({ application, settings, today }: Examined): Rule => ({
  reads: ['/policy_start_date'],
  check: (report) => {
    const { policy_start_date } = application;
    const from = addDays(today, settings.minStartOffsetDays);
    const to = addDays(today, settings.maxStartOffsetDays);
    if (policy_start_date !== undefined && (policy_start_date < from || policy_start_date > to)) {
      report('/policy_start_date', 'start_out_of_range', { from, to });
    }
  },
});

const intervalRules = ({ application, settings, today }: Examined): Rule[] => {
  const intervals = application.period.intervals ?? [];
  const start = application.policy_start_date ?? addDays(today, settings.minStartOffsetDays);
  const latestStart = addDays(today, settings.maxStartOffsetDays);
  const each = intervals.flatMap(({ from, to }, index): Rule[] => {
    const at = `/period/intervals/${index}`;
    return [
      {
        reads: [`${at}/from`, `${at}/to`],
        check: (report) => {
          if (to < from) report(`${at}/to`, 'interval_reversed');
        },
      },
      {
        reads: [`${at}/from`, `${at}/to`, '/policy_start_date'],
        check: (report) => {
          // A start that cannot be is one fault enough.
          if (start > latestStart) return;
          const last = addDays(yearLater(start), -1);
          const params = { from: start, to: last };
          if (from < start || from > last) report(`${at}/from`, 'interval_outside_policy', params);
          else if (to > last) report(`${at}/to`, 'interval_outside_policy', params);
        },
      },
      {
        reads: ['/period/intervals'],
        check: (report) => {
          const overlaps = intervals.slice(0, index).some((other) => from <= other.to && other.from <= to);
          if (overlaps) report(`${at}/from`, 'intervals_overlap');
        },
      },
    ];
  });
  if (intervals.length === 0) return [];
  return [
    ...each,
    {
      reads: ['/period/intervals', '/period/months'],
      check: (report) => {
        if (intervals.some(({ from, to }) => to < from)) return;
        const expected = intervals.reduce((months, { from, to }) => months + begunMonths(from, to), 0);
        if (expected !== application.period.months) report('/period/months', 'months_mismatch', { expected });
      },
    },
  ];
};

/** A browser's clock may run ahead of ours over midnight. */
const CLOCK_DAYS = 1;

const consentRules = ({ application, today }: Examined): Rule[] => {
  const endMs = moscowMidnightMs(addDays(today, CLOCK_DAYS + 1));
  return application.consents.flatMap(({ given_at }, index): Rule[] => {
    const pointer = `/consents/${index}/given_at`;
    if (given_at === undefined) return [];
    return [
      {
        reads: [pointer],
        check: (report) => {
          if (Date.parse(given_at) >= endMs) report(pointer, 'in_future');
        },
      },
    ];
  });
};

export const policyRules = (examined: Examined): Rule[] => [
  startRule(examined),
  ...intervalRules(examined),
  ...consentRules(examined),
];
