import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { type Rate, reserveBlock, shareOf, tolerantRate } from './rate-budget.ts';
import { seededRandom } from './random.ts';

const rates = fc.record({
  perSecond: fc.oneof(fc.integer({ min: 1, max: 1_000 }), fc.double({ min: 0.2, max: 50, noNaN: true })),
  burst: fc.integer({ min: 1, max: 300 }),
});

const mostInASecond = (momentsMs: readonly number[]): number => {
  const sorted = [...momentsMs].sort((a, b) => a - b);
  let first = 0;
  return sorted.reduce((most, atMs, at) => {
    while (atMs - (sorted[first] ?? atMs) >= 1_000) first += 1;
    return Math.max(most, at - first + 1);
  }, 0);
};

/** Pods that take blocks whenever they like and start each call as late as they are allowed to. */
const callMoments = (rate: Rate, seed: number): number[] => {
  const tolerant = tolerantRate(rate);
  const random = seededRandom(seed);
  const moments: number[] = [];
  let wholeAtMs = 0;
  for (let nowMs = 1_000_000; nowMs < 1_006_000; nowMs += random.unit() * 120) {
    const wanted = { count: random.integer(0, 40), ahead: random.integer(0, 10), horizonMs: 50 };
    const block = reserveBlock(wholeAtMs, tolerant, nowMs, wanted);
    wholeAtMs = block.wholeAtMs;
    for (const delayMs of block.delaysMs) moments.push(nowMs + delayMs + random.unit() * tolerant.toleranceMs);
  }
  return moments;
};

describe('a rate with a burst', () => {
  test('lets through no more than both together in any second, in whatever blocks and however late calls start', () => {
    fc.assert(
      fc.property(rates, fc.integer(), (rate, seed) => {
        expect(mostInASecond(callMoments(rate, seed))).toBeLessThanOrEqual(Math.floor(rate.perSecond) + rate.burst);
      }),
    );
  });

  test('lets through what it promises in the long run', () => {
    fc.assert(
      fc.property(rates, (rate) => {
        const tolerant = tolerantRate(rate);
        const block = reserveBlock(0, tolerant, 1_000_000, { count: 100_000, ahead: 0, horizonMs: 20_000 });
        expect(block.delaysMs.length).toBeGreaterThanOrEqual(Math.floor(rate.perSecond * 20));
      }),
    );
  });

  test('gives up no more than half of its burst for the tolerance', () => {
    fc.assert(
      fc.property(rates, (rate) => {
        expect(tolerantRate(rate).burst).toBeGreaterThanOrEqual(Math.max(1, rate.burst * 0.5 - 1));
        expect(tolerantRate(rate).toleranceMs).toBeGreaterThan(0);
      }),
    );
  });

  test('reserves ahead only what is free at once', () => {
    const rate = { intervalMs: 100, burst: 3 };
    const block = reserveBlock(0, rate, 1_000_000, { count: 1, ahead: 10, horizonMs: 1_000 });
    expect(block).toEqual({ wholeAtMs: 1_000_300, delaysMs: [0, 0, 0], nextDelayMs: 100 });
  });

  test('says when the next call could start', () => {
    const rate = { intervalMs: 100, burst: 1 };
    const block = reserveBlock(0, rate, 1_000_000, { count: 5, ahead: 0, horizonMs: 150 });
    expect(block).toEqual({ wholeAtMs: 1_000_200, delaysMs: [0, 100], nextDelayMs: 200 });
  });

  test('is shared out among pods that cannot agree', () => {
    expect(shareOf({ perSecond: 10, burst: 5 }, 2)).toEqual({ perSecond: 5, burst: 2 });
    expect(shareOf({ perSecond: 10, burst: 1 }, 4)).toEqual({ perSecond: 2.5, burst: 1 });
  });
});
