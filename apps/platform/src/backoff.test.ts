import { expect, test } from '@jest/globals';
import { pauseBeforeRestart } from './backoff.ts';

test('doubles from half a second to ten', () => {
  const pauses: number[] = [];
  for (let pause: number | undefined; pauses.length < 7; ) {
    pause = pauseBeforeRestart(pause, 0);
    pauses.push(pause);
  }
  expect(pauses).toEqual([500, 1000, 2000, 4000, 8000, 10_000, 10_000]);
});

test('is short again after a run that was long', () => {
  expect(pauseBeforeRestart(10_000, 29_999)).toBe(10_000);
  expect(pauseBeforeRestart(10_000, 30_000)).toBe(500);
});
