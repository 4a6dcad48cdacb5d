import { describe, expect, test } from '@jest/globals';
import { Showcase, type Shown } from './showcase.ts';
import { leg, PARTITION, REQUEST_ID, submitted, TestClock, turn } from './testing-events.ts';
import { waitFor, type WaitOptions } from './wait.ts';

const setup = () => {
  const showcase = new Showcase();
  const clock = new TestClock();
  showcase.apply(submitted({ alpha: 60_000 }), PARTITION, 0);
  const gone = new AbortController();
  const wait = (options: Partial<WaitOptions> = {}): Promise<boolean> =>
    waitFor({ showcase, clock }, REQUEST_ID, { until: isAnswered, forMs: 2_000, signal: gone.signal, ...options });
  return { showcase, clock, gone, wait };
};

const isAnswered = ({ state }: Shown): boolean => state.legs['alpha']?.status === 'quoted';

/** Whether it has an answer by now. */
const isPending = async (waiting: Promise<unknown>): Promise<boolean> => {
  const pending = Symbol('pending');
  return (await Promise.race([waiting, turn().then(() => pending)])) === pending;
};

/** With nobody watching, the request can be forgotten. */
const isWatched = (showcase: Showcase): boolean => showcase.past(Number.POSITIVE_INFINITY, 1).length === 0;

describe('waitFor', () => {
  test('answers at once what already holds', async () => {
    const { showcase, wait } = setup();
    showcase.apply(leg('alpha', 'quoted'), PARTITION, 0);
    expect(await wait({ forMs: 0 })).toBe(true);
    expect(isWatched(showcase)).toBe(false);
  });

  test('is woken by the change it waits for and not by another', async () => {
    const { showcase, wait } = setup();
    const waiting = wait();
    showcase.apply(leg('alpha', 'submitted', { step: 1 }), PARTITION, 0);
    expect(await isPending(waiting)).toBe(true);
    showcase.apply(leg('alpha', 'quoted', { step: 2 }), PARTITION, 1);
    expect(await waiting).toBe(true);
    expect(isWatched(showcase)).toBe(false);
  });

  test('ends without it when the time is up, by the clock that it was given', async () => {
    const { clock, showcase, wait } = setup();
    const waiting = wait();
    clock.advance(1_999);
    showcase.apply(leg('alpha', 'submitted', { step: 1 }), PARTITION, 0);
    expect(await isPending(waiting)).toBe(true);
    clock.advance(1);
    showcase.apply(leg('alpha', 'estimated', { step: 2 }), PARTITION, 1);
    expect(await waiting).toBe(false);
    expect(isWatched(showcase)).toBe(false);
  });

  test('ends by its own timer when nothing changes', async () => {
    const { showcase } = setup();
    const startMs = performance.now();
    const clock = { nowMs: () => performance.now() };
    const { signal } = new AbortController();
    expect(await waitFor({ showcase, clock }, REQUEST_ID, { until: () => false, forMs: 30, signal })).toBe(false);
    expect(performance.now() - startMs).toBeLessThan(20_000);
  });

  test('looks again when the clock alone changes what is shown', async () => {
    const { showcase } = setup();
    // The deadline and its second of grace are over 20 ms after the start.
    const startMs = performance.now();
    const clock = new TestClock();
    clock.advance(60_980);
    const running = { nowMs: () => clock.nowMs() + performance.now() - startMs };
    const endsMs = clock.nowMs() + 20;
    const { signal } = new AbortController();
    const isReached = await waitFor({ showcase, clock: running }, REQUEST_ID, {
      until: () => running.nowMs() >= endsMs,
      forMs: 60_000,
      signal,
    });
    expect(isReached).toBe(true);
    expect(performance.now() - startMs).toBeLessThan(30_000);
  });

  test('ends at once where the request is not shown, as when it was forgotten meanwhile', async () => {
    const { showcase, wait } = setup();
    for (const one of showcase.past(Number.POSITIVE_INFINITY, 1)) showcase.forget(one);
    expect(await wait()).toBe(false);
  });

  test('ends when the client has gone, also before it began', async () => {
    const { showcase, gone, wait } = setup();
    const waiting = wait();
    gone.abort();
    expect(await waiting).toBe(false);
    expect(await wait()).toBe(false);
    expect(isWatched(showcase)).toBe(false);
  });
});
