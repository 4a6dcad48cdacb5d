/** One leg of a run: what a reply of its insurer leads to. */
import type { InsurerQuote, PublishedStatus } from '@osago/contracts';
import { type FaultKind, type InsurerReply, TRIES_MAX, UNKNOWN_MAX } from './insurer-reply.ts';
import { type AnswerMembers, legEvent, priceMembers } from './leg-events.ts';
import { latePollDelayMs, pollDelayMs, retryDelayMs } from './poll-schedule.ts';
import type { RuleSettings } from './rule-settings.ts';
import {
  type Asked,
  estimatedKopecks,
  lateUntilMs,
  type LegRun,
  type LegStep,
  type RunEffect,
  type RunState,
} from './run-state.ts';
import { validUntil } from './valid-until.ts';

/** The run that the leg belongs to, and the moment. */
export interface At {
  readonly run: Pick<RunState, 'request_id' | 'fence'>;
  readonly nowMs: number;
  /** How long a quote holds. */
  readonly rules: RuleSettings;
}

type ReplyOf<K extends InsurerReply['kind']> = Extract<InsurerReply, { kind: K }>;

/** The input was for another leg, or comes too late to matter. */
export const unchanged = (leg: LegRun): LegStep => ({ leg, effects: [] });

/** Ends the leg's work. A call that is in flight is abandoned. */
export const close = (leg: LegRun): LegStep => {
  const { insurer_id, attempt } = leg;
  const isCalling = leg.phase.kind === 'posting' || leg.phase.kind === 'polling';
  const effects: RunEffect[] = isCalling ? [{ kind: 'abandon', insurer_id, attempt }] : [];
  return { leg: { ...leg, phase: { kind: 'ended' } }, effects };
};

const eventOf = (leg: LegRun, { run, nowMs }: At, status: PublishedStatus, members: AnswerMembers) =>
  legEvent(
    {
      request_id: run.request_id,
      insurer_id: leg.insurer_id,
      name: leg.name,
      attempt: leg.attempt,
      fence: run.fence,
      step: leg.step,
      deadline_at: new Date(leg.deadlineAtMs).toISOString(),
      late: status !== 'timeout' && nowMs >= leg.deadlineAtMs,
    },
    status,
    {
      ...(leg.submittedAtMs !== undefined && {
        submitted_at: new Date(leg.submittedAtMs).toISOString(),
      }),
      ...members,
    },
    nowMs,
  );

/** Publishes how far the leg is. Once it has an outcome, that says more. */
const publishProgress = (
  leg: LegRun,
  at: At,
  status: 'submitted' | 'estimated',
  members: AnswerMembers,
): LegStep => {
  if (leg.outcome !== undefined) return unchanged(leg);
  const event = eventOf(leg, at, status, members);
  return { leg: { ...leg, step: leg.step + 1 }, effects: [{ kind: 'publish', event }] };
};

/** Publishes an outcome and keeps it until it is acknowledged. */
export const publishOutcome = (
  leg: LegRun,
  at: At,
  status: Exclude<PublishedStatus, 'submitted' | 'estimated'>,
  members: AnswerMembers,
): LegStep => {
  const event = eventOf(leg, at, status, members);
  return {
    leg: { ...leg, step: leg.step + 1, outcome: { event, acked: false } },
    effects: [{ kind: 'publish', event }],
  };
};

const concluded = (
  leg: LegRun,
  at: At,
  status: 'quoted' | 'declined' | 'needs_data' | 'error',
  members: AnswerMembers,
): LegStep =>
  publishOutcome({ ...leg, phase: { kind: 'ended' } }, at, status, {
    answered_at: new Date(at.nowMs).toISOString(),
    ...members,
  });

/** The insurer's last word. One that came in the POST itself is also the moment the insurer got it. */
const answered = (
  leg: LegRun,
  at: At,
  status: 'quoted' | 'declined' | 'needs_data',
  members: AnswerMembers,
): LegStep => concluded({ ...leg, submittedAtMs: leg.submittedAtMs ?? at.nowMs }, at, status, members);

/** A quote as the person may rely on it: it holds no longer than the same application would get the same price. */
const boundedQuote = (
  { policyStartDate }: LegRun,
  { rules, nowMs: answeredAtMs }: Pick<At, 'rules' | 'nowMs'>,
  quote: InsurerQuote,
): InsurerQuote => {
  if (policyStartDate === undefined) return quote;
  const { valid_until: insurersUntil } = quote;
  return { ...quote, valid_until: validUntil({ answeredAtMs, policyStartDate, insurersUntil }, rules) };
};

const quoted = (leg: LegRun, at: At, { quote, cached_at }: ReplyOf<'quoted'>): LegStep => {
  const nowMs = cached_at === undefined ? at.nowMs : Date.parse(cached_at);
  return answered(leg, at, 'quoted', {
    ...priceMembers(boundedQuote(leg, { ...at, nowMs }, quote), estimatedKopecks(leg.phase)),
    ...(cached_at !== undefined && { cached_at }),
  });
};

/** A failure is an outcome only in time: after the timeout it adds nothing, and asking ends silently. */
const failed = (leg: LegRun, at: At, members: AnswerMembers): LegStep =>
  leg.outcome === undefined ? concluded(leg, at, 'error', members) : close(leg);

const seedOf = (leg: LegRun, { run }: At): string =>
  `${run.request_id}:${leg.insurer_id}:${leg.attempt}`;

const pollAt = (leg: LegRun, dueAtMs: number, asked: Asked): LegRun => {
  const { application_id, polls, tries, estimate } = asked;
  const known = { application_id, polls, tries, ...(estimate !== undefined && { estimate }) };
  return { ...leg, phase: { kind: 'poll-due', dueAtMs, ...known } };
};

