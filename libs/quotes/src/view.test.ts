import { describe, expect, test } from '@jest/globals';
import {
  checker,
  isFinal,
  type OsagoEvent,
  type PublishedStatus,
  type Quote,
  QUOTE_STATUSES,
  type QuoteStatus,
  QuotesBody,
  type RequestStatus,
} from '@osago/contracts';
import fc from 'fast-check';
import {
  at,
  cancelled,
  foldRecords,
  leg,
  PUBLISHED_STATUSES,
  retryAsked,
  showcaseOf,
  submitted,
  timestamp,
} from './simulation-events.ts';
import { histories } from './simulation-histories.ts';
import {
  countsOf,
  endOf,
  isClosed,
  isFinished,
  isVisible,
  nextClockChangeMs,
  requestStatus,
  view,
  type View,
  type Visible,
} from './view.ts';

const given = (...events: OsagoEvent[]) => {
  const state = showcaseOf(...events);
  return { at: (afterMs: number): View => view(state, at(afterMs)) };
};
const statusesIn = ({ quotes }: View): QuoteStatus[] => quotes.map(({ status }) => status);
const onlyQuote = ({ quotes }: View): Quote => quotes[0]!;

const one = submitted({ alpha: 60_000 });
const twoLegs = submitted({ alpha: 60_000, beta: 60_000 });
const waiting = { status: 'waiting', final: false, late: false, attempt: 1 } as const;

describe('a request that nobody works on', () => {
  const shown = given(submitted({ alpha: 60_000, beta: 10_000, gamma: 30_000 }));

  test('shows its whole panel from the first moment, in the order of the panel', () => {
    expect(shown.at(0)).toEqual({
      request_id: one.data.request_id,
      revision: 1,
      status: 'in_progress',
      accepted_at: timestamp(0),
      deadline_at: timestamp(60_000),
      late_until: timestamp(180_000),
      progress: { total: 3, answered: 0, waiting: 3 },
      quotes: [
        { insurer_id: 'alpha', name: 'ALPHA', deadline_at: timestamp(60_000), ...waiting },
        { insurer_id: 'beta', name: 'BETA', deadline_at: timestamp(10_000), ...waiting },
        { insurer_id: 'gamma', name: 'GAMMA', deadline_at: timestamp(30_000), ...waiting },
      ],
    });
  });

  test.each([
    [10_999, ['waiting', 'waiting', 'waiting']],
    [11_000, ['waiting', 'timeout', 'waiting']],
    [30_999, ['waiting', 'timeout', 'waiting']],
    [31_000, ['waiting', 'timeout', 'timeout']],
    [60_999, ['waiting', 'timeout', 'timeout']],
    [61_000, ['timeout', 'timeout', 'timeout']],
  ])('ends each leg one second after its own deadline: at %i ms', (afterMs, statuses) => {
    expect(statusesIn(shown.at(afterMs))).toEqual(statuses);
  });

  test('is closed when the late window of its last leg has passed, and not a moment before', () => {
    expect(isClosed(shown.at(179_999), at(179_999))).toBe(false);
    expect(isClosed(shown.at(180_000), at(180_000))).toBe(true);
  });

  test('ends with no offers, as a timeout', () => {
    expect(shown.at(61_000)).toMatchObject({
      status: 'no_offers',
      progress: { total: 3, answered: 3, waiting: 0 },
    });
    expect(endOf(shown.at(61_000))).toBe('timeout');
  });
});

