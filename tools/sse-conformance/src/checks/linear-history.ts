/** Many readers come and go, on all replicas, while changes are made: each must have been told one history. */
import type { Target, Versions } from '../adapter.ts';
import { type Check, notOffered, verdict } from '../check.ts';
import type { Context } from '../context.ts';
import { Reader, readingAdapter, type ReadingAdapter } from '../reader.ts';

const READERS = 6;
/** So that some are cut right after the first event, some within live ones. */
const EVENTS_BEFORE_DROP = [1, 2, 3, 5];
/** A stream on which nothing happens is dropped too. */
const QUIET_MS = 100;
/** Against a server that turns all away at once. */
const CONNECTIONS_MAX = 500;

interface Run {
  context: Context;
  places: readonly Target[];
  isOver: () => boolean;
}

/** Every third one stays on its connection as long as it lasts. */
const comeAndGo = async (reader: Reader, index: number, { context, places, isOver }: Run): Promise<string[]> => {
  let connections = 0;
  for (; connections < CONNECTIONS_MAX && !isOver() && !reader.isFinished; connections += 1) {
    const place = places[(index + connections) % places.length];
    if (place === undefined) break;
    const by = (index + connections) % 2 === 0 ? 'header' : 'query';
    const refusal = await reader.connect(place, by);
    if (refusal !== undefined) return [refusal];
    const events = EVENTS_BEFORE_DROP[(index + connections) % EVENTS_BEFORE_DROP.length] ?? 1;
    if (index % 3 === 0) await reader.stream?.until(isOver, context.limits.settleMs);
    else await reader.takesMore(events, QUIET_MS);
    if (isOver()) break;
    reader.drop();
  }
  return [];
};

const settle = async (reader: Reader, truth: Versions, { context, places }: Run): Promise<string[]> => {
  const endMs = performance.now() + context.limits.settleMs;
  const [place] = places;
  while (!(await reader.knows(truth, endMs - performance.now())) && performance.now() < endMs) {
    if (place === undefined || reader.isFinished) break;
    // Its stream ended by itself: as a browser it comes back.
    const refusal = await reader.connect(place);
    if (refusal !== undefined) return [refusal];
    await reader.stream?.until(() => (reader.stream?.events.length ?? 0) > 0, QUIET_MS);
  }
  return reader.history.lacks(truth);
};

/** So that changes meet readers at every stage of their connections. */
const BETWEEN_CHANGES_MS = 5;

const changeAll = async (adapter: ReadingAdapter, target: Target, context: Context): Promise<number> => {
  let made = 0;
  while (made < context.limits.changes && (await adapter.makeChange(target)) !== false) {
    made += 1;
    await new Promise((resolve) => setTimeout(resolve, BETWEEN_CHANGES_MS));
  }
  return made;
};

export const linearHistory: Check = {
  name: 'linear-history',
  why: 'The seam between what is replayed and what is live is where events are lost and doubled, under load and not before.',
  after: ['resume-no-gap', 'resume-no-repeat', 'resume-by-query', 'resume-on-replica'],
  async run(context) {
    const adapter = readingAdapter(context);
    if (adapter === undefined) return notOffered('the adapter has no read(), makeChange() and truth()');
    const target = await context.target();
    const places = [target, ...((await adapter.replicas?.(target)) ?? [])];
    let isOver = false;
    const run: Run = { context, places, isOver: () => isOver };
    const readers = Array.from({ length: READERS }, () => new Reader(context, adapter));
    const going = readers.map((reader, index) => comeAndGo(reader, index, run));
    const made = await changeAll(adapter, target, context).finally(() => {
      isOver = true;
    });
    const refusals = (await Promise.all(going)).flat();
    const truth = await adapter.truth(target);
    const lacks = refusals.length > 0 ? [] : (await Promise.all(readers.map((reader) => settle(reader, truth, run)))).flat();
    const problems = readers.flatMap(({ history }) => history.problems.map(({ text }) => text));
    return verdict(
      [...refusals, ...problems, ...lacks],
      `${READERS} readers over ${places.length} places, ${made} changes, one history each`,
    );
  },
};
