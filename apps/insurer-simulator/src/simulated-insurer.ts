/**
 * One simulated insurer with its memory: the applications it knows, its rate limit, and what it counted. The same
 * idempotency key never makes a second application, as long as the first is remembered.
 */
import type { Clock } from '@osago/service-kit';
import { type Behaviour, type Plan, planFor, type ReceivedApplication } from './behaviour.ts';

/** Longer than the deadline of 60 s, the late window of 2 min and a person's retry after it. */
const REMEMBERED_MS = 600_000;

export interface Counters {
  posts: number;
  /** POSTs whose key was known already. */
  duplicate_posts: number;
  polls: number;
  /** Calls answered with 429. */
  limited: number;
  /** The most calls that were open at once. */
  in_flight_max: number;
  /** The most POSTs that one idempotency key had. */
  by_idempotency_key_max: number;
}

interface Remembered {
  key: string;
  plan: Plan;
  posts: number;
  forgetAtMs: number;
}

export interface SimulatedInsurerOptions {
  /** The oldest application is forgotten when one more arrives. */
  rememberedMax: number;
}

export class SimulatedInsurer {
  readonly counters: Counters = {
    posts: 0,
    duplicate_posts: 0,
    polls: 0,
    limited: 0,
    in_flight_max: 0,
    by_idempotency_key_max: 0,
  };
  readonly behaviour: Behaviour;
  readonly #clock: Clock;
  readonly #rememberedMax: number;
  /** Both maps hold the same entries; by key in the order of arrival, which is the order of forgetting. */
  readonly #byKey = new Map<string, Remembered>();
  readonly #byId = new Map<string, Remembered>();
  #inFlight = 0;
  #allowance: number;
  #allowanceAtMs: number;

  constructor(behaviour: Behaviour, clock: Clock, { rememberedMax }: SimulatedInsurerOptions) {
    this.behaviour = behaviour;
    this.#clock = clock;
    this.#rememberedMax = rememberedMax;
    this.#allowance = behaviour.profile.limit?.rate_per_s ?? Infinity;
    this.#allowanceAtMs = clock.nowMs();
  }

  /** Counts a call as open until the returned function is called. */
  begin(): () => void {
    this.#inFlight += 1;
    this.counters.in_flight_max = Math.max(this.counters.in_flight_max, this.#inFlight);
    return () => {
      this.#inFlight -= 1;
    };
  }

  /** False when the call is one too many: a token bucket that holds one second's worth. */
  admit(): boolean {
    const { limit } = this.behaviour.profile;
    if (limit === undefined) return true;
    const nowMs = this.#clock.nowMs();
    const grown = this.#allowance + ((nowMs - this.#allowanceAtMs) / 1_000) * limit.rate_per_s;
    this.#allowance = Math.min(limit.rate_per_s, grown);
    this.#allowanceAtMs = nowMs;
    if (this.#allowance < 1) {
      this.counters.limited += 1;
      return false;
    }
    this.#allowance -= 1;
    return true;
  }

  receive(received: ReceivedApplication): Plan {
    const nowMs = this.#clock.nowMs();
    this.counters.posts += 1;
    const known = this.#byKey.get(received.key);
    if (known !== undefined) this.counters.duplicate_posts += 1;
    const entry = known ?? this.#remember(received, nowMs);
    entry.posts += 1;
    this.counters.by_idempotency_key_max = Math.max(this.counters.by_idempotency_key_max, entry.posts);
    return entry.plan;
  }

  /** Undefined for an id that was never given out or is forgotten. */
  poll(applicationId: string): Plan | undefined {
    this.counters.polls += 1;
    return this.#byId.get(applicationId)?.plan;
  }

  #remember(received: ReceivedApplication, nowMs: number): Remembered {
    this.#forget(nowMs);
    const plan = planFor(this.behaviour, received, nowMs);
    const entry = { key: received.key, plan, posts: 0, forgetAtMs: nowMs + REMEMBERED_MS };
    this.#byKey.set(received.key, entry);
    this.#byId.set(plan.applicationId, entry);
    return entry;
  }

  #forget(nowMs: number): void {
    for (const [key, { plan, forgetAtMs }] of this.#byKey) {
      if (forgetAtMs > nowMs && this.#byKey.size < this.#rememberedMax) return;
      this.#byKey.delete(key);
      this.#byId.delete(plan.applicationId);
    }
  }
}
