/** The laws about pods, leases and records: what a crash may cost, what is repeated, when a record is done. */
import { isLegEvent } from '@osago/contracts';
import { isInReachOf } from './run-lease.ts';
import type { RunState } from './run-state.ts';
import { PUBLISH_AGAIN_MS_MAX, PUBLISH_FAILS_MAX } from './simulation-executor.ts';
import { type Asked, askedBy, callsOf, type Law, legEventsIn, type Life, nameOf, visible } from './simulation-life.ts';
import { entriesOf, type Trace } from './simulation-trace.ts';

/** Slack for a broker that fails, for the hand-over of an input, and for the store. */
const PUBLISH_SLACK_MS = PUBLISH_FAILS_MAX * (PUBLISH_AGAIN_MS_MAX + 30) + 1_500;
const LOG_MS = 2_000;
/** With a crash on top: the session of the dead member, the rebalance, the next owner. */
const LOG_AFTER_CRASH_MS = 20_000;

const isStopped = (leg: Asked, { state }: Life): boolean => state.cancels.some((cancel) => isInReachOf(cancel, leg));
const isReplaced = (leg: Asked, asked: readonly Asked[]): boolean =>
  asked.some((other) => other.insurer_id === leg.insurer_id && other.attempt > leg.attempt);

/** The pods that were there then, and were neither gone nor standing still. */
const peersOf = (trace: Trace, { atMs, pod }: { atMs: number; pod: string }): string[] =>
  entriesOf(trace, 'joined')
    .filter((joined) => joined.atMs <= atMs && joined.pod !== pod)
    .map((joined) => joined.pod)
    .filter((peer) =>
      trace.entries.every((entry) => {
        if (entry.kind === 'paused') return entry.pod !== peer || entry.atMs > atMs || entry.untilMs < atMs;
        return (entry.kind !== 'crashed' && entry.kind !== 'left') || entry.pod !== peer || entry.atMs > atMs;
      }),
    );

/** On the log: each leg that nobody cancelled or asked again has its outcome by its deadline + 2 s. */
export const everyLegHasItsOutcome: Law = (life) =>
  life.asked.flatMap((leg) => {
    const { trace, asked } = life;
    if (isStopped(leg, life) || isReplaced(leg, asked)) return [];
    const first = entriesOf(trace, 'recorded').find(({ record: { event } }) => {
      if (!isLegEvent(event) || !event.data.final) return false;
      return event.data.insurer_id === leg.insurer_id && event.data.attempt === leg.attempt;
    });
    if (first === undefined) return [`${nameOf(leg)} has no outcome on the log`];
    const published = entriesOf(trace, 'published').find(({ revision }) => revision === leg.revision);
    const askedMs = Math.max(leg.deadlineAtMs, published?.atMs ?? 0);
    const crashes = trace.entries.flatMap((entry) => {
      if ((entry.kind !== 'crashed' && entry.kind !== 'paused') || entry.atMs > first.atMs) return [];
      // Alone, nobody can help a pod that stands still.
      const isAlone = entry.kind === 'paused' && peersOf(trace, entry).length === 0;
      return [(isAlone ? entry.untilMs : entry.atMs) + LOG_AFTER_CRASH_MS];
    });
    const limitMs = Math.max(askedMs + LOG_MS, ...crashes) + PUBLISH_SLACK_MS;
    return first.atMs <= limitMs ? [] : [`${nameOf(leg)} has its outcome ${first.atMs - limitMs} ms too late`];
  });

/** A record is done when no crash of anybody can cost an outcome that it asked for; and in the end all are. */
export const recordsAreDoneWhenTheyAreSettled: Law = (life) => [
  ...life.trace.uncommitted.map((revision) => `the record of revision ${revision} is never committed`),
  ...entriesOf(life.trace, 'done').flatMap(({ atMs, revision }) => {
    const known = entriesOf(life.trace, 'recorded').filter((entry) => entry.atMs <= atMs).map(({ record }) => record);
    const asked = askedBy(known);
    const { cancels } = visible(known);
    return asked
      .filter((leg) => leg.revision === revision && !isReplaced(leg, asked))
      .filter((leg) => !cancels.some((cancel) => isInReachOf(cancel, leg)))
      .filter((leg) => !legEventsIn(known).some(({ data }) => data.final && nameOf(data) === nameOf(leg)))
      .map((leg) => `the record of ${nameOf(leg)} is done without an outcome`);
  }),
];

const isToPost = (leg: Asked, run: RunState): boolean =>
  run.legs.some((held) => nameOf(held) === nameOf(leg) && held.phase.kind === 'post-due');

