/** An insurer behind its gate: what may not be asked, or not in time, is `skipped` with the reason. */
import type { InsurerReply } from '@osago/quotes';
import type { CallOptions, Insurer, PostCall } from './insurer.ts';
import type { InsurerGate } from './insurer-gate.ts';
import type { PollLearning } from './poll-learning.ts';

export type CallName = 'post' | 'poll';
export type Observe = (call: CallName, reply: InsurerReply, seconds: number) => void;

/** How much one call weighs in what a call usually takes. */
const USUAL_WEIGHT = 0.1;

export interface GuardedInsurerDeps {
  inner: Insurer;
  gate: InsurerGate;
  learning: PollLearning;
  observe: Observe;
}

export class GuardedInsurer implements Insurer {
  readonly #inner: Insurer;
  readonly #gate: InsurerGate;
  readonly #learning: PollLearning;
  readonly #insurerId: string;
  readonly #observe: Observe;
  /** How long a call that is answered usually takes: one that would end after its deadline is not started. */
  readonly #usualMs: Record<CallName, number> = { post: 0, poll: 0 };

  constructor(deps: GuardedInsurerDeps, insurerId: string) {
    this.#inner = deps.inner;
    this.#gate = deps.gate;
    this.#learning = deps.learning;
    this.#observe = deps.observe;
    this.#insurerId = insurerId;
  }

  async post(call: PostCall, options: CallOptions): Promise<InsurerReply> {
    const reply = await this.#guard('post', options, () => this.#inner.post(call, options));
    return this.#learning.posted(this.#insurerId, reply, performance.now());
  }

  async poll(applicationId: string, options: CallOptions): Promise<InsurerReply> {
    let askedAtMs = performance.now();
    const reply = await this.#guard('poll', options, () => {
      askedAtMs = performance.now();
      return this.#inner.poll(applicationId, options);
    });
    return this.#learning.polled(this.#insurerId, applicationId, reply, { askedAtMs, nowMs: performance.now() });
  }

  async #guard(name: CallName, options: CallOptions, call: () => Promise<InsurerReply>): Promise<InsurerReply> {
    const { signal, startByMs, isLate = false } = options;
    const latestStartMs = startByMs - this.#usualMs[name];
    const admission = await this.#gate.admit({ isPost: name === 'post', isLate, latestStartMs, signal });
    if (!admission.ok) return { kind: 'skipped', reason: { code: admission.refusal } };
    const startedAtMs = performance.now();
    let reply: InsurerReply | undefined;
    try {
      reply = await call();
    } finally {
      admission.pass.done(signal.aborted ? undefined : reply);
    }
    const tookMs = performance.now() - startedAtMs;
    if (!signal.aborted) {
      this.#observe(name, reply, tookMs / 1_000);
      if (reply.kind !== 'fault') this.#usualMs[name] += USUAL_WEIGHT * (tookMs - this.#usualMs[name]);
    }
    return reply;
  }
}
