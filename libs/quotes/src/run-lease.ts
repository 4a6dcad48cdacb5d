/**
 * Who drives a run, and when its record may be committed (design §7). A lease holder drives; the owner of the partition
 * keeps the records until their legs are settled, drives what nobody drives, and ends what nobody ended. Redis holds the
 * leases of a partition; every decision about them is here or in the scripts of the run store, which
 * `simulation-redis.ts` says again in TypeScript.
 */
import type { LegEvent, PanelMember } from '@osago/contracts';
import type { Cancel } from './fold.ts';
import { ownerTimeout } from './leg-events.ts';
import type { LegRetry, LegRun } from './run-state.ts';
import { CLOCK_GRACE_MS } from './view.ts';

/** A holder that does not renew for so long, by the clock of Redis, has lost its runs. */
export const LEASE_MS = 1_500;
/** Three renewals fit into a lease. With each, a holder hears the cancels and retries of its runs. */
export const RENEW_MS = 400;
/** From a leg's deadline until the owner of its partition ends it although somebody drives it. */
export const OWNER_GRACE_MS = 2_000;
/** How often the owner looks after a run that another pod drives. */
export const OWNER_LOOK_MS = 1_000;
/** Older than this nothing is published: nobody waits, and `view()` has long ended the request. */
export const ABANDONED_MS = 3_600_000;

/** What a person did to a request after it was submitted, for whoever drives its run. An input of the run, too. */
export type RunCommand =
  | ({ kind: 'cancelled' } & Cancel)
  | { kind: 'retry-asked'; name: string; retry: LegRetry; application_sealed: string };

export const revisionOf = (command: RunCommand): number =>
  command.kind === 'cancelled' ? command.revision : command.retry.revision;

/** One attempt at one insurer, as a record asked for it. */
export interface AskedLeg {
  readonly insurer_id: string;
  readonly name: string;
  readonly attempt: number;
  readonly revision: number;
  readonly deadlineAtMs: number;
}

/** True when the cancel is about this leg: asked before it, and its time was not over. Its answer, if any, stays. */
export const isInReachOf = (cancel: Cancel, leg: Pick<LegRun, 'revision' | 'deadlineAtMs'>): boolean =>
  cancel.revision > leg.revision && cancel.atMs < leg.deadlineAtMs + CLOCK_GRACE_MS;

export const hasAnswer = ({ outcome }: Pick<LegRun, 'outcome'>): boolean =>
  outcome !== undefined && outcome.event.data.status !== 'timeout';

/** True when nothing of the attempt can be lost any more: the record that asked for it has no use. */
const isSettled = (asked: AskedLeg, leg: LegRun | undefined, cancels: readonly Cancel[]): boolean => {
  if (leg !== undefined && leg.attempt > asked.attempt) return true;
  const held = leg?.attempt === asked.attempt ? leg : undefined;
  if (held?.outcome?.acked === true || held?.cancelled === true) return true;
  return cancels.some((cancel) => isInReachOf(cancel, asked)) && (held === undefined || !hasAnswer(held));
};

/** Of what a record asked for, what is not settled by what is known of the run. */
export const openLegs = (
  asked: readonly AskedLeg[],
  legs: ReadonlyMap<string, LegRun> | undefined,
  cancels: readonly Cancel[],
): AskedLeg[] => asked.filter((leg) => !isSettled(leg, legs?.get(leg.insurer_id), cancels));

/** What the owner of a partition knows of a run. */
export interface Look {
  readonly drivenBy: 'this pod' | 'another pod' | 'nobody';
  readonly legs: ReadonlyMap<string, LegRun>;
}

export type OwnerDecision =
  /** Nobody drives it, and there is time. */
  | { kind: 'drive' }
  /** Nobody will end these legs. When the broker has the events, the legs are settled. */
  | { kind: 'end'; legs: readonly AskedLeg[]; events: readonly LegEvent[] }
  | { kind: 'wait'; untilMs: number };

