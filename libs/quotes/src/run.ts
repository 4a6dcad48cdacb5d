/**
 * The aggregator's work on one request, as a pure function: `step(run, input, nowMs)` gives the next run and the effects
 * that an executor carries out. Each leg goes post → poll → ended; its outcome is kept in the run, stored before it is
 * published, and published again until it is acknowledged. After the deadline a leg is asked on, seldom, until the late
 * window ends; that never holds the run: it is finished when every leg has an acknowledged outcome or was cancelled.
 */
import type { Cancel } from './fold.ts';
import { DEFAULT_RULE_SETTINGS, type RuleSettings } from './rule-settings.ts';
import { hasAnswer, isInReachOf } from './run-lease.ts';
import { type At, close, publishOutcome, replied, unchanged } from './run-leg.ts';
import {
  lateUntilMs,
  type LegRetry,
  type LegRun,
  type LegStep,
  type Panel,
  type Phase,
  type RunEffect,
  type RunInput,
  type RunState,
  type RunStep,
  startRun,
} from './run-state.ts';

const resumedPhase = ({ phase, outcome }: LegRun, nowMs: number): Phase => {
  switch (phase.kind) {
    case 'posting':
      // In doubt: the insurer may have it. The idempotency key is the same, so asking again is safe. Not after the
      // timeout: a POST then would start work that nobody waits for.
      return outcome === undefined
        ? { kind: 'post-due', dueAtMs: nowMs, tries: phase.tries }
        : { kind: 'ended' };
    case 'polling':
      return { ...phase, kind: 'poll-due', dueAtMs: nowMs };
    case 'post-due':
    case 'poll-due':
    case 'ended':
      return phase;
  }
};

/** A run taken over from its stored legs under a new fence. An outcome that was not acknowledged is published first. */
export const resumeRun = (stored: RunState, fence: number, nowMs: number): RunStep => {
  const legs = stored.legs.map((leg) => ({ ...leg, phase: resumedPhase(leg, nowMs) }));
  const effects = legs.flatMap(({ outcome }): RunEffect[] =>
    outcome !== undefined && !outcome.acked ? [{ kind: 'publish', event: outcome.event }] : [],
  );
  return { run: { ...stored, fence, legs }, effects };
};

/**
 * A run for its next holder: as far as former ones have stored it. A leg of `panel` that nobody stored begins anew; a
 * holder that has no record of the run names no panel, and goes on with what is stored.
 */
export const beginRun = (
  asked: Panel,
  stored: ReadonlyMap<string, LegRun>,
  fence: number,
  nowMs: number,
): RunStep => {
  const fresh = startRun(asked, fence, nowMs);
  const ofPanel = new Set(fresh.legs.map(({ insurer_id }) => insurer_id));
  const others = [...stored.values()].filter(({ insurer_id }) => !ofPanel.has(insurer_id));
  const legs = [...fresh.legs.map((leg) => stored.get(leg.insurer_id) ?? leg), ...others];
  return resumeRun({ ...fresh, legs }, fence, nowMs);
};

const isExpired = ({ deadlineAtMs, outcome, phase }: LegRun, { nowMs }: At): boolean =>
  nowMs >= deadlineAtMs && phase.kind !== 'ended' && outcome === undefined;

/** At the deadline a leg without outcome times out, whatever came at that moment; then the input is looked at. */
const expireLeg = (leg: LegRun, at: At): LegStep => {
  if (!isExpired(leg, at)) return unchanged(leg);
  const timedOut = publishOutcome(leg, at, 'timeout', {});
  // What was never asked cannot be answered late.
  return leg.phase.kind === 'post-due'
    ? { leg: close(timedOut.leg).leg, effects: timedOut.effects }
    : timedOut;
};