/** A POST is repeated only where the last one was a fault, or a new holder cannot know whether it was made. */
export const postsAreNotRepeated: Law = ({ trace, asked }) =>
  asked.flatMap((leg) => {
    const posts = callsOf(trace).filter(
      ({ call }) => call.kind === 'post' && nameOf(call) === nameOf(leg),
    ).length;
    const stepped = entriesOf(trace, 'stepped');
    const faults = stepped.filter(
      ({ input }) => input.kind === 'replied' && nameOf(input) === nameOf(leg) && input.reply.kind === 'fault',
    ).length;
    const begun = entriesOf(trace, 'began').filter(({ run }) => isToPost(leg, run)).length;
    const retried = stepped.filter(({ input }) => input.kind === 'retry-asked' && nameOf(input.retry) === nameOf(leg)).length;
    return posts <= begun + retried + faults ? [] : [`${nameOf(leg)} was posted ${posts} times`];
  });

/** Redis was there all the time and answered in time. */
const hasRedis = (trace: Trace): boolean => entriesOf(trace, 'redis').length === 0;

/** Whoever takes a run over knows every insurer's id that was stored: it polls, and POSTs nothing again. */
export const knownApplicationsAreNotPostedAgain: Law = ({ trace, asked }) =>
  !hasRedis(trace)
    ? []
    : entriesOf(trace, 'began').flatMap(({ atMs, pod, fence, run }) => {
        // It stood still behind its claim: its first save is refused, and nothing of it is carried out.
        if (!entriesOf(trace, 'stored').some((entry) => entry.pod === pod && entry.fence === fence)) return [];
        const known = entriesOf(trace, 'stored')
          .filter((entry) => entry.atMs < atMs)
          .flatMap(({ legs }) => legs.filter(({ phase }) => 'application_id' in phase).map(nameOf));
        return asked
          .filter((leg) => known.includes(nameOf(leg)) && isToPost(leg, run))
          .map((leg) => `${nameOf(leg)} is to be posted again at ${atMs}`);
      });

/** A lease of 1.5 s, the next beat of a peer, and the hand-over. */
const TAKEN_MS = 2_100;

/** A crash costs two seconds where a peer is there. */
export const runsAreTakenSoon: Law = (life) => {
  const { trace, asked } = life;
  const isJudged = hasRedis(trace) && entriesOf(trace, 'paused').length === 0;
  const crashes = isJudged ? entriesOf(trace, 'crashed') : [];
  return crashes.flatMap(({ atMs, pod }) => {
    const begun = entriesOf(trace, 'began');
    const last = begun.filter((entry) => entry.atMs <= atMs).at(-1);
    const ended = trace.entries.some(
      (entry) => (entry.kind === 'superseded' || entry.kind === 'dropped') && entry.pod === pod && entry.fence === last?.fence,
    );
    if (last?.pod !== pod || ended) return [];
    const untilMs = atMs + TAKEN_MS;
    const isOnly = !trace.entries.some(
      (entry) => (entry.kind === 'crashed' || entry.kind === 'left') && entry.pod !== pod && entry.atMs > atMs - TAKEN_MS && entry.atMs <= untilMs,
    );
    const byThen = entriesOf(trace, 'recorded').filter((entry) => entry.atMs <= untilMs).map(({ record }) => record);
    const isFinishedByThen = !asked.some(
      (leg) =>
        leg.revision === 1 &&
        !isStopped(leg, life) &&
        !isReplaced(leg, asked) &&
        !legEventsIn(byThen).some(({ data }) => data.final && nameOf(data) === nameOf(leg)),
    );
    const isTaken = begun.some((entry) => entry.atMs > atMs && entry.atMs <= untilMs);
    const isExpected = isOnly && peersOf(trace, { atMs, pod }).length > 0;
    return !isExpected || isFinishedByThen || isTaken ? [] : [`the run of ${pod}, crashed at ${atMs}, is not taken`];
  });
};

/** Wherever the run is driven: its driver hears of a cancel with its next renewal. */
export const cancelsStopCallsInASecond: Law = ({ trace, asked, state }) => {
  const isCalm = hasRedis(trace) && !trace.entries.some(({ kind }) => ['crashed', 'paused', 'left'].includes(kind));
  if (!isCalm) return [];
  return entriesOf(trace, 'published').flatMap(({ atMs, revision }) => {
    const cancel = state.cancels.find((one) => one.revision === revision);
    const moved = entriesOf(trace, 'owns').some((entry) => Math.abs(entry.atMs - atMs) < 1_000);
    if (cancel === undefined || moved) return [];
    return callsOf(trace)
      .filter((entry) => entry.atMs > atMs + 1_000)
      .filter(({ call }) => asked.some((leg) => nameOf(leg) === nameOf(call) && isInReachOf(cancel, leg)))
      .map(({ call, atMs: callMs }) => `${call.kind} of ${nameOf(call)} ${callMs - atMs} ms after its cancel`);
  });
};
