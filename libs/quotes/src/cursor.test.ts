import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { type Cursor, cursorOf, decodeCursor, encodeCursor, hasSeen } from './cursor.ts';
import { fold, type RequestState } from './fold.ts';
import { cancelled, foldRecords, REQUEST_ID, submitted } from './simulation-events.ts';
import { histories, readHistories } from './simulation-histories.ts';

const offset = fc.oneof(fc.constant(-1), fc.nat(), fc.integer({ min: 0, max: 999_999_999_999_999 }));

const cursors: fc.Arbitrary<Cursor> = fc.record({
  epoch: fc.stringMatching(/^[A-Za-z0-9-]{1,40}$/),
  request_id: fc.uuid(),
  partition: fc.nat(),
  offsets: fc.tuple(offset, offset, offset),
  revision: fc.nat(),
  end: fc.boolean(),
});

const cursor: Cursor = {
  epoch: 'e1',
  request_id: REQUEST_ID,
  partition: 7,
  offsets: [12, -1, 3],
  revision: 2,
  end: false,
};

const place = { epoch: 'e1', partition: 7 };

describe('a cursor as text', () => {
  test('comes back as it was', () => {
    fc.assert(fc.property(cursors, (any) => expect(decodeCursor(encodeCursor(any))).toEqual(any)));
  });

  test('is printable ASCII without a space, so it fits an id, a header and a query', () => {
    fc.assert(fc.property(cursors, (any) => expect(encodeCursor(any)).toMatch(/^[\w-]+$/)));
  });

  test('is another one for another cursor', () => {
    fc.assert(
      fc.property(cursors, cursors, (a, b) => {
        const isSame = JSON.stringify(a) === JSON.stringify(b);
        expect(encodeCursor(a) === encodeCursor(b)).toBe(isSame);
      }),
    );
  });
});

describe('what is no cursor', () => {
  const text = encodeCursor(cursor);

  test.each([
    ['nothing', ''],
    ['another version', text.replace(/^1/, '2')],
    ['no epoch', text.replace('_e1_', '__')],
    ['no request', text.replace(REQUEST_ID, '')],
    ['a member too many', text.replace('_12_', '_12_12_')],
    ['an unknown end mark', text.replace(/o$/, 'x')],
    ['an offset that is no number', text.replace('_12_', '_x_')],
    ['an offset left out', text.replace('_12_', '__')],
    ['an offset with a fraction', text.replace('_12_', '_1.5_')],
    ['an offset in another notation', text.replace('_12_', '_0x1_')],
    ['an offset too large to be exact', text.replace('_12_', '_99999999999999999_')],
    ['a line end at the end', `${text}\n`],
  ])('is ignored: %s', (_, garbage) => {
    expect(decodeCursor(garbage)).toBeUndefined();
  });

  test('is ignored when a cursor is cut anywhere', () => {
    for (let length = 0; length < text.length; length += 1) {
      expect(decodeCursor(text.slice(0, length))).toBeUndefined();
    }
  });

  test('never throws', () => {
    const nearly = fc.array(fc.constantFrom('1', '_', '-', 'e', 'o', '9', ' ', 'é')).map((part) => part.join(''));
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'binary' }), nearly), (garbage) => {
        const decoded = decodeCursor(garbage);
        if (decoded !== undefined) expect(decodeCursor(encodeCursor(decoded))).toEqual(decoded);
      }),
      { numRuns: 2_000 },
    );
  });
});

describe('hasSeen', () => {
  const state = fold(fold(undefined, submitted({ alpha: 60_000 }), 12), cancelled(2, 5_000), 14);

  test.each<[string, Partial<Cursor>, boolean]>([
    ['the same', {}, true],
    ['an older record', { offsets: [11, -1, -1] }, true],
    ['a newer command', { offsets: [15, -1, -1] }, false],
    ['a quote that is not here yet', { offsets: [14, 0, -1] }, false],
    ['an error that is not here yet', { offsets: [14, -1, 0] }, false],
    ['an older revision', { revision: 1 }, true],
    ['a newer revision', { revision: 3 }, false],
  ])('compares with %s', (_, other, expected) => {
    expect(hasSeen(state, { ...cursorOf(state, place), ...other })).toBe(expected);
  });

  test('of an unknown request holds for a reader that has seen nothing', () => {
    expect(hasSeen(undefined, { ...cursor, offsets: [-1, -1, -1], revision: 0 })).toBe(true);
    expect(hasSeen(undefined, cursor)).toBe(false);
  });

  test('holds for everything seen before, however much is folded after', () => {
    fc.assert(
      fc.property(readHistories, ({ reading }) => {
        let state: RequestState | undefined;
        const seen: Cursor[] = [];
        for (const { event, offset: of } of reading) {
          state = fold(state, event, of);
          seen.push(cursorOf(state, place));
          expect(seen.every((earlier) => hasSeen(state, earlier))).toBe(true);
        }
      }),
    );
  });

  test('holds between pods: one that has folded more has seen the cursor of one with less', () => {
    const parts = histories.chain((records) =>
      fc.subarray(records, { minLength: 1 }).map((some) => ({ records, some })),
    );
    fc.assert(
      fc.property(parts, ({ records, some }) => {
        const less = foldRecords(some)!;
        expect(hasSeen(foldRecords(records), cursorOf(less, place))).toBe(true);
      }),
    );
  });

  test('tells when the last record of a topic is missing', () => {
    fc.assert(
      fc.property(histories, (records) => {
        const all = foldRecords(records)!;
        const without = foldRecords(records.slice(0, -1));
        expect(hasSeen(without, cursorOf(all, place))).toBe(false);
      }),
    );
  });
});

describe('cursorOf', () => {
  const state = fold(undefined, submitted({ alpha: 60_000 }), 12);

  test('names the request, its place and how far it was seen', () => {
    const expected = { ...cursor, offsets: [12, -1, -1], revision: 1 };
    expect(cursorOf(state, place)).toEqual(expected);
  });

  test('has the end mark only when it is asked for', () => {
    expect(cursorOf(state, place, true).end).toBe(true);
    expect(cursorOf(state, place).end).toBe(false);
  });
});
