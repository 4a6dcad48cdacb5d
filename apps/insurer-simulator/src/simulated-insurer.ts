/**
 * One simulated insurer with its memory: the applications it knows, its rate limit, its faults, and what it counted. The
 * same idempotency key never makes a second application, as long as the first is remembered (and no fault says so).
 */
import type { Clock } from '@osago/service-kit';
import { type Behaviour, type Plan, planFor, type ReceivedApplication } from './behaviour.ts';
import { CallCounter } from './call-counter.ts';
import { FaultBook, type MarkedCall } from './fault.ts';

/** Longer than the deadline of 60 s, the late window of 2 min and a person's retry after it. */
const REMEMBERED_MS = 600_000;

/** An application as it is remembered. */
export interface Known {
  readonly key: string;
  readonly plan: Plan;
  readonly receivedAtMs: number;
  /** How many POSTs brought it. */
  posts: number;
}

export interface SimulatedInsurerOptions {
  /** The oldest application is forgotten when one more arrives. */
  rememberedMax: number;
}

export class SimulatedInsurer {
  readonly behaviour: Behaviour;
  readonly counter = new CallCounter();
  readonly faults: FaultBook;
  readonly #clock: Clock;
  readonly #rememberedMax: number;
  /** Both maps hold the same entries in the order of arrival, which is the order of forgetting. */
  readonly #byKey = new Map<string, Known>();
  readonly #byId = new Map<string, Known>();
  /** How often each key was posted and each id asked for, those calls included that a fault struck. */
  readonly #tries = new Map<string, number>();
  #allowance: number;
  #allowanceAtMs: number;

  constructor(behaviour: Behaviour, clock: Clock, { rememberedMax }: SimulatedInsurerOptions) {
    const { profile, seed, speed } = behaviour;
    this.behaviour = behaviour;
    this.faults = new FaultBook(profile.faults, `${seed} ${profile.insurer_id}`, speed, clock);
    this.#clock = clock;
    this.#rememberedMax = rememberedMax;
    this.#allowance = profile.limit?.rate_per_s ?? Infinity;
    this.#allowanceAtMs = clock.nowMs();
  }

  /** False when the call is one too many: a token bucket that holds one second's worth. */
  admit(): boolean {
    const { limit } = this.behaviour.profile;
    if (limit === undefined) return true;
    const nowMs = this.#clock.nowMs();
    const grown = this.#allowance + ((nowMs - this.#allowanceAtMs) / 1_000) * limit.rate_per_s;
    this.#allowance = Math.min(limit.rate_per_s, grown);
    this.#allowanceAtMs = nowMs;
    if (this.#allowance < 1) return false;
    this.#allowance -= 1;
    return true;
  }

  /** How many POSTs each remembered key had. */
  get postsByKey(): Readonly<Record<string, number>> {
    return Object.fromEntries([...this.#byKey].map(([key, { posts }]) => [key, posts]));
  }

  /** Tells this call from all others, whatever came between: `of` is the idempotency key or the application's id. */
  mark(call: MarkedCall['call'], of: string): MarkedCall {
    const mark = `${call} ${of}`;
    const tries = (this.#tries.get(mark) ?? 0) + 1;
    this.#tries.delete(mark);
    this.#tries.set(mark, tries);
    const [oldest] = this.#tries.keys();
    if (this.#tries.size > 2 * this.#rememberedMax && oldest !== undefined) this.#tries.delete(oldest);
    return { call, mark: `${of} ${tries}` };
  }

  /** Undefined for an id that was never given out or is forgotten. */
  knownById(applicationId: string): Known | undefined {
    return this.#byId.get(applicationId);
  }

  receive(received: ReceivedApplication, call: MarkedCall): Known {
    const { counters } = this.counter;
    const known = this.#byKey.get(received.key);
    counters.posts += 1;
    if (known !== undefined) counters.duplicate_posts += 1;
    const isAnother = known !== undefined && this.faults.strike('duplicates', call) !== undefined;
    const lateMs = this.faults.strike('late', call)?.by_ms ?? 0;
    const entry = known === undefined || isAnother ? this.#remember(received, known?.posts ?? 0, lateMs) : known;
    entry.posts += 1;
    counters.by_idempotency_key_max = Math.max(counters.by_idempotency_key_max, entry.posts);
    return entry;
  }

  #remember(received: ReceivedApplication, posts: number, lateMs: number): Known {
    const receivedAtMs = this.#clock.nowMs();
    this.#forget(receivedAtMs);
    const plan = planFor(this.behaviour, received, { nowMs: receivedAtMs, lateMs, copy: posts });
    const entry: Known = { key: received.key, plan, receivedAtMs, posts };
    this.#byKey.delete(received.key);
    this.#byKey.set(received.key, entry);
    this.#byId.set(plan.applicationId, entry);
    return entry;
  }

  #forget(nowMs: number): void {
    for (const [id, { key, receivedAtMs }] of this.#byId) {
      if (receivedAtMs + REMEMBERED_MS > nowMs && this.#byId.size < this.#rememberedMax) return;
      this.#byId.delete(id);
      if (this.#byKey.get(key)?.plan.applicationId === id) this.#byKey.delete(key);
    }
  }
}