/** A stored answer is published under its own id; where there is none, the leg has timed out. */
const endOfLeg = (requestId: string, asked: AskedLeg, leg: LegRun | undefined): LegEvent =>
  leg?.attempt === asked.attempt && leg.outcome !== undefined
    ? leg.outcome.event
    : ownerTimeout(
        { request_id: requestId },
        { ...asked, deadline_at: new Date(asked.deadlineAtMs).toISOString() },
        asked.attempt,
      );

/**
 * What the owner does about the open legs of a request. `look` is undefined when Redis is away, `awayForMs` long: until
 * a lease has run out, another pod may be driving.
 */
export const decideAsOwner = (
  { requestId, open, look }: { requestId: string; open: readonly AskedLeg[]; look: Look | undefined },
  { nowMs, awayForMs }: { nowMs: number; awayForMs: number },
): OwnerDecision => {
  if (look === undefined && awayForMs < LEASE_MS) return { kind: 'wait', untilMs: nowMs + LEASE_MS - awayForMs };
  const drivenBy = look?.drivenBy ?? 'nobody';
  const graceMs = drivenBy === 'nobody' ? 0 : OWNER_GRACE_MS;
  const due = open.filter((asked) => {
    const leg = look?.legs.get(asked.insurer_id);
    // This pod is publishing it, again and again until the broker takes it.
    const isPublishing = drivenBy === 'this pod' && leg?.attempt === asked.attempt && leg.outcome !== undefined;
    return nowMs >= asked.deadlineAtMs + graceMs && !isPublishing;
  });
  if (due.length > 0) {
    const events = due.map((asked) => endOfLeg(requestId, asked, look?.legs.get(asked.insurer_id)));
    return { kind: 'end', legs: due, events };
  }
  if (drivenBy === 'nobody') return { kind: 'drive' };
  const ends = open.map(({ deadlineAtMs }) => deadlineAtMs + graceMs).filter((endMs) => endMs > nowMs);
  const lookAgainMs = nowMs + OWNER_LOOK_MS;
  return { kind: 'wait', untilMs: drivenBy === 'another pod' ? Math.min(lookAgainMs, ...ends) : Math.min(...ends, nowMs + 60_000) };
};

/**
 * True while a pod may go on with a run: under its lease; without one (Redis is away) only as the owner of the
 * partition, for any other owner drives the run now. What is finished has only late answers to wait for: nobody else
 * does.
 */
export const mayDrive = (
  { leaseUntilMs, isOwner, isFinished }: { leaseUntilMs: number; isOwner: boolean; isFinished: boolean },
  nowMs: number,
): boolean => nowMs < leaseUntilMs || isOwner || isFinished;

/** What a run needs beside its legs, for a pod that never saw its record; stored with the claim, before any leg is. */
export interface RunHead {
  readonly traceparent: string;
  /** As in the submitted event; absent where only a retry was seen, which brings its own. */
  readonly application_sealed?: string;
  /** What the submitted event asked for; absent where only a retry was seen. */
  readonly asked?: { readonly panel: PanelMember[]; readonly policy_start_date: string };
}

/** A run as its new holder gets it. */
export interface Claim {
  readonly fence: number;
  readonly head: RunHead;
  /** As former holders have stored them, by insurer. */
  readonly legs: ReadonlyMap<string, LegRun>;
  /** By revision. Those that are in `legs` already change nothing. */
  readonly commands: readonly RunCommand[];
}

export interface Mail {
  readonly request_id: string;
  readonly command: RunCommand;
}

/** What a pod hears of a partition with each renewal. */
export interface Beat {
  /** The clock of Redis. */
  readonly nowMs: number;
  /** False when the lease that is renewed was not there any more: Redis may have lost this pod's runs. */
  readonly isKept: boolean;
  /** Commands that holders of this partition have not handled yet. */
  readonly mail: readonly Mail[];
  /** Runs whose holder is gone, to be claimed: the first to do so has them. */
  readonly orphans: readonly string[];
}

/** `lost`: Redis does not know the run any more, it wants it whole. `superseded`: a newer holder has it. */
export type Saved = 'saved' | 'lost' | 'superseded';
