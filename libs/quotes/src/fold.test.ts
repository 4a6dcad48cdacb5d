import { describe, expect, test } from '@jest/globals';
import type { LegEvent, OsagoEvent } from '@osago/contracts';
import fc from 'fast-check';
import { fold, type HeldLeg, type RequestState } from './fold.ts';
import {
  at,
  cancelled,
  foldRecords,
  leg,
  legEventsOf,
  onLog,
  REQUEST_ID,
  retryAsked,
  submitted,
  timestamp,
} from './simulation-events.ts';
import { INSURERS, readHistories } from './simulation-histories.ts';

const folded = (...events: OsagoEvent[]): RequestState => foldRecords(onLog(events))!;
/** What the showcase has use for. */
const heldOf = ({ id, data: { request_id: _request, fence, step, ...quote } }: LegEvent): HeldLeg => {
  const { attempt, status } = quote;
  return { id, attempt, status, fence, step, quote };
};
const statusOf = (state: RequestState, insurerId: string): string | undefined =>
  state.legs[insurerId]?.status;

describe('a request on the log', () => {
  test('is known by its panel and deadlines, without what the showcase has no use for', () => {
    expect(folded(submitted({ alpha: 60_000 }))).toEqual({
      request_id: REQUEST_ID,
      revision: 1,
      submission: {
        accepted_at: timestamp(0),
        deadline_at: timestamp(60_000),
        panel: [{ insurer_id: 'alpha', name: 'ALPHA', deadline_at: timestamp(60_000) }],
      },
      cancels: [],
      retries: {},
      legs: {},
      offsets: [0, -1, -1],
    });
  });

  test('has no submission while only its legs have come', () => {
    const state = folded(leg('alpha', 'quoted'));
    expect(state.submission).toBeUndefined();
    expect(state.revision).toBe(0);
  });

  test('counts its commands, whichever comes last', () => {
    expect(folded(submitted({ alpha: 1 }), cancelled(3, 5), cancelled(2, 4)).revision).toBe(3);
  });

  test('keeps each cancel once, by revision', () => {
    expect(folded(cancelled(4, 9_000), cancelled(2, 5_000), cancelled(4, 9_000)).cancels).toEqual([
      { revision: 2, atMs: at(5_000) },
      { revision: 4, atMs: at(9_000) },
    ]);
  });

  test('keeps the retry of the highest attempt', () => {
    const second = retryAsked(2, { insurer_id: 'alpha', attempt: 2, deadlineMs: 70_000 });
    const third = retryAsked(3, { insurer_id: 'alpha', attempt: 3, deadlineMs: 90_000 });
    const newest = { attempt: 3, revision: 3, deadline_at: timestamp(90_000) };
    expect(folded(second, third).retries).toEqual({ alpha: newest });
    expect(folded(third, second).retries).toEqual({ alpha: newest });
  });

  test('takes an event that is still to come on the log without moving its offsets', () => {
    const state = folded(submitted({ alpha: 60_000 }));
    const ahead = fold(state, cancelled(2, 5_000));
    expect(ahead.revision).toBe(2);
    expect(ahead.offsets).toEqual(state.offsets);
    expect(fold(ahead, cancelled(2, 5_000), 7)).toEqual({ ...ahead, offsets: [7, -1, -1] });
  });

  test('is left as it was by fold, which makes a new state', () => {
    const state = Object.freeze(folded(submitted({ alpha: 60_000 })));
    const before = structuredClone(state);
    fold(state, leg('alpha', 'quoted'), 0);
    fold(state, cancelled(2, 5_000), 1);
    expect(state).toEqual(before);
  });

  test('is the very same object when a record says nothing new', () => {
    const records = onLog([submitted({ alpha: 60_000 }), leg('alpha', 'quoted')]);
    const state = foldRecords(records)!;
    expect(fold(state, records[1]!.event, records[1]!.offset)).toBe(state);
  });
});

