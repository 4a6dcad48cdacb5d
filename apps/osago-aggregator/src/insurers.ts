/**
 * The insurers by id, each behind its own limits, so that one slow insurer never delays another: calls at once (a
 * bulkhead of this pod) and calls a second (a budget of all pods). What cannot start in time is `skipped: capacity`.
 */
import type { InsurerSettings } from '@osago/contracts';
import type { InsurerReply } from '@osago/quotes';
import { type Clock, Counter, Histogram, pause, type Registry } from '@osago/service-kit';
import { bulkhead, type BulkheadPolicy, isBulkheadRejectedError } from 'cockatiel';
import type { Agent } from 'undici';
import type { CallOptions, Insurer, PostCall } from './insurer.ts';
import { RateLimiter } from './rate-limiter.ts';
import type { RedisStore } from './redis-store.ts';
import { StandardInsurer } from './standard-insurer.ts';

/** Calls that wait for a place. Each holds a few hundred bytes; beyond it the deadline could not be met anyway. */
const QUEUE_MAX = 20_000;

const CAPACITY: InsurerReply = { kind: 'skipped', reason: { code: 'capacity' } };

export interface InsurersDeps {
  agent: Agent;
  redis: Pick<RedisStore, 'script'>;
  clock: Clock;
  metrics: Registry;
}

class GuardedInsurer implements Insurer {
  readonly #inner: Insurer;
  readonly #bulkhead: BulkheadPolicy;
  readonly #rate: RateLimiter;
  readonly #clock: Clock;
  readonly #observe: (call: string, reply: InsurerReply, seconds: number) => void;

  constructor(
    deps: { inner: Insurer; rate: RateLimiter; clock: Clock },
    concurrency: number,
    observe: (call: string, reply: InsurerReply, seconds: number) => void,
  ) {
    this.#inner = deps.inner;
    this.#rate = deps.rate;
    this.#clock = deps.clock;
    this.#bulkhead = bulkhead(concurrency, QUEUE_MAX);
    this.#observe = observe;
  }

  post(call: PostCall, options: CallOptions): Promise<InsurerReply> {
    return this.#guard('post', options, () => this.#inner.post(call, options));
  }

  poll(applicationId: string, options: CallOptions): Promise<InsurerReply> {
    return this.#guard('poll', options, () => this.#inner.poll(applicationId, options));
  }

  async #guard(
    name: string,
    { signal, startByMs }: CallOptions,
    call: () => Promise<InsurerReply>,
  ): Promise<InsurerReply> {
    const isUnwanted = (): boolean => signal.aborted;
    const place = async (): Promise<InsurerReply> => {
      const waitMsMax = startByMs - this.#clock.nowMs();
      // It waited for its place too long, or is not wanted any more: the budget is for others.
      if (isUnwanted() || waitMsMax < 0) return CAPACITY;
      const delayMs = await this.#rate.reserve(waitMsMax);
      if (delayMs === undefined) return CAPACITY;
      if (delayMs > 0) await pause(delayMs, signal);
      if (isUnwanted()) return CAPACITY;
      const startedAtMs = performance.now();
      const reply = await call();
      this.#observe(name, reply, (performance.now() - startedAtMs) / 1_000);
      return reply;
    };
    try {
      return await this.#bulkhead.execute(place);
    } catch (error) {
      if (isBulkheadRejectedError(error)) return CAPACITY;
      throw error;
    }
  }
}

/** One insurer for each entry of the file. */
export const createInsurers = (
  deps: InsurersDeps,
  settings: readonly InsurerSettings[],
): ReadonlyMap<string, Insurer> => {
  const calls = new Counter({
    name: 'osago_insurer_calls_total',
    help: 'Calls to insurers by what they came to',
    labelNames: ['insurer_id', 'call', 'reply'],
    registers: [deps.metrics],
  });
  const seconds = new Histogram({
    name: 'osago_insurer_call_seconds',
    help: 'How long calls to insurers took',
    labelNames: ['insurer_id', 'call'],
    registers: [deps.metrics],
  });
  return new Map(
    settings.map((insurer) => {
      const { insurer_id, base_url, burst, concurrency, post_timeout_ms, rate_per_s } = insurer;
      const inner = new StandardInsurer(
        { agent: deps.agent, nowMs: () => deps.clock.nowMs() },
        { baseUrl: base_url, postTimeoutMs: post_timeout_ms },
      );
      const rate = new RateLimiter(deps, insurer_id, { perSecond: rate_per_s, burst });
      const observe = (call: string, reply: InsurerReply, took: number): void => {
        const kind = reply.kind === 'fault' ? reply.fault : reply.kind;
        calls.inc({ insurer_id, call, reply: kind });
        seconds.observe({ insurer_id, call }, took);
      };
      return [insurer_id, new GuardedInsurer({ ...deps, inner, rate }, concurrency, observe)];
    }),
  );
};
