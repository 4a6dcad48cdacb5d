/** Readers that vanish. */
import { type Check, failed, notOffered, passed } from '../check.ts';
import type { Context } from '../context.ts';

const AT_ONCE = 20;

/** Connections that are reset at every stage: at once, after the head, after the first event. */
const comeAndGo = async (context: Context): Promise<void> => {
  const target = await context.sampleTarget();
  const { abortCycles, promptMs } = context.limits;
  for (let done = 0; done < abortCycles; done += AT_ONCE) {
    const count = Math.min(AT_ONCE, abortCycles - done);
    await Promise.all(
      Array.from({ length: count }, async (_, at) => {
        const stream = await context.open(target);
        if (at % 2 === 0) await stream.until(() => stream.bodyBytes > 0, promptMs);
        stream.abort();
      }),
    );
  }
};

export const abortCycles: Check = {
  name: 'abort',
  why: 'Readers vanish all day (tabs, trains, phones): a server that keeps their streams runs out of memory or of room.',
  async run(context) {
    const { abortCycles: cycles, promptMs } = context.limits;
    await comeAndGo(context);
    const target = await context.sampleTarget();
    const startedMs = performance.now();
    const stream = await context.open(target);
    if (![200, 204].includes(stream.head.status)) return failed(`${stream.head.status} after ${cycles} aborts`);
    if (stream.head.status === 200) await stream.until(() => stream.bodyBytes > 0, promptMs);
    return passed(`${cycles} aborts, then an answer in ${Math.round(performance.now() - startedMs)} ms`);
  },
};

const POLL_MS = 50;

export const abortFrees: Check = {
  name: 'abort-frees',
  why: 'The gauge of open streams must come back to where it was: what it still counts is memory that nobody reads.',
  after: ['abort'],
  async run(context) {
    const { adapter } = context;
    const openStreams = adapter.openStreams?.bind(adapter);
    if (openStreams === undefined) return notOffered('the adapter has no openStreams()');
    const { settleMs } = context.limits;
    const before = await openStreams();
    await comeAndGo(context);
    const endMs = performance.now() + settleMs;
    let now = await openStreams();
    while (now > before && performance.now() < endMs) {
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
      now = await openStreams();
    }
    const seen = `${before} open before, ${now} after`;
    return now <= before ? passed(seen) : failed(`${seen} ${settleMs} ms`);
  },
};
