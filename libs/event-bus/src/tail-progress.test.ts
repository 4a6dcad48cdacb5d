import { describe, expect, it } from '@jest/globals';
import { TailProgress } from './tail-progress.ts';

const at = (partition: number, next: number, goal: number) => ({
  topic: 'log',
  partition,
  next: BigInt(next),
  goal: BigInt(goal),
});
const record = (partition: number, offset: number) => ({
  topic: 'log',
  partition,
  offset: BigInt(offset),
  key: '',
  value: null,
  headers: {},
  timestampMs: 0,
});

describe('TailProgress', () => {
  it('is caught up when the last partition reaches its goal, and not before', () => {
    const progress = new TailProgress();
    expect(progress.isCaughtUp).toBe(false);
    progress.begin([at(0, 3, 5), at(1, 0, 1), at(2, 0, 0)]);
    progress.take(record(0, 3));
    progress.take(record(1, 0));
    expect(progress.isCaughtUp).toBe(false);
    progress.take(record(0, 4));
    expect(progress.isCaughtUp).toBe(true);
    return progress.caughtUp;
  });

  it('does not hang on what is no record: markers at the end count as read', () => {
    const progress = new TailProgress();
    progress.begin([at(0, 0, 5)]);
    progress.take(record(0, 2));
    progress.reached({ topic: 'log', partition: 0 }, 5n);
    expect(progress.isCaughtUp).toBe(true);
    return progress.caughtUp;
  });

  it('takes each record once, nothing below the start, and never goes back', () => {
    const progress = new TailProgress();
    progress.begin([at(0, 3, 3)]);
    expect([2, 3, 3, 4].map((offset) => progress.take(record(0, offset)))).toEqual([false, true, false, true]);
    progress.reached({ topic: 'log', partition: 0 }, 1n);
    expect(progress.next({ topic: 'log', partition: 0 })).toBe(5n);
  });

  it('reads a partition that comes later from its beginning', () => {
    const progress = new TailProgress();
    progress.begin([at(0, 3, 3)]);
    expect(progress.next({ topic: 'log', partition: 1 })).toBe(0n);
    expect(progress.positions()).toHaveLength(2);
    expect(progress.isCaughtUp).toBe(true);
  });
});
