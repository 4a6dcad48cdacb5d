/**
 * The ways to poll that bench:aggregator compares. Each leg has one of them, by a hash of the insurer's id for it: all are
 * tried at the same time, at the same insurers, by the same pods.
 */
import { type InsurerReply, type PollPlan, pollDelayMs, fraction } from '@osago/quotes';
import { PollLearning } from '../apps/osago-aggregator/src/poll-learning.ts';
import type { Profile } from '../apps/insurer-simulator/src/profile.ts';
import { askingsOf, type InsurersSettings, planOf } from './aggregator-market.ts';

/** `hinted`: learned too, but the insurer says with each pending answer to come back after so long. */
export interface Polling {
  kind: 'learned' | 'fixed' | 'hinted';
  everyMs: number;
}

export const nameOf = ({ kind, everyMs }: Polling): string => `${kind} ${everyMs / 1_000} s`;

export const armOf = <T>(arms: readonly T[], applicationId: string): T => {
  const arm = arms[Math.floor(fraction(applicationId) * arms.length)];
  if (arm === undefined) throw new Error('there is nothing to choose from');
  return arm;
};

/** One gap at every age. */
const fixedPlan = (everyMs: number): PollPlan => ({ gapsMs: [everyMs], stepMs: everyMs });

const MINUTE_MS = 60_000;

export interface PollCounts {
  /** Applications accepted, and polls that were sent within a minute of it. */
  asked: number;
  polls: number;
}

/** Learns from the legs that are polled by what is learned, as a pod does; the others get their fixed plan. */
export class ComparedPolling extends PollLearning {
  /** By insurer and way to poll. */
  readonly counts = new Map<string, PollCounts>();
  readonly #arms: readonly Polling[];
  readonly #acceptedAtMs = new Map<string, number>();

  constructor(arms: readonly Polling[]) {
    super(arms.find(({ kind }) => kind === 'learned')?.everyMs ?? MINUTE_MS);
    this.#arms = arms;
  }

  override posted(insurerId: string, reply: InsurerReply, nowMs: number): InsurerReply {
    if (reply.kind !== 'accepted') return reply;
    const arm = armOf(this.#arms, reply.application_id);
    this.#acceptedAtMs.set(reply.application_id, nowMs);
    this.#countsOf(insurerId, arm).asked += 1;
    return arm.kind === 'learned' ? super.posted(insurerId, reply, nowMs) : planned(reply, arm);
  }

  override polled(insurerId: string, applicationId: string, reply: InsurerReply, at: { askedAtMs: number; nowMs: number }): InsurerReply {
    const arm = armOf(this.#arms, applicationId);
    const ageMs = at.askedAtMs - (this.#acceptedAtMs.get(applicationId) ?? 0);
    if (reply.kind !== 'skipped' && ageMs < MINUTE_MS) this.#countsOf(insurerId, arm).polls += 1;
    return arm.kind === 'learned' ? super.polled(insurerId, applicationId, reply, at) : planned(reply, arm);
  }

  #countsOf(insurerId: string, arm: Polling): PollCounts {
    const name = `${insurerId} ${nameOf(arm)}`;
    const counts = this.counts.get(name) ?? { asked: 0, polls: 0 };
    this.counts.set(name, counts);
    return counts;
  }
}

/** Learns as a pod does, and asks at a fixed interval all the same: then it makes the calls that a bare loop makes. */
export class EvenPolling extends PollLearning {
  readonly #arm: Polling;

  constructor(everyMs: number) {
    super(everyMs);
    this.#arm = { kind: 'fixed', everyMs };
  }

  override posted(...learned: Parameters<PollLearning['posted']>): InsurerReply {
    return planned(super.posted(...learned), this.#arm);
  }

  override polled(...learned: Parameters<PollLearning['polled']>): InsurerReply {
    return planned(super.polled(...learned), this.#arm);
  }
}

const planned = (reply: InsurerReply, { kind, everyMs }: Polling): InsurerReply => {
  switch (reply.kind) {
    case 'accepted':
    case 'pending':
    case 'estimated':
      return kind === 'hinted' ? { ...reply, retryAfterMs: everyMs } : { ...reply, plan: fixedPlan(everyMs) };
    case 'unknown':
    case 'skipped':
      return { ...reply, plan: fixedPlan(everyMs) };
    case 'quoted':
    case 'declined':
    case 'needs_data':
    case 'failed':
    case 'fault':
      return reply;
  }
};

/** Plans are made anew after so many lessons. */
const LESSONS_PER_PLAN = 50;

/**
 * What a pod has learned that has asked for a while: it is told of so many applications of each insurer, one after the
 * other, with the polls that it would itself have made.
 */
export const teach = (
  learning: PollLearning,
  profiles: readonly Profile[],
  { insurers, count, callMs }: { insurers: Pick<InsurersSettings, 'seed' | 'speed'>; count: number; callMs: number },
): void => {
  const startedMs = performance.now() - 2 * MINUTE_MS;
  for (const [lesson, asking] of askingsOf('lesson', count).entries()) {
    for (const profile of profiles) {
      if (profile.sync) continue;
      const { insurer_id } = profile;
      const { applicationId, readyAtMs } = planOf(insurers, profile, asking, startedMs);
      let nowMs = startedMs + callMs;
      let reply = learning.posted(insurer_id, { kind: 'accepted', application_id: applicationId }, nowMs);
      for (let polls = 0; nowMs < startedMs + MINUTE_MS; polls += 1) {
        const plan = 'plan' in reply ? reply.plan : undefined;
        const askedAtMs = nowMs + pollDelayMs(applicationId, polls, { ageMs: nowMs - startedMs, ...(plan !== undefined && { plan }) });
        const isReady = askedAtMs >= readyAtMs;
        nowMs = askedAtMs + callMs;
        reply = learning.polled(insurer_id, applicationId, isReady ? { kind: 'declined' } : { kind: 'pending' }, { askedAtMs, nowMs });
        if (isReady) break;
      }
    }
    if (lesson % LESSONS_PER_PLAN === LESSONS_PER_PLAN - 1) learning.replan(performance.now());
  }
};
