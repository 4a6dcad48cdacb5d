/** Learns from the polls of this pod how long each insurer takes, and plans by it when they are asked. */
import {
  type InsurerReply,
  learned,
  NOTHING_LEARNED,
  type PollPlan,
  pollPlans,
  type TimeToQuote,
} from '@osago/quotes';

/** After it an application counts as not answered. */
const ANSWER_MS_MAX = 60_000;
/** Applications of one pod that are watched; more would say nothing new. */
const WATCHED_MAX = 20_000;
/** New plans once there is so much more to plan by. */
const GROWTH = 1.1;

interface Watched {
  insurerId: string;
  acceptedAtMs: number;
  /** The age at which it was last seen pending. */
  pendingMs: number;
}

export class PollLearning {
  readonly #everyMs: number;
  /** In the order they were accepted. */
  readonly #watched = new Map<string, Watched>();
  readonly #known = new Map<string, TimeToQuote>();
  #plans: ReadonlyMap<string, PollPlan> = new Map();
  #count = 0;
  #plannedCount = 0;

  /** As many polls as asking every `everyMs` would take. */
  constructor(everyMs: number) {
    this.#everyMs = everyMs;
  }

  /** The reply as it goes on: one that is asked again later says when. */
  posted(insurerId: string, reply: InsurerReply, nowMs: number): InsurerReply {
    if (reply.kind !== 'accepted') return reply;
    if (this.#watched.size < WATCHED_MAX) {
      const key = `${insurerId} ${reply.application_id}`;
      this.#watched.set(key, { insurerId, acceptedAtMs: nowMs, pendingMs: 0 });
    }
    return this.#withPlan(insurerId, reply);
  }

  /** `askedAtMs` is when the poll was sent, `nowMs` when it was answered. */
  polled(insurerId: string, applicationId: string, reply: InsurerReply, at: { askedAtMs: number; nowMs: number }): InsurerReply {
    const key = `${insurerId} ${applicationId}`;
    const watched = this.#watched.get(key);
    switch (reply.kind) {
      case 'pending':
      case 'estimated':
      case 'unknown':
        if (watched !== undefined) watched.pendingMs = at.askedAtMs - watched.acceptedAtMs;
        return this.#withPlan(insurerId, reply);
      case 'skipped':
        return this.#withPlan(insurerId, reply);
      case 'quoted':
      case 'declined':
      case 'needs_data':
      case 'failed':
        if (watched !== undefined) {
          this.#learn(insurerId, watched.pendingMs, at.nowMs - watched.acceptedAtMs);
          this.#watched.delete(key);
        }
        return reply;
      case 'accepted':
      case 'fault':
        return reply;
    }
  }

  #withPlan<T extends object>(insurerId: string, reply: T): T {
    const plan = this.#plans.get(insurerId);
    return plan === undefined ? reply : { ...reply, plan };
  }

  #learn(insurerId: string, fromMs: number, toMs: number): void {
    this.#known.set(insurerId, learned(this.#known.get(insurerId) ?? NOTHING_LEARNED, fromMs, toMs));
    this.#count += 1;
  }

  /** Every few seconds: gives up on what was not answered, and plans anew once enough was learned. */
  replan(nowMs: number): void {
    for (const [key, { insurerId, acceptedAtMs, pendingMs }] of this.#watched) {
      if (nowMs - acceptedAtMs < ANSWER_MS_MAX) break;
      this.#watched.delete(key);
      this.#learn(insurerId, pendingMs, Infinity);
    }
    if (this.#count < this.#plannedCount * GROWTH || this.#count === this.#plannedCount) return;
    this.#plannedCount = this.#count;
    this.#plans = pollPlans(this.#known, this.#everyMs);
  }
}
