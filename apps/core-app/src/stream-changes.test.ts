import { describe, expect, test } from '@jest/globals';
import type { OsagoEvent, Quote } from '@osago/contracts';
import { fold, isVisible, type RequestState, view, type Visible } from '@osago/quotes';
import fc from 'fast-check';
import { changeSince, firstMoment, type Moment } from './stream-changes.ts';
import { at, leg, REQUEST_ID, submitted, timestamp } from './testing-events.ts';

const DEADLINES = { alpha: 20_000, beta: 40_000, gamma: 60_000 };
const insurer = fc.constantFrom('alpha', 'beta', 'gamma');
const attempt = fc.integer({ min: 1, max: 3 });

const legs = fc
  .record({
    insurerId: insurer,
    status: fc.constantFrom('submitted' as const, 'estimated' as const, 'quoted' as const, 'declined' as const, 'error' as const, 'timeout' as const),
    attempt,
    step: fc.integer({ min: 1, max: 4 }),
    price: fc.integer({ min: 1, max: 2 }),
  })
  .map(({ insurerId, status, price, ...sketch }): OsagoEvent => leg(insurerId, status, { ...sketch, members: { premium_kopecks: price } }));

const revision = fc.integer({ min: 2, max: 5 });
const base = submitted(DEADLINES);
const cancels = fc.tuple(revision, fc.integer({ min: 0, max: 90_000 })).map(
  ([revisionOf, ms]): OsagoEvent => ({
    ...base,
    type: 'osago.request.cancelled.v1',
    time: timestamp(ms),
    data: { request_id: REQUEST_ID, revision: revisionOf },
  }),
);
const retries = fc.record({ insurer_id: insurer, revision, attempt, ms: fc.integer({ min: 30_000, max: 120_000 }) }).map(
  ({ ms, ...asked }): OsagoEvent => ({
    ...base,
    type: 'osago.leg.retry-asked.v1',
    data: { ...asked, request_id: REQUEST_ID, deadline_at: timestamp(ms), tariff: base.data.tariff, application_sealed: 'sealed' },
  }),
);

const visible = (state: RequestState): Visible => {
  if (!isVisible(state)) throw new Error('not visible');
  return state;
};
const start = visible(fold(undefined, base, 0));
const momentAt = (state: Visible, nowMs: number): Moment => firstMoment(state, nowMs, view(state, nowMs));

describe('what a reader is told', () => {
  test('is the difference between two views, whichever records and however much time lie between', () => {
    const happening = fc.record({
      event: fc.option(fc.oneof({ weight: 6, arbitrary: legs }, { weight: 1, arbitrary: cancels }, { weight: 1, arbitrary: retries })),
      afterMs: fc.integer({ min: 0, max: 15_000 }),
      isTold: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(happening, { maxLength: 25 }), (happenings) => {
        let state = start;
        let nowMs = at(0);
        const moment = momentAt(state, nowMs);
        let reader: readonly Quote[] = view(state, nowMs).quotes;
        for (const { event, afterMs, isTold } of happenings) {
          if (event !== null) state = visible(fold(state, event));
          nowMs += afterMs;
          if (!isTold) continue;
          const shown = view(state, nowMs);
          const change = changeSince(moment, state, nowMs);
          const expected = shown.quotes.filter((quote, place) => JSON.stringify(quote) !== JSON.stringify(reader[place]));
          expect(change.quotes).toEqual(expected);
          expect([change.progress, change.status]).toEqual([shown.progress, shown.status]);
          expect(change.end).toEqual(shown.status === 'in_progress' ? undefined : shown);
          const anew = momentAt(state, nowMs);
          expect({ ...moment, nextClockMs: 0 }).toEqual({ ...anew, nextClockMs: 0 });
          expect(moment.nextClockMs).toBeLessThanOrEqual(anew.nextClockMs);
          reader = shown.quotes;
        }
      }),
      { numRuns: 500 },
    );
  });

  test('is nothing when a record repeats what was shown', () => {
    const state = visible(fold(start, leg('alpha', 'submitted', { step: 1 })));
    const again = visible(fold(state, leg('alpha', 'submitted', { step: 2 })));
    expect(again).not.toBe(state);
    expect(changeSince(momentAt(state, at(0)), again, at(1)).quotes).toEqual([]);
  });
});
