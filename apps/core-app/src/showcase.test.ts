import { describe, expect, test } from '@jest/globals';
import { encodeEvent, type OsagoEvent } from '@osago/contracts';
import { fold, LATE_WINDOW_MS, NO_OFFSETS, type RequestState, withOffsets } from '@osago/quotes';
import fc from 'fast-check';
import { Showcase, SHOWCASE_TTL_MS } from './showcase.ts';
import { at, leg, PARTITION, REQUEST_ID, submitted, timestamp } from './testing-events.ts';

const asked = submitted({ alpha: 60_000 });

const setup = () => {
  const showcase = new Showcase();
  const changes: (string | undefined)[] = [];
  const watch = (): (() => void) =>
    showcase.watch(REQUEST_ID, (state) => changes.push(state.legs['alpha']?.status));
  return { showcase, changes, watch };
};

describe('what is shown', () => {
  test('is nothing of an unknown request, and nothing while only legs have come', () => {
    const { showcase } = setup();
    expect(showcase.get(REQUEST_ID)).toBeUndefined();
    showcase.apply(leg('alpha', 'quoted'), PARTITION, 0);
    expect(showcase.size).toBe(1);
    expect(showcase.get(REQUEST_ID)).toBeUndefined();
  });

  test('has legs that came before the request', () => {
    const { showcase } = setup();
    showcase.apply(leg('alpha', 'quoted'), PARTITION, 4);
    showcase.apply(asked, PARTITION, 2);
    const shown = showcase.get(REQUEST_ID);
    expect(shown?.partition).toBe(PARTITION);
    expect(shown?.state).toMatchObject({ offsets: [2, 4, -1], legs: { alpha: { status: 'quoted' } } });
  });
});

describe('watch', () => {
  test('tells each change until it is stopped', () => {
    const { showcase, changes, watch } = setup();
    showcase.apply(asked, PARTITION, 0);
    const stop = watch();
    showcase.apply(leg('alpha', 'submitted', { step: 1 }), PARTITION, 0);
    showcase.apply(leg('alpha', 'quoted', { step: 2 }), PARTITION, 1);
    stop();
    showcase.apply(leg('alpha', 'declined', { step: 3 }), PARTITION, 2);
    expect(changes).toEqual(['submitted', 'quoted']);
  });

  test('tells nothing of a record that changes nothing, nor of another request', () => {
    const { showcase, changes, watch } = setup();
    showcase.apply(asked, PARTITION, 0);
    showcase.apply(leg('alpha', 'quoted', { step: 2 }), PARTITION, 1);
    watch();
    showcase.apply(leg('alpha', 'quoted', { step: 2 }), PARTITION, 1);
    showcase.apply(leg('alpha', 'submitted', { step: 1 }), PARTITION, 0);
    showcase.apply(leg('alpha', 'quoted', { request_id: 'another' }), PARTITION, 2);
    expect(changes).toEqual([]);
  });

  test('lets one who is told stop watching', () => {
    const { showcase, changes, watch } = setup();
    showcase.apply(asked, PARTITION, 0);
    const stop = showcase.watch(REQUEST_ID, () => stop());
    watch();
    showcase.apply(leg('alpha', 'quoted'), PARTITION, 0);
    expect(changes).toEqual(['quoted']);
  });

  test('is a mistake for a request that is not there', () => {
    expect(() => setup().watch()).toThrow('is not in the showcase');
  });
});

describe('load', () => {
  test('shows what Postgres knows, with the offsets that it has seen', () => {
    const { showcase } = setup();
    showcase.load([asked, leg('alpha', 'quoted')], PARTITION, [5, 6, -1]);
    expect(showcase.get(REQUEST_ID)?.state).toMatchObject({
      offsets: [5, 6, -1],
      legs: { alpha: { status: 'quoted' } },
    });
  });

  test('takes nothing back of what the feed has shown', () => {
    const { showcase } = setup();
    showcase.apply(asked, PARTITION, 9);
    showcase.apply(leg('alpha', 'quoted', { step: 2 }), PARTITION, 8);
    showcase.load([asked, leg('alpha', 'submitted', { step: 1 })], PARTITION, [5, 6, 7]);
    expect(showcase.get(REQUEST_ID)?.state).toMatchObject({
      offsets: [9, 8, 7],
      legs: { alpha: { status: 'quoted' } },
    });
  });

  test('of a request that only its row knows waits for the log: no offset is seen', () => {
    const { showcase } = setup();
    showcase.load([asked], PARTITION, NO_OFFSETS);
    expect(showcase.get(REQUEST_ID)?.state.offsets).toEqual(NO_OFFSETS);
  });
});

const forgetAtMs = at(60_000) + SHOWCASE_TTL_MS;
/** Of those past their time at that moment. */
const forgotten = (showcase: Showcase, nowMs: number): number => showcase.past(nowMs, 10).filter((one) => showcase.forget(one)).length;