describe('a leg with an event', () => {
  test('is shown as the event says, without what only orders it', () => {
    const members = { submitted_at: timestamp(700), total_kopecks: 812_300 };
    const quoted = leg('alpha', 'quoted', { fence: 7, step: 3, members });
    expect(onlyQuote(given(one, quoted).at(9_000))).toEqual({
      insurer_id: 'alpha',
      name: 'ALPHA',
      status: 'quoted',
      final: true,
      late: false,
      attempt: 1,
      deadline_at: timestamp(60_000),
      ...members,
    });
  });

  test.each<PublishedStatus>(['submitted', 'estimated'])(
    'ends by the clock after %s, and keeps of it only when it was submitted',
    (status) => {
      const members = { submitted_at: timestamp(700), total_kopecks: 812_300 };
      const shown = given(one, leg('alpha', status, { members }));
      expect(onlyQuote(shown.at(60_999))).toMatchObject({ status, final: false });
      expect(onlyQuote(shown.at(61_000))).toEqual({
        insurer_id: 'alpha',
        name: 'ALPHA',
        status: 'timeout',
        final: true,
        late: false,
        attempt: 1,
        deadline_at: timestamp(60_000),
        submitted_at: timestamp(700),
      });
    },
  );

  test('shows the deadline it was asked with, by which the clock ends it, whatever its event says', () => {
    const astray = leg('alpha', 'submitted', { deadlineMs: 90_000 });
    expect(onlyQuote(given(one, astray).at(1_000)).deadline_at).toBe(timestamp(60_000));
    expect(statusesIn(given(one, astray).at(61_000))).toEqual(['timeout']);
  });

  test('ends before the clock when its own timeout has come', () => {
    expect(statusesIn(given(one, leg('alpha', 'timeout')).at(60_010))).toEqual(['timeout']);
  });

  test('says from its last moment on that its price does not hold, and only of a price', () => {
    const members = { valid_until: timestamp(5_000), premium_kopecks: 1 };
    const shown = given(one, leg('alpha', 'quoted', { members }));
    expect([onlyQuote(shown.at(4_999)).expired, onlyQuote(shown.at(5_000)).expired]).toEqual([undefined, true]);
    expect(onlyQuote(given(one, leg('alpha', 'estimated', { members })).at(6_000))).not.toHaveProperty('expired');
  });

  test('shows a late answer as late, in the place of the timeout', () => {
    const late = leg('alpha', 'quoted', { step: 2, late: true });
    const shown = given(one, leg('alpha', 'timeout'), late).at(75_000);
    expect(onlyQuote(shown)).toMatchObject({ status: 'quoted', late: true });
    expect(shown.status).toBe('partial');
    expect(endOf(shown)).toBe('done');
  });

  test.each(PUBLISHED_STATUSES.filter(isFinal))('keeps %s after its deadline', (status) => {
    expect(statusesIn(given(one, leg('alpha', status)).at(500_000))).toEqual([status]);
  });
});

describe('a cancel', () => {
  /** Every status × asked at revision 1 or 3 × cancelled at 2 or 4 × before or at the end of the leg. */
  const cases = [undefined, ...PUBLISHED_STATUSES].flatMap((status) =>
    [1, 3].flatMap((askedAt) =>
      [2, 4].flatMap((cancelAt) =>
        [60_999, 61_000].map((cancelMs) => ({ status, askedAt, cancelAt, cancelMs })),
      ),
    ),
  );

  test.each(cases)(
    'ends a leg asked before it, open and in time: $status, asked at $askedAt, cancelled at $cancelAt, $cancelMs ms',
    ({ status, askedAt, cancelAt, cancelMs }) => {
      const attempt = askedAt === 1 ? 1 : 2;
      const retry = retryAsked(3, { insurer_id: 'alpha', attempt, deadlineMs: 60_000 });
      const shown = given(
        twoLegs,
        ...(attempt === 2 ? [retry] : []),
        ...(status === undefined ? [] : [leg('alpha', status, { attempt })]),
        cancelled(cancelAt, cancelMs),
      ).at(50_000);
      const isOpen = [undefined, 'submitted', 'estimated', 'timeout'].includes(status);
      const isEnded = isOpen && cancelAt > askedAt && cancelMs < 61_000;
      expect(onlyQuote(shown).status).toBe(isEnded ? 'cancelled' : (status ?? 'waiting'));
    },
  );

  test('makes the request cancelled, beside the answers it has', () => {
    const shown = given(twoLegs, leg('beta', 'quoted'), cancelled(2, 5_000)).at(5_100);
    expect(statusesIn(shown)).toEqual(['cancelled', 'quoted']);
    expect(shown).toMatchObject({ revision: 2, status: 'cancelled', progress: { waiting: 0 } });
    expect(endOf(shown)).toBe('done');
  });

  test.each(['quoted', 'declined', 'needs_data', 'error', 'skipped'] as const)(
    'gives way to %s, which was under way',
    (status) => {
      expect(statusesIn(given(one, cancelled(2, 5_000), leg('alpha', status)).at(6_000))).toEqual([status]);
    },
  );

  test('stands against the clock: a cancelled leg does not time out', () => {
    expect(statusesIn(given(one, cancelled(2, 5_000)).at(500_000))).toEqual(['cancelled']);
  });

  test('leaves a leg that ended by the clock before it, and ends the others', () => {
    const shown = given(submitted({ alpha: 10_000, beta: 60_000 }), cancelled(2, 11_000)).at(12_000);
    expect(statusesIn(shown)).toEqual(['timeout', 'cancelled']);
  });

  test('does not forget the earlier cancel when a later one came after the end', () => {
    const events = [one, cancelled(2, 5_000), cancelled(3, 70_000)];
    expect(statusesIn(given(...events).at(80_000))).toEqual(['cancelled']);
  });
});