const tickLeg = (leg: LegRun, nowMs: number): LegStep => {
  if (leg.phase.kind === 'ended') return unchanged(leg);
  if (nowMs >= lateUntilMs(leg)) return close(leg);
  const { insurer_id, attempt, phase } = leg;
  if (phase.kind === 'post-due' && nowMs >= phase.dueAtMs) {
    const posting: LegRun = { ...leg, phase: { kind: 'posting', tries: phase.tries } };
    return { leg: posting, effects: [{ kind: 'post', insurer_id, attempt }] };
  }
  if (phase.kind === 'poll-due' && nowMs >= phase.dueAtMs) {
    const { dueAtMs: _due, ...asked } = phase;
    const polling: LegRun = { ...leg, phase: { ...asked, kind: 'polling' } };
    const { application_id } = phase;
    return { leg: polling, effects: [{ kind: 'poll', insurer_id, attempt, application_id }] };
  }
  return unchanged(leg);
};

/** Design §2, as `view()` reads it: only a leg that was asked before, has no answer and whose time is not over. */
const cancelLeg = (leg: LegRun, cancel: Cancel): LegStep => {
  if (!isInReachOf(cancel, leg) || hasAnswer(leg)) return unchanged(leg);
  const closed = close(leg);
  return { leg: { ...closed.leg, cancelled: true }, effects: closed.effects };
};

const retriedLeg = (name: string, { deadline_at, policy_start_date, ...asked }: LegRetry, nowMs: number): LegRun => ({
  insurer_id: asked.insurer_id,
  name,
  attempt: asked.attempt,
  revision: asked.revision,
  deadlineAtMs: Date.parse(deadline_at),
  ...(policy_start_date !== undefined && { policyStartDate: policy_start_date }),
  step: 1,
  phase: { kind: 'post-due', dueAtMs: nowMs, tries: 0 },
});

const retryLeg = (leg: LegRun, retry: LegRetry, nowMs: number): LegStep =>
  retry.attempt <= leg.attempt
    ? unchanged(leg)
    : { leg: retriedLeg(leg.name, retry, nowMs), effects: close(leg).effects };

const ackLeg = (leg: LegRun, eventId: string): LegStep =>
  leg.outcome?.event.id === eventId
    ? { leg: { ...leg, outcome: { ...leg.outcome, acked: true } }, effects: [] }
    : unchanged(leg);

const stepLeg = (leg: LegRun, at: At, input: RunInput): LegStep => {
  switch (input.kind) {
    case 'tick':
      return tickLeg(leg, at.nowMs);
    case 'replied': {
      const isItsCall = input.insurer_id === leg.insurer_id && input.attempt === leg.attempt;
      return isItsCall ? replied(leg, at, input.reply) : unchanged(leg);
    }
    case 'acked':
      return ackLeg(leg, input.event_id);
    case 'cancelled':
      return cancelLeg(leg, input);
    case 'retry-asked':
      return input.retry.insurer_id === leg.insurer_id
        ? retryLeg(leg, input.retry, at.nowMs)
        : unchanged(leg);
  }
};

/** Most inputs are about one leg of ten. */
const concerns = (input: RunInput, { insurer_id, outcome, phase }: LegRun): boolean => {
  switch (input.kind) {
    case 'replied':
      return input.insurer_id === insurer_id;
    case 'acked':
      return input.event_id === outcome?.event.id;
    case 'tick':
      return phase.kind !== 'ended';
    case 'cancelled':
    case 'retry-asked':
      return true;
  }
};

/** Never throws; an input that does not fit the state (stale, repeated) changes nothing. */
export const step = (run: RunState, input: RunInput, nowMs: number, rules: RuleSettings = DEFAULT_RULE_SETTINGS): RunStep => {
  const at: At = { run, nowMs, rules };
  const effects: RunEffect[] = [];
  const legs = run.legs.map((leg) => {
    if (!concerns(input, leg) && !isExpired(leg, at)) return leg;
    const expired = expireLeg(leg, at);
    const stepped = stepLeg(expired.leg, at, input);
    effects.push(...expired.effects, ...stepped.effects);
    return stepped.leg;
  });
  const isNew = input.kind === 'retry-asked' && !run.legs.some((leg) => leg.insurer_id === input.retry.insurer_id);
  if (isNew) legs.push(retriedLeg(input.name, input.retry, nowMs));
  return { run: { ...run, legs }, effects };
};
