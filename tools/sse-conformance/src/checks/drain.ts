/** The server goes away: its readers are told, and asked to come back. The last check: afterwards it is gone. */
import { type Check, notOffered, verdict } from '../check.ts';
import type { Context } from '../context.ts';
import { NoAnswerError } from '../raw-stream.ts';

const READERS = 10;

/** During a drain a newcomer may find nobody, but no error: that is final for a browser. */
const newcomerFault = async (context: Context, target: Parameters<Context['open']>[0]): Promise<string[]> => {
  try {
    const { status } = (await context.open(target)).head;
    return status === 200 || status === 204 ? [] : [`a newcomer gets ${status}`];
  } catch (error) {
    if (error instanceof NoAnswerError) return [];
    throw error;
  }
};

export const drain: Check = {
  name: 'drain',
  why: 'A deploy that breaks streams off loses their last words; one that ends all with one pause brings all back at once.',
  after: ['retry'],
  async run(context) {
    const { adapter, limits } = context;
    if (adapter.drain === undefined) return notOffered('the adapter has no drain()');
    const target = await context.target();
    const streams = await Promise.all(Array.from({ length: READERS }, () => context.open(target)));
    await Promise.all(streams.map((stream) => stream.until(() => stream.bodyBytes > 0, limits.promptMs)));
    const before = streams.map(({ parser }) => parser.retries.length);
    await adapter.drain(target);
    const newcomer = await newcomerFault(context, target);
    await Promise.all(streams.map((stream) => stream.ended(limits.settleMs)));
    const count = (holds: (stream: (typeof streams)[number], at: number) => boolean): number =>
      streams.filter(holds).length;
    const open = count(({ ending }) => ending === undefined);
    const cut = count(({ ending }) => ending === 'cut');
    const goodbyes = streams.map(({ parser }, at) => parser.retries.slice(before[at]).at(-1)?.ms);
    const untold = goodbyes.filter((ms) => ms === undefined).length;
    return verdict(
      [
        ...(open > 0 ? [`${open} of ${READERS} still open after ${limits.settleMs} ms`] : []),
        ...(cut > 0 ? [`${cut} of ${READERS} cut off instead of ended`] : []),
        ...(cut === 0 && open === 0 && untold > 0 ? [`${untold} of ${READERS} told no retry at the end`] : []),
        ...(untold === 0 && new Set(goodbyes).size < 3 ? [`all told the same retry, ${String(goodbyes[0])}`] : []),
        ...newcomer,
      ],
      `${READERS} of ${READERS} ended cleanly, retry ${goodbyes.slice(0, 3).join(', ')} …`,
    );
  },
};