describe('a retry', () => {
  const again = retryAsked(2, { insurer_id: 'alpha', attempt: 2, deadlineMs: 130_000 }, 70_000);

  test('opens the leg again, with its own attempt and deadline', () => {
    const shown = given(twoLegs, leg('alpha', 'error'), leg('beta', 'quoted'), again).at(70_000);
    expect(onlyQuote(shown)).toEqual({
      ...waiting,
      insurer_id: 'alpha',
      name: 'ALPHA',
      attempt: 2,
      deadline_at: timestamp(130_000),
    });
    expect(shown).toMatchObject({
      status: 'in_progress',
      revision: 2,
      deadline_at: timestamp(60_000),
      late_until: timestamp(250_000),
    });
  });

  test('ends by the clock at its own deadline', () => {
    const shown = given(one, leg('alpha', 'error'), again);
    expect(statusesIn(shown.at(130_999))).toEqual(['waiting']);
    expect(statusesIn(shown.at(131_000))).toEqual(['timeout']);
  });

  test('is not moved by a late answer to the attempt before', () => {
    const late = leg('alpha', 'quoted', { fence: 9, late: true });
    expect(statusesIn(given(one, again, late).at(75_000))).toEqual(['waiting']);
  });

  test('after a cancel is asked all the same, and a cancel after it ends it', () => {
    const third = retryAsked(3, { insurer_id: 'alpha', attempt: 2, deadlineMs: 66_000 }, 6_000);
    const events = [one, cancelled(2, 5_000), third];
    expect(statusesIn(given(...events).at(7_000))).toEqual(['waiting']);
    expect(statusesIn(given(...events, cancelled(4, 8_000)).at(9_000))).toEqual(['cancelled']);
  });

  describe('whose leg event comes first', () => {
    const early = leg('alpha', 'submitted', { attempt: 2, deadlineMs: 130_000 });

    test('shows the new attempt with the deadline of the event', () => {
      const shown = given(one, leg('alpha', 'error'), early);
      expect(onlyQuote(shown.at(70_000))).toMatchObject({ status: 'submitted', attempt: 2 });
      expect(statusesIn(shown.at(130_999))).toEqual(['submitted']);
      expect(statusesIn(shown.at(131_000))).toEqual(['timeout']);
    });

    test('is not ended by a cancel that was before it', () => {
      expect(statusesIn(given(one, cancelled(2, 5_000), early).at(6_000))).toEqual(['submitted']);
    });
  });
});

describe('the status of a request', () => {
  const row = (expected: RequestStatus, ...statuses: (QuoteStatus | 'late')[]) => ({ expected, statuses });

  test.each([
    ...QUOTE_STATUSES.map((status) => row('in_progress', status, 'waiting')),
    ...QUOTE_STATUSES.map((status) => row('in_progress', 'submitted', status)),
    ...QUOTE_STATUSES.map((status) => row('in_progress', status, 'estimated', 'quoted')),
    ...QUOTE_STATUSES.filter(isFinal).map((status) => row('cancelled', status, 'cancelled')),
    row('no_offers', 'declined'),
    row('no_offers', 'needs_data', 'declined'),
    row('no_offers', 'error', 'timeout', 'skipped'),
    row('no_offers', 'timeout'),
    row('completed', 'quoted'),
    row('completed', 'quoted', 'declined', 'needs_data'),
    row('partial', 'late'),
    row('partial', 'quoted', 'late'),
    row('partial', 'quoted', 'error'),
    row('partial', 'quoted', 'timeout'),
    row('partial', 'quoted', 'skipped'),
  ])('is $expected with $statuses', ({ expected, statuses }) => {
    const quotes = statuses.map((sketch, index): Quote => {
      const status = sketch === 'late' ? 'quoted' : sketch;
      const identity = { insurer_id: `i${index}`, name: 'I', attempt: 1, deadline_at: timestamp(0) };
      return { ...identity, status, final: isFinal(status), late: sketch === 'late' };
    });
    expect(requestStatus(quotes)).toBe(expected);
  });
});

