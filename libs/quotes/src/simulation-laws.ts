/**
 * What must hold in every simulated life, whatever happened in it. Each law gives the breaches that it finds, in words;
 * an empty list is a life in order. Those that are about pods, leases and records are in `simulation-pod-laws.ts`.
 */
import { isDeepStrictEqual } from 'node:util';
import { decodeEvent, encodeEvent } from '@osago/contracts';
import { type Cancel, fold, type RequestState } from './fold.ts';
import { seededRandom } from './random.ts';
import { isInReachOf } from './run-lease.ts';
import { lateUntilMs } from './run-state.ts';
import { foldRecords, type LogRecord } from './simulation-events.ts';
import { callsOf, isAnswer, type Law, legEventsIn, nameOf, visible } from './simulation-life.ts';
import {
  cancelsStopCallsInASecond,
  everyLegHasItsOutcome,
  knownApplicationsAreNotPostedAgain,
  postsAreNotRepeated,
  recordsAreDoneWhenTheyAreSettled,
  runsAreTakenSoon,
} from './simulation-pod-laws.ts';
import { entriesOf } from './simulation-trace.ts';
import { CLOCK_GRACE_MS, isFinished, view } from './view.ts';

/** For the person: by the last deadline + 1 s everything is final, from what was on the log by then. */
const finishesInTime: Law = ({ trace, lastDeadlineAtMs, shown }) => {
  const endMs = lastDeadlineAtMs + CLOCK_GRACE_MS;
  const early = entriesOf(trace, 'recorded').filter(({ atMs }) => atMs <= endMs);
  const byThen = view(visible(early.map(({ record }) => record)), endMs);
  return [byThen, shown].filter((of) => !isFinished(of)).map(({ status }) => `is ${status} after its end`);
};

/** What is decided after the deadline is a timeout or marked late, and nothing before it is. */
const onlyTimeoutsAndLateAnswersAfterTheDeadline: Law = ({ records }) =>
  legEventsIn(records)
    .filter(({ time, data }) => {
      const isAfter = Date.parse(time) >= Date.parse(data.deadline_at);
      return data.status === 'timeout' ? data.late || !isAfter : data.late !== isAfter;
    })
    .map(({ id, data }) => `${id} is ${data.status}, late: ${data.late}`);

/** Whoever was answered is shown an answer, late if it only came late. */
const answersAreShown: Law = ({ records, shown }) =>
  shown.quotes.flatMap((quote) => {
    const answers = legEventsIn(records)
      .map(({ data }) => data)
      .filter((data) => data.insurer_id === quote.insurer_id && data.attempt === quote.attempt)
      .filter(isAnswer);
    if (answers.length === 0) return isAnswer(quote) ? [`${nameOf(quote)} shows an answer of nobody`] : [];
    const isOneOfThem = answers.some(({ status, late }) => status === quote.status && late === quote.late);
    return isOneOfThem ? [] : [`${nameOf(quote)} does not show its answer`];
  });

/** What Redis holds in the end has reached the log, through every crash. */
const noStoredOutcomeIsLost: Law = ({ trace, records }) => {
  const ids = new Set(records.map(({ event }) => event.id));
  return trace.stored
    .filter((leg) => leg.cancelled !== true && leg.outcome !== undefined && !ids.has(leg.outcome.event.id))
    .map((leg) => `the outcome of ${nameOf(leg)} is lost`);
};

/** No record takes an answer away that was shown for the same attempt. */
const answersStay: Law = ({ records }) => {
  let state: RequestState | undefined;
  return records.flatMap(({ event, offset }) => {
    const before = state?.legs ?? {};
    state = fold(state, event, offset);
    const now = state.legs;
    return Object.values(before)
      .filter(isAnswer)
      .filter(({ attempt, quote }) => {
        const held = now[quote.insurer_id];
        return held === undefined || (held.attempt === attempt && !isAnswer(held));
      })
      .map(({ id }) => `${event.id} took ${id} away`);
  });
};

/** Only what a command asked for is asked: with the number of the attempt goes the idempotency key. */
const onlyWhatWasAskedIsCalled: Law = ({ trace, asked }) => {
  const known = new Set(asked.map(nameOf));
  return callsOf(trace)
    .filter(({ call }) => !known.has(nameOf(call)))
    .map(({ call }) => `${nameOf(call)} was called and never asked for`);
};

/** No POST from the deadline on, and no call at all from the end of the late window on. */
const callsEnd: Law = ({ trace, asked }) =>
  callsOf(trace).flatMap(({ atMs, call }) => {
    const leg = asked.find((of) => nameOf(of) === nameOf(call));
    if (leg === undefined) return [];
    const endMs = call.kind === 'post' ? leg.deadlineAtMs : lateUntilMs(leg);
    return atMs < endMs ? [] : [`${call.kind} of ${nameOf(call)} ${atMs - endMs} ms after its end`];
  });

