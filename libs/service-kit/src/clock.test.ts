import { expect, test } from '@jest/globals';
import { pause, systemClock } from './clock.ts';

const MINUTE_MS = 60_000;

test('the system clock tells the time of the machine', () => {
  const before = Date.now();
  const nowMs = systemClock.nowMs();
  expect(nowMs).toBeGreaterThanOrEqual(before);
  expect(nowMs).toBeLessThanOrEqual(Date.now());
});

test('a pause ends when its time has passed', async () => {
  const startedAtMs = performance.now();
  await pause(20, new AbortController().signal);
  // Timers of Node count whole milliseconds.
  expect(performance.now() - startedAtMs).toBeGreaterThanOrEqual(19);
});

test('a pause ends at once when the signal aborts, and leaves no timer behind', async () => {
  const timers = (): number => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
  const before = timers();
  const stop = new AbortController();
  const paused = pause(MINUTE_MS, stop.signal);
  expect(timers()).toBe(before + 1);
  stop.abort();
  await paused;
  expect(timers()).toBe(before);
});

test('a pause under an aborted signal does not begin', async () => {
  await pause(MINUTE_MS, AbortSignal.abort());
});

test('a pause that ended does not listen to its signal any more', async () => {
  const { signal } = new AbortController();
  const removed: string[] = [];
  const remove = signal.removeEventListener.bind(signal);
  signal.removeEventListener = (type: string, listener: () => void) => {
    removed.push(type);
    remove(type, listener);
  };
  await pause(1, signal);
  expect(removed).toEqual(['abort']);
});