/** Any visible state, with a moment to look at it. */
const moments = fc
  .record({ records: histories, afterMs: fc.integer({ min: 0, max: 400_000 }) })
  .map(({ records, afterMs }): [Visible, number] => {
    const state = foldRecords(records);
    if (!isVisible(state)) throw new Error('every history has its submitted event');
    return [state, at(afterMs)];
  });

const always = (law: (state: Visible, nowMs: number) => void): void =>
  fc.assert(fc.property(moments, ([state, nowMs]) => law(state, nowMs)), { numRuns: 500 });

describe('for any history at any moment', () => {
  test('the body keeps its contract', () => {
    const check = checker(QuotesBody);
    always((state, nowMs) => {
      const body = { ...view(state, nowMs), cursor: 'c' };
      expect(check(body)).toEqual({ ok: true, value: body });
    });
  });

  test('there is one quote per insurer, in the order of the panel', () => {
    always((state, nowMs) => {
      const ids = state.submission.panel.map(({ insurer_id }) => insurer_id);
      expect(view(state, nowMs).quotes.map(({ insurer_id }) => insurer_id)).toEqual(ids);
    });
  });

  test('the request is in progress exactly while a leg is not final', () => {
    always((state, nowMs) => {
      const shown = view(state, nowMs);
      expect(isFinished(shown)).toBe(shown.quotes.every(({ final }) => final));
      expect(shown.status).toBe(statusByDesign(shown.quotes));
    });
  });

  test('progress and counts add up', () => {
    always((state, nowMs) => {
      const { progress, quotes } = view(state, nowMs);
      expect(progress.answered).toBe(quotes.filter(({ status }) => isFinal(status)).length);
      expect(progress.answered + progress.waiting).toBe(progress.total);
      const counted = Object.values(countsOf(quotes)).reduce((sum, count) => sum + count, 0);
      expect(counted).toBe(progress.total);
    });
  });

  test('the end is a timeout exactly when a leg is', () => {
    always((state, nowMs) => {
      const shown = view(state, nowMs);
      expect(endOf(shown)).toBe('timeout' in countsOf(shown.quotes) ? 'timeout' : 'done');
    });
  });

  test('nothing more can come exactly when it is finished, and without timeout or past the late window', () => {
    always((state, nowMs) => {
      const shown = view(state, nowMs);
      const hasTimeout = statusesIn(shown).includes('timeout');
      const isPast = nowMs >= Date.parse(shown.late_until);
      expect(isClosed(shown, nowMs)).toBe(isFinished(shown) && (!hasTimeout || isPast));
    });
  });

  test('the clock changes nothing before the moment it names, and something at it', () => {
    always((state, nowMs) => {
      const now = view(state, nowMs);
      const nextMs = nextClockChangeMs(now);
      expect(nextMs === undefined).toBe(isFinished(now));
      if (nextMs === undefined) {
        expect(view(state, nowMs + 10_000_000)).toEqual(now);
      } else {
        expect(nextMs).toBeGreaterThan(nowMs);
        expect(view(state, nextMs - 1)).toEqual(now);
        expect(view(state, nextMs)).not.toEqual(now);
      }
    });
  });

  test('the request is finished one second after the last deadline', () => {
    always((state, nowMs) => {
      const deadlines = view(state, nowMs).quotes.map(({ deadline_at }) => Date.parse(deadline_at));
      expect(isFinished(view(state, Math.max(...deadlines) + 1_000))).toBe(true);
    });
  });
});

/** Design §2, sentence by sentence. */
const statusByDesign = (quotes: readonly Quote[]): RequestStatus => {
  const counts = countsOf(quotes);
  const count = (...statuses: QuoteStatus[]): number =>
    statuses.reduce((sum, status) => sum + (counts[status] ?? 0), 0);
  if (count('waiting', 'submitted', 'estimated') > 0) return 'in_progress';
  if (count('cancelled') > 0) return 'cancelled';
  if (count('quoted') === 0) return 'no_offers';
  const answers = count('quoted', 'declined', 'needs_data');
  return answers === quotes.length && quotes.every(({ late }) => !late) ? 'completed' : 'partial';
};