/** What a reply says of the next poll: the insurer's hint, and what was learned of it. */
type ReplyBasis = Pick<ReplyOf<'pending'>, 'plan' | 'retryAfterMs'>;

/** Asks again by the leg's age. */
const pollLater = (leg: LegRun, at: At, asked: Asked, basis: ReplyBasis): LegRun => {
  const seed = seedOf(leg, at);
  const { plan, retryAfterMs: hintMs } = basis;
  const ageMs = at.nowMs - (leg.submittedAtMs ?? at.nowMs);
  const delayMs =
    leg.outcome === undefined
      ? pollDelayMs(seed, asked.polls, { ageMs, ...(plan !== undefined && { plan }), ...(hintMs !== undefined && { hintMs }) })
      : latePollDelayMs(seed, asked.polls);
  return pollAt(leg, at.nowMs + delayMs, asked);
};

const accepted = (leg: LegRun, at: At, reply: ReplyOf<'accepted'>): LegStep => {
  if (leg.phase.kind !== 'posting') return unchanged(leg);
  const asked: Asked = { application_id: reply.application_id, polls: 0, tries: 0 };
  const polling = pollLater({ ...leg, submittedAtMs: at.nowMs }, at, asked, reply);
  return publishProgress(polling, at, 'submitted', {});
};

const pending = (leg: LegRun, at: At, reply: ReplyOf<'pending'>): LegStep => {
  if (leg.phase.kind !== 'polling') return unchanged(leg);
  const asked = { ...leg.phase, polls: leg.phase.polls + 1, tries: 0 };
  return unchanged(pollLater(leg, at, asked, reply));
};

const estimated = (leg: LegRun, at: At, reply: ReplyOf<'estimated'>): LegStep => {
  if (leg.phase.kind !== 'polling') return unchanged(leg);
  const asked = { ...leg.phase, polls: leg.phase.polls + 1, tries: 0 };
  const isNews = leg.outcome === undefined && estimatedKopecks(leg.phase) !== reply.quote.premium_kopecks;
  if (!isNews) return unchanged(pollLater(leg, at, asked, reply));
  const polling = pollLater(leg, at, { ...asked, estimate: reply.quote }, reply);
  return publishProgress(polling, at, 'estimated', priceMembers(boundedQuote(leg, at, reply.quote)));
};

/** A 404 on a poll: asked again, a bounded number of times in a row. */
const unknown = (leg: LegRun, at: At, reply: ReplyOf<'unknown'>): LegStep => {
  if (leg.phase.kind !== 'polling') return unchanged(leg);
  const tries = leg.phase.tries + 1;
  if (tries >= UNKNOWN_MAX) {
    return failed(leg, at, { reason: { code: 'unknown_application' }, retryable: true });
  }
  return unchanged(pollLater(leg, at, { ...leg.phase, polls: leg.phase.polls + 1, tries }, reply));
};

/** A leg that was never asked is over; one that is only to be polled again has time until its deadline. */
const skipped = (leg: LegRun, at: At, { plan, reason }: ReplyOf<'skipped'>): LegStep => {
  if (leg.phase.kind === 'polling') return pending(leg, at, { kind: 'pending', ...(plan !== undefined && { plan }) });
  const ended: LegRun = { ...leg, phase: { kind: 'ended' } };
  return leg.outcome === undefined ? publishOutcome(ended, at, 'skipped', { reason }) : close(leg);
};

/** What the contract of a reason holds: a longer one would make the event unreadable for everybody. */
const MESSAGE_LENGTH_MAX = 500;

const isRetryable = (fault: FaultKind): boolean => fault !== 'rejected';

const faulted = (leg: LegRun, at: At, reply: ReplyOf<'fault'>): LegStep => {
  const { phase } = leg;
  if (phase.kind !== 'posting' && phase.kind !== 'polling') return unchanged(leg);
  // In the late window only what the insurer already works on is still worth asking for.
  if (phase.kind === 'posting' && leg.outcome !== undefined) return close(leg);
  const tries = phase.tries + 1;
  if (tries >= TRIES_MAX[reply.fault]) {
    const reason = { code: reply.fault, message: reply.message.slice(0, MESSAGE_LENGTH_MAX) };
    return failed(leg, at, { reason, retryable: isRetryable(reply.fault) });
  }
  const dueAtMs = at.nowMs + retryDelayMs(seedOf(leg, at), tries, reply.retryAfterMs);
  return unchanged(
    phase.kind === 'posting'
      ? { ...leg, phase: { kind: 'post-due', dueAtMs, tries } }
      : pollAt(leg, dueAtMs, { ...phase, tries }),
  );
};

/** What a reply to the leg's call in flight leads to. A reply that no call waits for changes nothing. */
export const replied = (leg: LegRun, at: At, reply: InsurerReply): LegStep => {
  const isCalling = leg.phase.kind === 'posting' || leg.phase.kind === 'polling';
  if (!isCalling) return unchanged(leg);
  if (at.nowMs >= lateUntilMs(leg)) return close(leg);
  switch (reply.kind) {
    case 'accepted':
      return accepted(leg, at, reply);
    case 'pending':
      return pending(leg, at, reply);
    case 'unknown':
      return unknown(leg, at, reply);
    case 'estimated':
      return estimated(leg, at, reply);
    case 'quoted':
      return quoted(leg, at, reply);
    case 'declined':
    case 'needs_data': {
      const { kind, ...members } = reply;
      return answered(leg, at, kind, members);
    }
    case 'failed':
      return failed(leg, at, { reason: reply.reason ?? { code: 'failed' }, retryable: true });
    case 'skipped':
      return skipped(leg, at, reply);
    case 'fault':
      return faulted(leg, at, reply);
  }
};