/** An executor that has heard a cancel asks nobody whom it ended. */
const nobodyIsAskedAfterACancel: Law = ({ trace, asked }) => {
  const heard = new Map<string, Cancel[]>();
  return entriesOf(trace, 'stepped').flatMap(({ pod, fence, input, effects }) => {
    const by = `${pod} ${fence}`;
    if (input.kind === 'cancelled') heard.set(by, [...(heard.get(by) ?? []), input]);
    const cancels = heard.get(by) ?? [];
    return effects.flatMap((effect) => {
      if (effect.kind !== 'post' && effect.kind !== 'poll') return [];
      const leg = asked.find((of) => nameOf(of) === nameOf(effect));
      const isEnded = leg !== undefined && cancels.some((cancel) => isInReachOf(cancel, leg));
      return isEnded ? [`${effect.kind} of ${nameOf(leg)} after the cancel`] : [];
    });
  });
};

/** A run that is over has no effects any more, unless a retry opens it again. */
const overIsOver: Law = ({ trace }) =>
  entriesOf(trace, 'stepped')
    .filter(({ wasOver, input, effects }) => wasOver && input.kind !== 'retry-asked' && effects.length > 0)
    .map(({ input }) => `${input.kind} moved a run that was over`);

/**
 * By the schedule a poll comes 480 ms after the call before it at the earliest, 160 ms where the insurer hints so, 8 s
 * in the late window; a reply that comes twice, or a zombie, may bring one more.
 */
const pollsAreBounded: Law = ({ trace }) => {
  const polls = new Map<string, number>();
  for (const { by, call } of callsOf(trace)) {
    if (call.kind !== 'poll') continue;
    const name = `${nameOf(call)} by ${by}`;
    polls.set(name, (polls.get(name) ?? 0) + 1);
  }
  return [...polls].filter(([, count]) => count > POLLS_MAX).map(([name, count]) => `${name}: ${count} polls`);
};
const POLLS_MAX = 60_000 / 160 + 120_000 / 8_000;

/** The log is what the contracts say, so that nothing of it becomes a dead letter. */
const everyEventKeepsItsContract: Law = ({ records }) =>
  legEventsIn(records).flatMap((event) => {
    const decoded = decodeEvent(encodeEvent(event));
    if (!decoded.ok) return [`${event.id}: ${decoded.reason}`];
    return isDeepStrictEqual(decoded.event, event) ? [] : [`${event.id} is another after a round trip`];
  });

/** One id is one content. */
const idsAreNotReused: Law = ({ records }) => {
  const byId = new Map<string, string>();
  return records.flatMap(({ event }) => {
    const content = JSON.stringify(event);
    const known = byId.get(event.id) ?? content;
    byId.set(event.id, known);
    return known === content ? [] : [`${event.id} has two contents`];
  });
};

/** Every pod agrees, in whatever order it reads the topics and however often. */
const everyReadingAgrees: Law = ({ trace, records, state }) => {
  const random = seededRandom(`readings of ${trace.seed}`);
  const shuffled = (): LogRecord[] =>
    [...records, ...records.filter(() => random.chance(0.3))]
      .map((record) => ({ record, turn: random.unit() }))
      .sort((a, b) => a.turn - b.turn)
      .map(({ record }) => record);
  return [1, 2, 3]
    .filter(() => !isDeepStrictEqual(foldRecords(shuffled()), state))
    .map((reading) => `reading ${reading} gives another state`);
};

export const LAWS = {
  'is finished for the person one second after its last deadline': finishesInTime,
  'has the outcome of every leg on the log by its deadline + 2 s': everyLegHasItsOutcome,
  'decides after the deadline nothing but timeouts and late answers': onlyTimeoutsAndLateAnswersAfterTheDeadline,
  'shows an answer wherever one came, as late if it came late': answersAreShown,
  'loses no outcome that was stored': noStoredOutcomeIsLost,
  'never takes an answer away': answersStay,
  'commits a record when what it asked for is settled, and every record in the end': recordsAreDoneWhenTheyAreSettled,
  'posts once, unless the last POST was a fault or in doubt': postsAreNotRepeated,
  'posts nothing again where the id of the insurer is stored': knownApplicationsAreNotPostedAgain,
  'is driven again two seconds after a crash where a peer is there': runsAreTakenSoon,
  'calls only for attempts that a command asked for': onlyWhatWasAskedIsCalled,
  'posts nothing after the deadline and calls nobody after the late window': callsEnd,
  'asks nobody whom a cancel has ended': nobodyIsAskedAfterACancel,
  'stops calling within a second of a cancel, whoever drives': cancelsStopCallsInASecond,
  'does nothing when it is over': overIsOver,
  'polls a bounded number of times': pollsAreBounded,
  'publishes what the contracts say': everyEventKeepsItsContract,
  'gives one id to one content': idsAreNotReused,
  'reads the same in any order, with any repetition': everyReadingAgrees,
} as const satisfies Record<string, Law>;

export type LawName = keyof typeof LAWS;
export const LAW_NAMES = Object.keys(LAWS) as LawName[];