describe('what is past its time', () => {
  test('is a request ten minutes after its last deadline, not before', () => {
    const { showcase } = setup();
    showcase.apply(asked, PARTITION, 0);
    expect(forgotten(showcase, forgetAtMs - 1)).toBe(0);
    expect(forgotten(showcase, forgetAtMs)).toBe(1);
    expect(showcase.size).toBe(0);
  });

  test('counts from the deadline of a retry, also of one that came after a look', () => {
    const { showcase } = setup();
    showcase.apply(asked, PARTITION, 0);
    expect(forgotten(showcase, at(0))).toBe(0);
    showcase.apply(retryAsked(2, 2), PARTITION, 1);
    expect(forgotten(showcase, forgetAtMs + 29_999)).toBe(0);
    expect(forgotten(showcase, forgetAtMs + 30_000)).toBe(1);
  });

  test('is no request that somebody still watches', () => {
    const { showcase, watch } = setup();
    showcase.apply(asked, PARTITION, 0);
    const stop = watch();
    expect(forgotten(showcase, forgetAtMs)).toBe(0);
    stop();
    expect(forgotten(showcase, forgetAtMs)).toBe(1);
  });

  test('is also legs whose request never came', () => {
    const { showcase } = setup();
    showcase.apply(leg('alpha', 'quoted'), PARTITION, 0);
    expect(forgotten(showcase, forgetAtMs - 1)).toBe(0);
    expect(forgotten(showcase, forgetAtMs)).toBe(1);
  });

  test('is said with all that is known of it, whether or not anybody has looked', () => {
    const { showcase } = setup();
    feedTo(showcase, asked, 7);
    feedTo(showcase, leg('alpha', 'quoted'), 9);
    expect(showcase.past(forgetAtMs, 10)).toEqual([{ requestId: REQUEST_ID, offsets: [7, 9, -1] }]);
    showcase.get(REQUEST_ID);
    expect(showcase.past(forgetAtMs, 10)).toEqual([{ requestId: REQUEST_ID, offsets: [7, 9, -1] }]);
  });

  test('is not forgotten when more has come of it meanwhile, or somebody watches', () => {
    const { showcase, watch } = setup();
    showcase.apply(asked, PARTITION, 0);
    const [before] = showcase.past(forgetAtMs, 10);
    showcase.apply(leg('alpha', 'quoted'), PARTITION, 3);
    expect(showcase.forget(before!)).toBe(false);
    const [now] = showcase.past(forgetAtMs, 10);
    const stop = watch();
    expect(showcase.forget(now!)).toBe(false);
    stop();
    expect(showcase.forget(now!)).toBe(true);
    expect(showcase.forget(now!)).toBe(false);
  });

  test('is given in portions, the oldest first', () => {
    const { showcase } = setup();
    for (const number of [1, 2, 3]) showcase.apply(submitted({ alpha: 60_000 }, `request-${number}`), PARTITION, number);
    expect(showcase.past(forgetAtMs, 2).map(({ requestId }) => requestId)).toEqual(['request-1', 'request-2']);
  });
});

/** As a feed does it: with the bytes of the record. */
const feedTo = (showcase: Showcase, event: OsagoEvent, offset: number): void =>
  showcase.feed(event, PARTITION, { value: encodeEvent(event), offset });

const STATUSES = ['submitted', 'estimated', 'quoted', 'declined', 'needs_data', 'error', 'timeout', 'skipped'] as const;

const retryAsked = (attempt: number, revision: number): OsagoEvent => ({
  ...asked,
  id: `${REQUEST_ID}:r${revision}`,
  type: 'osago.leg.retry-asked.v1',
  data: {
    request_id: REQUEST_ID,
    revision,
    insurer_id: 'alpha',
    attempt,
    deadline_at: timestamp(90_000),
    tariff: asked.data.tariff,
    application_sealed: 'sealed',
  },
});

const anyLeg = fc
  .record({
    insurer_id: fc.constantFrom('alpha', 'beta'),
    status: fc.constantFrom(...STATUSES),
    attempt: fc.integer({ min: 1, max: 3 }),
    fence: fc.constantFrom(0, 1, 1_795_251_600_000),
    step: fc.integer({ min: 0, max: 3 }),
    message: fc.constantFrom('Отказ', 'no'),
  })
  .map(({ insurer_id, status, message, ...sketch }): OsagoEvent => leg(insurer_id, status, { ...sketch, members: { reason: { code: 'a', message } } }));

