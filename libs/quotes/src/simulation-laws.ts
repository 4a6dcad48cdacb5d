/**
 * What must hold in every simulated life, whatever happened in it. Each law gives the breaches that it finds, in words;
 * an empty list is a life in order.
 */
import { isDeepStrictEqual } from 'node:util';
import { decodeEvent, encodeEvent, isLegEvent, type LegEvent, type Quote } from '@osago/contracts';
import { fold, type RequestState } from './fold.ts';
import { seededRandom } from './random.ts';
import { isRunOver, lateUntilMs } from './run-state.ts';
import { foldRecords, type LogRecord } from './simulation-events.ts';
import { PUBLISH_AGAIN_MS_MAX, PUBLISH_FAILS_MAX } from './simulation-executor.ts';
import { entriesOf, type Trace } from './simulation-trace.ts';
import { CLOCK_GRACE_MS, isFinished, isVisible, view, type View, type Visible } from './view.ts';

/** An attempt at a leg, as its command asked for it. */
interface Asked {
  insurer_id: string;
  attempt: number;
  revision: number;
  deadlineAtMs: number;
}

/** A life, with what several laws look at. */
export interface Life {
  readonly trace: Trace;
  readonly records: readonly LogRecord[];
  readonly asked: readonly Asked[];
  readonly lastDeadlineAtMs: number;
  readonly state: Visible;
  /** After everything. */
  readonly shown: View;
}

export type Law = (life: Life) => string[];

const ANSWERS: readonly string[] = ['quoted', 'declined', 'needs_data'];
const isAnswer = ({ status }: Pick<Quote, 'status'>): boolean => ANSWERS.includes(status);
const nameOf = ({ insurer_id, attempt }: Pick<Asked, 'insurer_id' | 'attempt'>): string =>
  `${insurer_id} #${attempt}`;

const visible = (records: readonly LogRecord[]): Visible => {
  const state = foldRecords(records);
  if (!isVisible(state)) throw new Error('the submitted event is the first on the log');
  return state;
};

const askedBy = (records: readonly LogRecord[]): Asked[] =>
  records.flatMap(({ event }): Asked[] => {
    if (event.type === 'osago.request.submitted.v1') {
      return event.data.panel.map(({ insurer_id, deadline_at }) => ({
        insurer_id,
        attempt: 1,
        revision: 1,
        deadlineAtMs: Date.parse(deadline_at),
      }));
    }
    if (event.type !== 'osago.leg.retry-asked.v1') return [];
    const { insurer_id, attempt, revision, deadline_at } = event.data;
    return [{ insurer_id, attempt, revision, deadlineAtMs: Date.parse(deadline_at) }];
  });

export const lifeOf = (trace: Trace): Life => {
  const records = entriesOf(trace, 'recorded').map(({ record }) => record);
  const state = visible(records);
  const asked = askedBy(records);
  const lastDeadlineAtMs = Math.max(...asked.map(({ deadlineAtMs }) => deadlineAtMs));
  return { trace, records, asked, lastDeadlineAtMs, state, shown: view(state, trace.endedAtMs) };
};

const legEventsIn = (records: readonly LogRecord[]): LegEvent[] =>
  records.map(({ event }) => event).filter(isLegEvent);

/** Every step and take-over, with the calls or events that it asks for. */
const effectsOf = (trace: Trace) =>
  trace.entries.flatMap((entry) =>
    entry.kind === 'stepped' || entry.kind === 'started' || entry.kind === 'resumed'
      ? entry.effects.map((effect) => ({ atMs: entry.atMs, fence: entry.fence, effect }))
      : [],
  );

const callsOf = (trace: Trace) =>
  effectsOf(trace).flatMap(({ atMs, fence, effect }) =>
    effect.kind === 'post' || effect.kind === 'poll' ? [{ atMs, fence, call: effect }] : [],
  );

/** For the person: by the last deadline + 1 s everything is final, from what was on the log by then. */
const finishesInTime: Law = ({ trace, lastDeadlineAtMs, shown }) => {
  const endMs = lastDeadlineAtMs + CLOCK_GRACE_MS;
  const early = entriesOf(trace, 'recorded').filter(({ atMs }) => atMs <= endMs);
  const byThen = view(visible(early.map(({ record }) => record)), endMs);
  return [byThen, shown].filter((of) => !isFinished(of)).map(({ status }) => `is ${status} after its end`);
};

/** Slack for a broker that fails, for the hand-over of an input, and for the store. */
const PUBLISH_SLACK_MS = PUBLISH_FAILS_MAX * (PUBLISH_AGAIN_MS_MAX + 30) + 100;

