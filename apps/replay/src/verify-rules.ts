/**
 * What must hold for every request, whatever happened to it. Each rule takes what the log has of one request and gives
 * the violations that it finds; the rules that need more than one request are in verify-lane.ts.
 */
import { isFinal, isLegEvent, type LegEvent } from '@osago/contracts';
import { CLOCK_GRACE_MS, isVisible, LATE_WINDOW_MS, type RequestState, view, type Visible } from '@osago/quotes';
import { foldAll, type LoggedEvent, placeOf } from './logged-event.ts';

export const RULES = {
  decodable: 'every record is an event of ours',
  'own-place': 'every event is in the topic of its type, under the key of its subject',
  'no-personal-data': 'quotes and errors hold no personal data, keys and headers of no topic do',
  'one-content': 'one event id is one content',
  'one-partition': 'all records of a request are on one partition number',
  'one-request-record': 'every accepted request is on the log, once',
  'one-outcome': 'every leg has one outcome in effect soon after its deadline',
  'asked-only': 'legs are of insurers and attempts that a command asked for, with their deadline',
  'after-deadline': 'after the deadline come timeouts and late answers only, before it neither',
  'late-window': 'nothing is decided after the late window',
  archive: 'the archive has the legs and offsets that the topics have',
} as const;

export type RuleName = keyof typeof RULES;

export interface Violation {
  readonly rule: RuleName;
  readonly request_id?: string;
  /** topic-partition-offset of what breaks the rule, where it is a record. */
  readonly place?: string;
  readonly says: string;
}

/** All events of one request, in the order of their writing; among them its submitted event. */
export interface RequestHistory {
  readonly request_id: string;
  readonly events: readonly LoggedEvent[];
  readonly state: Visible;
}

/** The owner of a partition publishes what is missing 2 s after the deadline; a broker may be away for some seconds. */
const OUTCOME_SLACK_MS = 15_000;

interface Asked {
  readonly attempt: number;
  readonly deadline_at: string;
}

type Rule = (history: RequestHistory, nowMs: number) => Violation[];

export const historyOf = (request_id: string, events: readonly LoggedEvent[]): RequestHistory | undefined => {
  const state: RequestState | undefined = foldAll(events);
  return isVisible(state) ? { request_id, events, state } : undefined;
};

interface LoggedLeg extends LoggedEvent {
  readonly event: LegEvent;
}

const legsOf = ({ events }: RequestHistory): LoggedLeg[] =>
  events.filter((logged): logged is LoggedLeg => isLegEvent(logged.event));

/** Every attempt that a command asked for, by insurer. */
const askedOf = ({ events }: RequestHistory): Map<string, Asked[]> => {
  const asked = new Map<string, Asked[]>();
  const add = (insurer_id: string, attempt: Asked): void => {
    const known = asked.get(insurer_id) ?? [];
    asked.set(insurer_id, [...known.filter((other) => other.attempt !== attempt.attempt), attempt]);
  };
  for (const { event } of events) {
    if (event.type === 'osago.request.submitted.v1') {
      for (const { insurer_id, deadline_at } of event.data.panel) add(insurer_id, { attempt: 1, deadline_at });
    }
    if (event.type === 'osago.leg.retry-asked.v1') {
      const { insurer_id, attempt, deadline_at } = event.data;
      add(insurer_id, { attempt, deadline_at });
    }
  }
  return asked;
};

const violation = (rule: RuleName, { request_id }: RequestHistory, says: string, logged?: LoggedEvent): Violation => ({
  rule,
  request_id,
  ...(logged !== undefined && { place: placeOf(logged) }),
  says,
});

const oneRequestRecord: Rule = (history) => {
  const submitted = history.events.filter(({ event }) => event.type === 'osago.request.submitted.v1');
  const ids = new Set(submitted.map(({ event }) => event.id));
  if (ids.size <= 1) return [];
  return [violation('one-request-record', history, `${ids.size} submitted events with different ids`, submitted.at(-1))];
};

/** The fold leaves one event in effect; this one must be an outcome, unless a cancel has ended the leg. */
const oneOutcome: Rule = (history, nowMs) => {
  const { state } = history;
  const shown = view(state, nowMs);
  return shown.quotes.flatMap((quote) => {
    if (quote.status === 'cancelled') return [];
    if (nowMs < Date.parse(quote.deadline_at) + CLOCK_GRACE_MS + OUTCOME_SLACK_MS) return [];
    const held = state.legs[quote.insurer_id];
    if (held?.attempt === quote.attempt && isFinal(held.status)) return [];
    const last = legsOf(history).findLast(({ event: { data } }) => data.insurer_id === quote.insurer_id);
    const has = last === undefined ? 'nothing' : `${last.event.data.status} of attempt ${last.event.data.attempt}`;
    const says = `${quote.insurer_id} attempt ${quote.attempt} has no outcome, last: ${has}`;
    return [violation('one-outcome', history, says, last)];
  });
};

const askedOnly: Rule = (history) => {
  const asked = askedOf(history);
  return legsOf(history).flatMap((logged) => {
    const { insurer_id, attempt, deadline_at } = logged.event.data;
    const attempts = asked.get(insurer_id);
    if (attempts === undefined) return [violation('asked-only', history, `${insurer_id} is not in the panel`, logged)];
    const known = attempts.find((other) => other.attempt === attempt);
    if (known === undefined) {
      return [violation('asked-only', history, `nobody asked for attempt ${attempt} of ${insurer_id}`, logged)];
    }
    if (Date.parse(known.deadline_at) === Date.parse(deadline_at)) return [];
    return [violation('asked-only', history, `deadline ${deadline_at} instead of ${known.deadline_at}`, logged)];
  });
};

const afterDeadline: Rule = (history) =>
  legsOf(history).flatMap((logged) => {
    const { time, data } = logged.event;
    const isAfter = Date.parse(time) >= Date.parse(data.deadline_at);
    const isRight = data.status === 'timeout' ? isAfter && !data.late : data.late === isAfter;
    if (isRight) return [];
    const says = `${data.insurer_id} ${data.status}, late: ${data.late}, decided ${isAfter ? 'after' : 'before'} its deadline`;
    return [violation('after-deadline', history, says, logged)];
  });

const lateWindow: Rule = (history) =>
  legsOf(history).flatMap((logged) => {
    const { time, data } = logged.event;
    const overMs = Date.parse(time) - Date.parse(data.deadline_at) - LATE_WINDOW_MS;
    if (overMs <= 0) return [];
    return [violation('late-window', history, `${data.insurer_id} ${data.status} ${overMs} ms after the late window`, logged)];
  });

const REQUEST_RULES: readonly Rule[] = [oneRequestRecord, oneOutcome, askedOnly, afterDeadline, lateWindow];

export const violationsOf = (history: RequestHistory, nowMs: number): Violation[] =>
  REQUEST_RULES.flatMap((rule) => rule(history, nowMs));
