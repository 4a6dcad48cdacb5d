/** A stream that has an end says so, ends cleanly, and answers 204 to who comes back. */
import type { Target } from '../adapter.ts';
import { type Check, failed, notOffered, passed, quoted, verdict } from '../check.ts';
import type { Context } from '../context.ts';
import type { RawStream } from '../raw-stream.ts';

interface Ended {
  target: Target;
  stream: RawStream;
}

/** A fresh stream that has been brought to its end while it was read. Undefined without an adapter for that. */
const endedStream = async (context: Context): Promise<Ended | undefined> => {
  const { adapter, limits } = context;
  if (adapter.finish === undefined || adapter.isTerminal === undefined) return undefined;
  const target = await context.target();
  const stream = await context.open(target);
  await stream.until(() => stream.events.length > 0, limits.promptMs);
  await adapter.finish(target);
  await stream.ended(limits.settleMs);
  return { target, stream };
};

const NEEDS = 'the adapter has no finish() and isTerminal()';

export const terminal: Check = {
  name: 'terminal-event',
  why: 'A stream that just breaks off looks like a lost network: pages reconnect for ever to what is over.',
  after: ['blank-lines'],
  async run(context) {
    const ended = await endedStream(context);
    if (ended === undefined) return notOffered(NEEDS);
    const { ending, events } = ended.stream;
    const last = events.at(-1);
    const isTerminal = last !== undefined && context.adapter.isTerminal?.(last) === true;
    return verdict(
      [
        ...(ending === undefined ? [`still open ${context.limits.settleMs} ms after its end`] : []),
        ...(isTerminal ? [] : [`the last event is ${quoted(last?.event ?? 'none')}, not a terminal one`]),
        ...(isTerminal && last.ownId === undefined ? ['the terminal event has no id'] : []),
        ...(ending === 'cut' ? ['the connection is cut instead of ended'] : []),
      ],
      `${last?.event ?? ''}, then a clean end`,
    );
  },
};

export const terminal204: Check = {
  name: 'terminal-204',
  why: 'A browser reconnects after every end; only 204 stops it, and only who has seen the end may get it.',
  after: ['terminal-event', 'id-by-header', 'id-by-query'],
  async run(context) {
    const ended = await endedStream(context);
    if (ended === undefined) return notOffered(NEEDS);
    const { target, stream } = ended;
    const { lastEventId } = stream.parser;
    const earlier = stream.events.find(({ ownId }) => ownId !== undefined && ownId !== lastEventId)?.ownId;
    for (const lastEventIdBy of ['header', 'query'] as const) {
      const { status } = (await context.open(target, { lastEventId, lastEventIdBy })).head;
      if (status !== 204) return failed(`${status} to the id of the end by ${lastEventIdBy}`);
    }
    if (earlier !== undefined) {
      const { status } = (await context.open(target, { lastEventId: earlier })).head;
      if (status !== 200) return failed(`${status} to an id before the end: that reader never sees it`);
    }
    const { status } = (await context.open(target)).head;
    if (status === 204) return failed('204 to a newcomer, who has seen nothing');
    return passed(`204 to the id of the end, ${status} to a newcomer`);
  },
};