/** On the log: each leg that nobody cancelled or asked again has its outcome by its deadline + 2 s. */
const everyLegHasItsOutcome: Law = ({ trace, asked, state }) =>
  asked.flatMap((leg) => {
    const isStopped = state.cancels.some(({ revision }) => revision > leg.revision);
    const isReplaced = asked.some((other) => other.insurer_id === leg.insurer_id && other.attempt > leg.attempt);
    if (isStopped || isReplaced) return [];
    const first = entriesOf(trace, 'recorded').find(({ record: { event } }) => {
      if (!isLegEvent(event) || !event.data.final) return false;
      return event.data.insurer_id === leg.insurer_id && event.data.attempt === leg.attempt;
    });
    if (first === undefined) return [`${nameOf(leg)} has no outcome on the log`];
    const limitMs = leg.deadlineAtMs + 2_000 + PUBLISH_SLACK_MS;
    const isExcused = trace.entries.some(
      ({ kind, atMs }) => kind === 'crashed' && atMs >= leg.deadlineAtMs - 500 && atMs <= first.atMs,
    );
    return first.atMs <= limitMs || isExcused ? [] : [`${nameOf(leg)} has its outcome too late`];
  });

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

/** What a step has decided and stored reaches the log, through every crash. */
const noStoredOutcomeIsLost: Law = ({ trace, records }) => {
  const ids = new Set(records.map(({ event }) => event.id));
  return trace.stored.legs
    .filter((leg) => leg.cancelled !== true)
    .filter(({ outcome }) => outcome === undefined || !ids.has(outcome.event.id))
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
      .filter(({ data }) => isAnswer(data))
      .filter(({ data }) => {
        const held = now[data.insurer_id]?.data;
        return held === undefined || (held.attempt === data.attempt && !isAnswer(held));
      })
      .map(({ id }) => `${event.id} took ${id} away`);
  });
};

/** A POST is repeated only where the last one was a fault, or in doubt after a take-over. Always for what was asked. */
const postsAreNotRepeated: Law = ({ trace, asked }) =>
  asked.flatMap((leg) => {
    const posts = callsOf(trace).filter(
      ({ call }) => call.kind === 'post' && nameOf(call) === nameOf(leg),
    ).length;
    const faults = entriesOf(trace, 'stepped').filter(
      ({ input }) => input.kind === 'replied' && nameOf(input) === nameOf(leg) && input.reply.kind === 'fault',
    ).length;
    const doubts = entriesOf(trace, 'resumed').filter(({ run }) =>
      run.legs.some((held) => nameOf(held) === nameOf(leg) && held.phase.kind === 'post-due'),
    ).length;
    // A retry that the dead executor had heard and not stored is heard again.
    const again = entriesOf(trace, 'resumed').filter(({ run }) =>
      run.legs.some((held) => held.insurer_id === leg.insurer_id && held.attempt < leg.attempt),
    ).length;
    return posts <= 1 + faults + doubts + again ? [] : [`${nameOf(leg)} was posted ${posts} times`];
  });

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
  const heard = new Map<number, number>();
  return entriesOf(trace, 'stepped').flatMap(({ fence, input, effects }) => {
    if (input.kind === 'cancelled') heard.set(fence, Math.max(heard.get(fence) ?? 0, input.revision));
    const revision = heard.get(fence) ?? 0;
    return effects.flatMap((effect) => {
      if (effect.kind !== 'post' && effect.kind !== 'poll') return [];
      const leg = asked.find((of) => nameOf(of) === nameOf(effect));
      return leg !== undefined && leg.revision < revision ? [`${effect.kind} of ${nameOf(leg)} after the cancel`] : [];
    });
  });
};

/** A run that is over has no effects any more, unless a retry opens it again. */
const overIsOver: Law = ({ trace }) => [
  ...entriesOf(trace, 'stepped')
    .filter(({ wasOver, input, effects }) => wasOver && input.kind !== 'retry-asked' && effects.length > 0)
    .map(({ input }) => `${input.kind} moved a run that was over`),
  ...(isRunOver(trace.stored) ? [] : ['the run never got over']),
];

/**
 * By the schedule a poll comes 480 ms after the call before it at the earliest, 160 ms where the insurer hints so, 8 s
 * in the late window; a reply that comes twice, or a zombie, may bring one more.
 */
const pollsAreBounded: Law = ({ trace }) => {
  const polls = new Map<string, number>();
  for (const { fence, call } of callsOf(trace)) {
    if (call.kind !== 'poll') continue;
    const name = `${nameOf(call)} under fence ${fence}`;
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
  'posts once, unless the last POST was a fault or in doubt': postsAreNotRepeated,
  'calls only for attempts that a command asked for': onlyWhatWasAskedIsCalled,
  'posts nothing after the deadline and calls nobody after the late window': callsEnd,
  'asks nobody whom a cancel has ended': nobodyIsAskedAfterACancel,
  'gets over, and does nothing after that': overIsOver,
  'polls a bounded number of times': pollsAreBounded,
  'publishes what the contracts say': everyEventKeepsItsContract,
  'gives one id to one content': idsAreNotReused,
  'reads the same in any order, with any repetition': everyReadingAgrees,
} as const satisfies Record<string, Law>;

export type LawName = keyof typeof LAWS;
export const LAW_NAMES = Object.keys(LAWS) as LawName[];

/** What each law finds in one life. */
export const breachesOf = (trace: Trace): Record<LawName, string[]> => {
  const life = lifeOf(trace);
  const breaches = LAW_NAMES.map((name) => [name, LAWS[name](life)] as const);
  return Object.fromEntries(breaches) as Record<LawName, string[]>;
};
