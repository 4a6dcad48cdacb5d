import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { fraction, latePollDelayMs, pollDelayMs, retryDelayMs } from './poll-schedule.ts';

const seed = fc.string();
const count = fc.nat({ max: 1_000 });

const basis = (hintMs: number | undefined) => (hintMs === undefined ? {} : { hintMs });

/** Moments of the polls of one leg whose insurer answers in no time. */
const pollMoments = (of: string, hintMs?: number): number[] => {
  const moments: number[] = [];
  let nowMs = 0;
  while (nowMs < 60_000) {
    nowMs += pollDelayMs(of, moments.length, basis(hintMs));
    moments.push(nowMs);
  }
  return moments;
};

describe('a poll', () => {
  test('comes first after about 600 ms', () => {
    fc.assert(
      fc.property(seed, (of) => {
        expect(pollDelayMs(of, 0, {})).toBeGreaterThanOrEqual(480);
        expect(pollDelayMs(of, 0, {})).toBeLessThanOrEqual(720);
      }),
    );
  });

  test('comes never more than about 3 s after the one before', () => {
    fc.assert(
      fc.property(seed, count, (of, polls) => {
        expect(pollDelayMs(of, polls, {})).toBeLessThanOrEqual(3_600);
      }),
    );
  });

  test('comes less and less often', () => {
    const average = (polls: number): number => {
      const delays = Array.from({ length: 500 }, (_, of) => pollDelayMs(`${of}`, polls, {}));
      return delays.reduce((sum, delay) => sum + delay, 0) / delays.length;
    };
    for (let polls = 1; polls <= 6; polls += 1) {
      expect(average(polls)).toBeGreaterThan(average(polls - 1));
    }
    expect(average(7) / average(60)).toBeCloseTo(1, 1);
  });

  test('is one of at most thirty in a minute', () => {
    fc.assert(fc.property(seed, (of) => expect(pollMoments(of).length).toBeLessThanOrEqual(30)));
  });

  test.each([
    [0, 200],
    [200, 200],
    [5_000, 5_000],
    [15_000, 15_000],
    [3_600_000, 15_000],
  ])('obeys a hint of %i ms as %i ms, give or take the jitter', (hintMs, delayMs) => {
    fc.assert(
      fc.property(seed, count, (of, polls) => {
        const delay = pollDelayMs(of, polls, basis(hintMs));
        expect(delay).toBeGreaterThanOrEqual(delayMs * 0.8);
        expect(delay).toBeLessThanOrEqual(delayMs * 1.2);
      }),
    );
  });

  test('is seldom in the late window', () => {
    fc.assert(
      fc.property(seed, count, (of, polls) => {
        expect(latePollDelayMs(of, polls)).toBeGreaterThanOrEqual(8_000);
        expect(latePollDelayMs(of, polls)).toBeLessThanOrEqual(12_000);
      }),
    );
  });
});

describe('a retry', () => {
  test.each([
    [1, 400],
    [2, 800],
    [3, 1_600],
    [4, 3_200],
    [5, 6_400],
    [6, 8_000],
    [60, 8_000],
  ])('after try %i waits about %i ms', (tries, delayMs) => {
    fc.assert(
      fc.property(seed, (of) => {
        const delay = retryDelayMs(of, tries, undefined);
        expect(delay).toBeGreaterThanOrEqual(delayMs * 0.8);
        expect(delay).toBeLessThanOrEqual(delayMs * 1.2);
      }),
    );
  });

  test('never comes before the Retry-After of the insurer', () => {
    fc.assert(
      fc.property(seed, fc.integer({ min: 1, max: 20 }), fc.nat({ max: 100_000 }), (of, tries, afterMs) => {
        expect(retryDelayMs(of, tries, afterMs)).toBeGreaterThanOrEqual(afterMs);
        expect(retryDelayMs(of, tries, afterMs)).toBeGreaterThanOrEqual(
          retryDelayMs(of, tries, undefined),
        );
      }),
    );
  });
});

describe('the jitter', () => {
  test('is the same for the same leg and try, so a run replays identically', () => {
    fc.assert(
      fc.property(seed, count, (of, polls) => {
        expect(pollDelayMs(of, polls, {})).toBe(pollDelayMs(of, polls, {}));
        expect(latePollDelayMs(of, polls)).toBe(latePollDelayMs(of, polls));
        expect(retryDelayMs(of, polls, undefined)).toBe(retryDelayMs(of, polls, undefined));
      }),
    );
  });

  test('gives whole milliseconds', () => {
    fc.assert(
      fc.property(seed, count, fc.option(count, { nil: undefined }), (of, polls, hintMs) => {
        expect(Number.isInteger(pollDelayMs(of, polls, basis(hintMs)))).toBe(true);
      }),
    );
  });

  test('is a fraction from 0 up to 1', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(fraction(text)).toBeGreaterThanOrEqual(0);
        expect(fraction(text)).toBeLessThan(1);
      }),
    );
  });

  test('spreads a burst of requests over its whole width', () => {
    const burst = Array.from({ length: 2_500 }, (_, of) => pollDelayMs(`request-${of}:alpha:1`, 0, {}));
    const tenths = new Array<number>(10).fill(0);
    for (const delay of burst) tenths[Math.min(9, Math.floor((delay - 480) / 24))]! += 1;
    for (const inTenth of tenths) expect(inTenth).toBeGreaterThan(125);
  });
});
