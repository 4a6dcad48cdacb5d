/** The state of a run and of its legs, and what may happen to it. Plain data: it is stored as JSON between two steps. */
import type { InsurerQuote, LegEvent, LegRetryAsked, RequestSubmitted } from '@osago/contracts';
import type { Cancel } from './fold.ts';
import type { InsurerReply } from './insurer-reply.ts';
import { LATE_WINDOW_MS } from './view.ts';

export type Phase =
  /** To be POSTed at `dueAtMs`; `tries` counts those that failed. */
  | { kind: 'post-due'; dueAtMs: number; tries: number }
  | { kind: 'posting'; tries: number }
  | ({ kind: 'poll-due'; dueAtMs: number } & Asked)
  | ({ kind: 'polling' } & Asked)
  | { kind: 'ended' };

/** What is known once the insurer gave its own id. `tries` counts failed polls in a row. */
export interface Asked {
  application_id: string;
  polls: number;
  tries: number;
  estimate?: InsurerQuote;
}

export interface Outcome {
  event: LegEvent;
  /** True once the broker has acknowledged it. */
  acked: boolean;
}

export interface LegRun {
  readonly insurer_id: string;
  readonly name: string;
  readonly attempt: number;
  /** The revision of the request that asked for it: a cancel of a higher one stops it. */
  readonly revision: number;
  readonly deadlineAtMs: number;
  /** No quote holds beyond the start of its policy. Absent in a leg that an older version stored. */
  readonly policyStartDate?: string;
  /** The number of its next event. */
  readonly step: number;
  readonly phase: Phase;
  readonly submittedAtMs?: number;
  readonly outcome?: Outcome;
  readonly cancelled?: true;
}

export interface RunState {
  readonly request_id: string;
  readonly fence: number;
  /** In the panel's order. */
  readonly legs: readonly LegRun[];
}

export type RunInput =
  /** Time has come for something: {@link nextWakeAtMs}. Also the first input of a run, new or resumed. */
  | { kind: 'tick' }
  | { kind: 'replied'; insurer_id: string; attempt: number; reply: InsurerReply }
  | { kind: 'acked'; event_id: string }
  | ({ kind: 'cancelled' } & Cancel)
  /** `name` is for an insurer that the run has no leg of: the event is self-contained, the run may be forgotten. */
  | { kind: 'retry-asked'; name: string; retry: LegRetry };

export type LegRetry = Omit<LegRetryAsked, 'tariff' | 'application_sealed'> & { policy_start_date?: string };

export type RunEffect =
  | { kind: 'post'; insurer_id: string; attempt: number }
  | { kind: 'poll'; insurer_id: string; attempt: number; application_id: string }
  /** The call in flight, if any, is of no use any more: its socket is freed. */
  | { kind: 'abandon'; insurer_id: string; attempt: number }
  | { kind: 'publish'; event: LegEvent };

export interface RunStep {
  readonly run: RunState;
  readonly effects: readonly RunEffect[];
}

export interface LegStep {
  readonly leg: LegRun;
  readonly effects: readonly RunEffect[];
}

export const lateUntilMs = (leg: Pick<LegRun, 'deadlineAtMs'>): number =>
  leg.deadlineAtMs + LATE_WINDOW_MS;

/** Whom a request asks. */
export type Panel = Pick<RequestSubmitted, 'request_id' | 'revision' | 'panel'> & { policyStartDate?: string | undefined };

/** A new run: every leg is due at once. */
export const startRun = (
  { request_id, revision, panel, policyStartDate }: Panel,
  fence: number,
  nowMs: number,
): RunState => ({
  request_id,
  fence,
  legs: panel.map(({ insurer_id, name, deadline_at }) => ({
    insurer_id,
    name,
    attempt: 1,
    revision,
    deadlineAtMs: Date.parse(deadline_at),
    ...(policyStartDate !== undefined && { policyStartDate }),
    step: 1,
    phase: { kind: 'post-due', dueAtMs: nowMs, tries: 0 },
  })),
});

const isPolled = ({ kind }: Phase): boolean => kind === 'poll-due' || kind === 'polling';

const applicationIdOf = (phase: Phase): string => ('application_id' in phase ? phase.application_id : '');

/** The price that was shown as an estimate; undefined when none was. */
export const estimatedKopecks = (phase: Phase): number | undefined =>
  'estimate' in phase ? phase.estimate.premium_kopecks : undefined;

/** True where all is equal that must survive a crash: not the next poll time. */
const isStoredAlike = (old: LegRun, leg: LegRun): boolean =>
  old.attempt === leg.attempt &&
  (old.phase.kind === leg.phase.kind || (isPolled(old.phase) && isPolled(leg.phase))) &&
  applicationIdOf(old.phase) === applicationIdOf(leg.phase) &&
  estimatedKopecks(old.phase) === estimatedKopecks(leg.phase) &&
  old.outcome?.event.id === leg.outcome?.event.id &&
  old.outcome?.acked === leg.outcome?.acked &&
  old.cancelled === leg.cancelled;

/** The legs that must be stored before the step that changed them is carried out. A lost poll is asked again. */
export const legsToStore = (before: RunState, after: RunState): LegRun[] =>
  after.legs.filter((leg, at) => {
    const old = before.legs[at];
    return old === undefined || (old !== leg && !isStoredAlike(old, leg));
  });

/** When `tick` is wanted next; undefined when only replies and acks can move the run. */
export const nextWakeAtMs = (run: RunState): number | undefined => {
  let earliest = Infinity;
  for (const leg of run.legs) {
    if (leg.phase.kind === 'ended') continue;
    const endMs = leg.outcome === undefined ? leg.deadlineAtMs : lateUntilMs(leg);
    earliest = Math.min(earliest, endMs, 'dueAtMs' in leg.phase ? leg.phase.dueAtMs : Infinity);
  }
  return earliest === Infinity ? undefined : earliest;
};

/** True when every leg is: nothing of the run can be lost any more. */
export const isRunFinished = (run: RunState): boolean =>
  run.legs.every((leg) => leg.cancelled === true || leg.outcome?.acked === true);

/** True when nothing is left to do, late answers included. */
export const isRunOver = (run: RunState): boolean =>
  isRunFinished(run) && run.legs.every((leg) => leg.phase.kind === 'ended');
