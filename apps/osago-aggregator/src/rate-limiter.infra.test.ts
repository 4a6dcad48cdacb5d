import { afterEach, describe, expect, test } from '@jest/globals';
import { type Rate, reserveCall } from '@osago/quotes';
import { systemClock } from '@osago/service-kit';
import fc from 'fast-check';
import type { Redis } from 'ioredis';
import { cleanUp, connect, connectedStore } from './redis-given.ts';
import { RateLimiter } from './rate-limiter.ts';

const { REDIS_URL = '' } = process.env;

afterEach(cleanUp);

/** Redis counts whole microseconds, and rounds an interval up. */
const ROUNDING_MS = 0.002;

const redisNowMs = async (redis: Redis): Promise<number> => {
  const [seconds, micros] = await redis.time();
  return Number(seconds) * 1_000 + Number(micros) / 1_000;
};

const insurerId = (): string => `test-${crypto.randomUUID()}`;

describe('a limiter on Redis', () => {
  test('reserves as reserveCall does, within rounding', async () => {
    const { store } = await connectedStore(REDIS_URL);
    const redis = connect(REDIS_URL);
    const rates = fc.record({ perSecond: fc.double({ min: 0.5, max: 2_000, noNaN: true }), burst: fc.integer({ min: 1, max: 20 }) });
    const waits = fc.array(fc.oneof(fc.constant(0), fc.double({ min: 0, max: 5_000, noNaN: true })), { minLength: 1, maxLength: 40 });
    await fc.assert(
      fc.asyncProperty(rates, waits, async (rate, waitsMsMax) => {
        const limiter = new RateLimiter({ redis: store, clock: systemClock }, insurerId(), rate);
        // The script's own moment lies between two looks at the clock of Redis, so the model is a pair: least and most.
        let [least, most, rounding] = [0, 0, ROUNDING_MS];
        for (const waitMsMax of waitsMsMax) {
          const beforeMs = await redisNowMs(redis);
          const delayMs = await limiter.reserve(waitMsMax);
          const afterMs = await redisNowMs(redis);
          const low = reserveCall(least, rate, afterMs, Infinity).delayMs ?? 0;
          const high = reserveCall(most, rate, beforeMs, Infinity).delayMs ?? 0;
          if (delayMs === undefined) {
            expect(high + rounding).toBeGreaterThan(waitMsMax - ROUNDING_MS);
            continue;
          }
          expect(delayMs).toBeGreaterThanOrEqual(low - rounding);
          expect(delayMs).toBeLessThanOrEqual(high + rounding);
          expect(delayMs).toBeLessThanOrEqual(waitMsMax + ROUNDING_MS);
          least = reserveCall(least, rate, beforeMs, Infinity).wholeAtMs;
          most = reserveCall(most, rate, afterMs, Infinity).wholeAtMs;
          rounding += ROUNDING_MS * rate.burst;
        }
      }),
      { numRuns: 30 },
    );
  });

  test('is shared by all pods: never more than burst and rate within a second', async () => {
    const rate: Rate = { perSecond: 50, burst: 10 };
    const id = insurerId();
    const stores = await Promise.all([connectedStore(REDIS_URL), connectedStore(REDIS_URL)]);
    const limiters = stores.map(({ store }) => new RateLimiter({ redis: store, clock: systemClock }, id, rate));
    const startedAtMs = performance.now();
    const delays = await Promise.all(Array.from({ length: 200 }, (_, call) => limiters[call % 2]?.reserve(1_000) ?? Promise.reject(new Error('no limiter'))));
    const tookMs = performance.now() - startedAtMs;
    const granted = delays.filter((delayMs) => delayMs !== undefined).sort((a, b) => a - b);
    expect(granted.length).toBeGreaterThanOrEqual(rate.burst + rate.perSecond);
    expect(granted.length).toBeLessThanOrEqual(rate.burst + Math.ceil((rate.perSecond * (1_000 + tookMs)) / 1_000));
    expect(granted.filter((delayMs) => delayMs === 0).length).toBeGreaterThanOrEqual(rate.burst);
    expect(Math.max(...granted)).toBeLessThanOrEqual(1_000);
  });

  test('reserves nothing for a call that would start too late', async () => {
    const { store } = await connectedStore(REDIS_URL);
    const limiter = new RateLimiter({ redis: store, clock: systemClock }, insurerId(), { perSecond: 0.1, burst: 1 });
    expect(await limiter.reserve(0)).toBe(0);
    for (let call = 0; call < 20; call += 1) expect(await limiter.reserve(100)).toBeUndefined();
    expect(await limiter.reserve(10_000)).toBeLessThanOrEqual(10_000);
  });

  test('does not let the insurers of a rate share it', async () => {
    const { store } = await connectedStore(REDIS_URL);
    const rate: Rate = { perSecond: 0.1, burst: 1 };
    const [one, other] = [insurerId(), insurerId()].map((id) => new RateLimiter({ redis: store, clock: systemClock }, id, rate));
    expect(await one?.reserve(0)).toBe(0);
    expect(await other?.reserve(0)).toBe(0);
  });

  test('leaves nothing in Redis once its budget is whole again', async () => {
    const { store } = await connectedStore(REDIS_URL);
    const redis = connect(REDIS_URL);
    const id = insurerId();
    await new RateLimiter({ redis: store, clock: systemClock }, id, { perSecond: 10, burst: 5 }).reserve(0);
    const [key = ''] = await redis.keys(`*${id}*`);
    expect(await redis.pttl(key)).toBeGreaterThan(0);
    expect(await redis.pttl(key)).toBeLessThanOrEqual(1_200);
  });
});

test('without Redis a limiter keeps the rate by itself, by its own clock', async () => {
  const clock = { ms: 5_000, nowMs: () => clock.ms };
  const redis = { script: () => Promise.resolve(undefined) };
  const limiter = new RateLimiter({ redis, clock }, 'alfa', { perSecond: 10, burst: 2 });
  expect([await limiter.reserve(0), await limiter.reserve(0), await limiter.reserve(0)]).toEqual([0, 0, undefined]);
  expect(await limiter.reserve(100)).toBe(100);
  clock.ms += 200;
  expect(await limiter.reserve(0)).toBe(0);
});
