import { describe, expect, test } from '@jest/globals';
import { type LegEvent, type PublishedStatus, QUOTE_STATUSES } from '@osago/contracts';
import fc from 'fast-check';
import { compareLegEvents, endsByCancel } from './leg-order.ts';
import { leg } from './simulation-events.ts';
import { legEvents } from './simulation-histories.ts';

/** Design §2, lowest first. */
const CLASSES: readonly (readonly PublishedStatus[])[] = [
  ['submitted'],
  ['estimated'],
  ['timeout'],
  ['error', 'skipped'],
  ['quoted', 'declined', 'needs_data'],
];

const sign = (a: LegEvent, b: LegEvent): number => Math.sign(compareLegEvents(a, b));

const pairs = CLASSES.flatMap((lowers, at) =>
  lowers.flatMap((lower) =>
    CLASSES.slice(at + 1).flatMap((highers) => highers.map((higher) => [lower, higher] as const)),
  ),
);

const peers = CLASSES.flatMap((statuses) =>
  statuses.flatMap((one) => statuses.filter((other) => other !== one).map((other) => [one, other] as const)),
);

describe('which event of a leg counts', () => {
  test.each(pairs)('%s gives way to %s, whatever their fences and steps', (lower, higher) => {
    const zombie = leg('alpha', higher, { fence: 1, step: 1 });
    expect(sign(leg('alpha', lower, { fence: 9, step: 9 }), zombie)).toBe(-1);
  });

  test.each(peers)('%s and %s stand in one class, where the higher fence decides', (one, other) => {
    expect(sign(leg('alpha', one, { fence: 2 }), leg('alpha', other, { fence: 1, step: 9 }))).toBe(1);
  });

  test('the attempt decides before everything else', () => {
    const again = leg('alpha', 'submitted', { attempt: 2, fence: 0, step: 0 });
    expect(sign(again, leg('alpha', 'quoted', { attempt: 1, fence: 9, step: 9 }))).toBe(1);
  });

  test('within a fence the later step decides', () => {
    expect(sign(leg('alpha', 'quoted', { step: 3 }), leg('alpha', 'declined', { step: 2 }))).toBe(1);
  });

  test('steps and fences are compared as numbers', () => {
    expect(sign(leg('alpha', 'quoted', { step: 10 }), leg('alpha', 'quoted', { step: 9 }))).toBe(1);
    expect(sign(leg('alpha', 'quoted', { fence: 10 }), leg('alpha', 'quoted', { fence: 9 }))).toBe(1);
  });

  test('what is equal in all that goes by the event id', () => {
    const event = leg('alpha', 'quoted');
    expect(sign({ ...event, id: 'b' }, { ...event, id: 'a' })).toBe(1);
    expect(sign({ ...event, id: 'a' }, { ...event, id: 'b' })).toBe(-1);
    expect(sign(event, { ...event })).toBe(0);
  });

  test('is a total order', () => {
    fc.assert(
      fc.property(legEvents, (events) => {
        const sorted = [...events].sort(compareLegEvents);
        sorted.forEach((a, i) =>
          sorted.forEach((b, j) => {
            const ofOneLeg = a.data.insurer_id === b.data.insurer_id;
            if (ofOneLeg) expect(sign(a, b)).toBe(Math.sign(i - j));
          }),
        );
      }),
    );
  });
});

describe('endsByCancel', () => {
  test('holds for timeout and everything below it', () => {
    expect(QUOTE_STATUSES.filter(endsByCancel)).toEqual([
      'waiting',
      'submitted',
      'estimated',
      'timeout',
      'cancelled',
    ]);
  });
});