describe('what nobody has looked at', () => {
  test('is the same as what was folded all along, whatever the order, the repeats and the moment of the first look', () => {
    const histories = fc.record({
      legs: fc.array(anyLeg, { maxLength: 12 }),
      lookAt: fc.nat({ max: 14 }),
      loadAt: fc.nat({ max: 14 }),
    });
    const property = fc.property(histories, ({ legs, lookAt, loadAt }) => {
      const { showcase } = setup();
      const events = [...legs.slice(0, 4), asked, ...legs.slice(4), retryAsked(2, 2), ...legs.slice(0, 2)];
      let state: RequestState | undefined;
      events.forEach((event, offset) => {
        if (offset === lookAt) showcase.get(REQUEST_ID);
        if (offset === loadAt && state !== undefined) {
          showcase.load([asked, leg('beta', 'error', { step: 9 })], PARTITION, [offset, -1, offset]);
          state = withOffsets([asked, leg('beta', 'error', { step: 9 })].reduce((held, loaded) => fold(held, loaded), state), [offset, -1, offset]);
        }
        feedTo(showcase, event, offset);
        state = fold(state, event, offset);
      });
      expect(showcase.get(REQUEST_ID)?.state).toEqual(state);
    });
    fc.assert(property, { numRuns: 300 });
  });

  test('is told to a watcher from the first look on', () => {
    const { showcase, changes, watch } = setup();
    feedTo(showcase, asked, 0);
    feedTo(showcase, leg('alpha', 'submitted', { step: 1 }), 0);
    watch();
    feedTo(showcase, leg('alpha', 'quoted', { step: 2 }), 1);
    expect(changes).toEqual(['quoted']);
  });

  test('is kept as long as what was looked at', () => {
    const { showcase } = setup();
    feedTo(showcase, leg('alpha', 'quoted'), 0);
    expect(forgotten(showcase, forgetAtMs - 1)).toBe(0);
    expect(forgotten(showcase, forgetAtMs)).toBe(1);
  });
});

describe('what is held outside of the heap', () => {
  const ROUNDS = 6;
  /** Of a kilobyte or so each: as many fit into one page, and those of two rounds do not. */
  const LEGS = 2_500;
  const feedRound = (showcase: Showcase, round: number, requestId: (number: number) => string): void => {
    for (let number = 0; number < LEGS; number += 1) {
      feedTo(showcase, leg('alpha', 'quoted', { request_id: requestId(number), step: round + 1 }), round * LEGS + number);
    }
  };
  const afterOneRound = new Showcase();
  feedRound(afterOneRound, 0, (number) => `request-${number}`);

  test('serves those that follow once it is replaced', () => {
    const { showcase } = setup();
    for (let round = 0; round < ROUNDS; round += 1) feedRound(showcase, round, (number) => `request-${number}`);
    expect(showcase.offHeapBytes).toBe(afterOneRound.offHeapBytes);
  });

  test('serves those that follow once somebody has looked', () => {
    const { showcase } = setup();
    for (let round = 0; round < ROUNDS; round += 1) {
      feedRound(showcase, round, (number) => `request-${round}-${number}`);
      for (let number = 0; number < LEGS; number += 1) showcase.watch(`request-${round}-${number}`, () => undefined);
    }
    expect(showcase.size).toBe(ROUNDS * LEGS);
    expect(showcase.offHeapBytes).toBe(afterOneRound.offHeapBytes);
  });

  test('serves those that follow once the request is forgotten', () => {
    const { showcase } = setup();
    for (let round = 0; round < ROUNDS; round += 1) {
      feedRound(showcase, round, (number) => `request-${round}-${number}`);
      for (const past of showcase.past(forgetAtMs, LEGS)) showcase.forget(past);
      expect(showcase.size).toBe(0);
    }
    expect(showcase.offHeapBytes).toBe(afterOneRound.offHeapBytes);
  });
});

describe('the bound', () => {
  /** Accepted one after the other, the first one first. */
  const full = (count: number): Showcase => {
    const showcase = new Showcase({ requestsMax: 3 });
    for (let number = 0; number < count; number += 1) {
      showcase.apply(submitted({ alpha: 60_000 + number * 1_000 }, `request-${number}`), PARTITION, number);
    }
    return showcase;
  };
  /** Which of them are closed at that moment. */
  const closed = (showcase: Showcase, nowMs: number): number[] =>
    showcase.closed(nowMs, showcase.surplus).map(({ requestId }) => Number(requestId.at(-1)));
  const closedMs = at(60_000) + LATE_WINDOW_MS;

  test('says how many are beyond it', () => {
    expect([2, 3, 4, 6].map((count) => full(count).surplus)).toEqual([0, 0, 1, 3]);
  });

  test('is for nothing of which an answer may still come, however many there are', () => {
    expect(closed(full(6), closedMs)).toEqual([]);
  });

  test('is for the oldest of those that are closed, and for no more than are beyond it', () => {
    expect(closed(full(6), closedMs + 1)).toEqual([0]);
    expect(closed(full(6), closedMs + 10_000)).toEqual([0, 1, 2]);
  });

  test('is for nobody that is watched', () => {
    const showcase = full(4);
    showcase.watch('request-0', () => undefined);
    expect(closed(showcase, closedMs + 10_000)).toEqual([1]);
  });

  test('does not hold against one that was asked again', () => {
    const showcase = full(4);
    const again = retryAsked(2, 2);
    showcase.apply({ ...again, data: { ...again.data, request_id: 'request-0', deadline_at: timestamp(600_000) } } as OsagoEvent, PARTITION, 9);
    expect(closed(showcase, closedMs + 10_000)).toEqual([1]);
  });
});