describe('a leg on the log', () => {
  const quoted = leg('alpha', 'quoted', { fence: 2, step: 4 });

  test.each<[string, LegEvent]>([
    ['a timeout', leg('alpha', 'timeout', { fence: 9, step: 9 })],
    ['an error', leg('alpha', 'error', { fence: 9, step: 9 })],
    ['a skip', leg('alpha', 'skipped', { fence: 9, step: 9 })],
    ['an estimate', leg('alpha', 'estimated', { fence: 9, step: 9 })],
    ['an answer of a lower fence', leg('alpha', 'declined', { fence: 1, step: 9 })],
    ['an earlier answer of the same fence', leg('alpha', 'declined', { fence: 2, step: 3 })],
  ])('keeps its answer when %s comes, before or after it', (_, other) => {
    expect(statusOf(folded(quoted, other), 'alpha')).toBe('quoted');
    expect(statusOf(folded(other, quoted), 'alpha')).toBe('quoted');
  });

  test('takes the answer of a zombie where there is none', () => {
    const timeout = leg('alpha', 'timeout', { fence: 2 });
    expect(statusOf(folded(timeout, leg('alpha', 'quoted', { fence: 1 })), 'alpha')).toBe('quoted');
  });

  test('replaces its timeout by a late answer, whole', () => {
    const timeout = leg('alpha', 'timeout', { members: { submitted_at: timestamp(10) } });
    const late = leg('alpha', 'quoted', { step: 2, late: true, members: { total_kopecks: 5 } });
    expect(folded(timeout, late).legs['alpha']).toEqual(heldOf(late));
  });

  test('does not touch the legs of other insurers', () => {
    const state = folded(leg('alpha', 'quoted'), leg('beta', 'timeout', { fence: 9 }));
    expect(statusOf(state, 'alpha')).toBe('quoted');
    expect(statusOf(state, 'beta')).toBe('timeout');
  });
});

/** Design §2 once more, said in another way: what a reader of the design would write. */
const RANK = ['submitted', 'estimated', 'timeout', 'error skipped', 'quoted declined needs_data'];
const greatest = (events: readonly LegEvent[]): LegEvent | undefined => {
  const key = ({ id, data }: LegEvent): readonly (number | string)[] => [
    data.attempt,
    RANK.findIndex((statuses) => statuses.split(' ').includes(data.status)),
    data.fence,
    data.step,
    id,
  ];
  const isAbove = (a: LegEvent, b: LegEvent): boolean => {
    const [ka, kb] = [key(a), key(b)];
    const first = ka.findIndex((part, index) => part !== kb[index]);
    return first >= 0 && ka[first]! > kb[first]!;
  };
  return events.find((event) => events.every((other) => other === event || isAbove(event, other)));
};

describe('for any history of a request', () => {
  test('every order of reading, with every repetition, gives the same state', () => {
    fc.assert(
      fc.property(readHistories, ({ records, reading }) => {
        expect(foldRecords(reading)).toEqual(foldRecords(records));
      }),
      { numRuns: 500 },
    );
  });

  test('reading it all a second time changes nothing', () => {
    fc.assert(
      fc.property(readHistories, ({ records, reading }) => {
        const state = foldRecords(records);
        for (const { event, offset } of reading) expect(fold(state, event, offset)).toEqual(state);
      }),
    );
  });

  test('the effective event of each leg is the greatest by the order of the design', () => {
    fc.assert(
      fc.property(readHistories, ({ records, reading }) => {
        const state = foldRecords(reading)!;
        for (const insurerId of INSURERS) {
          const event = greatest(legEventsOf(records, insurerId));
          expect(state.legs[insurerId]).toEqual(event && heldOf(event));
        }
      }),
      { numRuns: 500 },
    );
  });

  test('a zombie never removes an answer of the attempt', () => {
    const isAnswer = ({ status }: HeldLeg): boolean => ['quoted', 'declined', 'needs_data'].includes(status);
    fc.assert(
      fc.property(readHistories, ({ reading }) => {
        let state: RequestState | undefined;
        for (const { event, offset } of reading) {
          const before = state?.legs ?? {};
          state = fold(state, event, offset);
          for (const [insurerId, held] of Object.entries(before)) {
            const now = state.legs[insurerId]!;
            const isSameAttempt = now.attempt === held.attempt;
            if (isSameAttempt && isAnswer(held)) expect(isAnswer(now)).toBe(true);
            expect(now.attempt).toBeGreaterThanOrEqual(held.attempt);
          }
        }
      }),
      { numRuns: 500 },
    );
  });

  test('its offsets are the last of each topic, in the order of the cursor', () => {
    fc.assert(
      fc.property(readHistories, ({ records, reading }) => {
        const last = (topic: RegExp): number =>
          Math.max(-1, ...records.filter(({ event }) => topic.test(event.type)).map(({ offset }) => offset));
        expect(foldRecords(reading)!.offsets).toEqual([
          last(/\.(request|leg)\./),
          last(/\.quote\./),
          last(/\.error\./),
        ]);
      }),
    );
  });
});
