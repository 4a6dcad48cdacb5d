import { describe, expect, test } from '@jest/globals';
import type { Quote } from '@osago/contracts';
import { changedFrom, withEstimates } from './price-change.ts';

const quote = (status: Quote['status'], premium_kopecks: number, members: Partial<Quote> = {}): Quote => ({
  insurer_id: 'iota',
  name: 'Йота',
  status,
  final: status === 'quoted',
  late: false,
  attempt: 1,
  deadline_at: '2026-11-21T09:01:00.000Z',
  premium_kopecks,
  ...members,
});
const seen = withEstimates({}, [quote('estimated', 100)]);

describe('a changed price', () => {
  test('is one that differs from the estimate the server repeats, or else from the one that was seen', () => {
    expect(changedFrom(quote('quoted', 110), seen)).toBe(100);
    expect(changedFrom(quote('quoted', 110, { estimated_premium_kopecks: 105 }), seen)).toBe(105);
  });

  test.each([
    ['the same price', quote('quoted', 100)],
    ['another attempt', quote('quoted', 110, { attempt: 2 })],
    ['another insurer', quote('quoted', 110, { insurer_id: 'alfa' })],
    ['an estimate', quote('estimated', 110)],
  ])('is not %s', (_, now) => {
    expect(changedFrom(now, seen)).toBeUndefined();
  });
});

test('estimates are remembered by their last value, and nothing new is the same object', () => {
  expect(withEstimates(seen, [quote('estimated', 120)])).not.toEqual(seen);
  expect(withEstimates(seen, [quote('estimated', 100), quote('quoted', 130)])).toBe(seen);
});
