import { expect, test } from '@jest/globals';
import { RelayPace } from './relay-pace.ts';

/** Sends of so many rows, so many ms apart, for a while; then how long the next one waits. */
const waitAfter = (rows: number, apartMs: number): number => {
  const pace = new RelayPace();
  for (let nowMs = 0; nowMs <= 1_000; nowMs += apartMs) pace.sent(rows, nowMs);
  return pace.waitMs(Math.floor(1_000 / apartMs) * apartMs + 1);
};

test('the first row waits for nobody', () => {
  expect(new RelayPace().waitMs(5)).toBe(0);
});

test.each([
  [50, 1, 20],
  [500, 1, 2],
  [500, 5, 10],
])('at %i rows a second nobody waits', (_, rows, apartMs) => {
  expect(waitAfter(rows, apartMs)).toBe(0);
});

test.each([
  [2_000, 2, 1],
  [2_000, 16, 8],
])('at %i rows a second the next send begins 8 ms after the last one', (_, rows, apartMs) => {
  expect(waitAfter(rows, apartMs)).toBe(7);
});

test('some rows that come together are no load', () => {
  const pace = new RelayPace();
  pace.sent(30, 0);
  expect(pace.waitMs(1)).toBe(0);
});

test('when the load is over nobody waits', () => {
  const pace = new RelayPace();
  for (let nowMs = 0; nowMs < 1_000; nowMs += 1) pace.sent(3, nowMs);
  pace.sent(1, 1_200);
  expect(pace.waitMs(1_201)).toBe(0);
});
