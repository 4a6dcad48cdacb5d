/** Too many readers: a newcomer is asked to come back later, in the only way that a browser survives. */
import { type Check, notOffered, verdict } from '../check.ts';
import { retriesOf } from './retry.ts';

/** A usual pause is jittered too: the longest of some is compared. */
const CONNECTIONS = 5;

export const shedding: Check = {
  name: 'shedding',
  why: 'A browser never comes back after 503 or 429; a 200 with a longer retry and an end brings it back later.',
  after: ['retry'],
  async run(context) {
    const { adapter, limits } = context;
    if (adapter.shed === undefined) return notOffered('the adapter has no shed()');
    const sample = await context.sample();
    const usualMs = Math.max(...(await retriesOf(context, CONNECTIONS)).map((ms) => ms ?? 0));
    const overload = await adapter.shed();
    try {
      const stream = await context.open(overload.target);
      await stream.ended(limits.promptMs);
      const { status } = stream.head;
      const retryMs = stream.parser.retries.at(-1)?.ms;
      const type = stream.header('content-type');
      const usualType = sample.header('content-type');
      return verdict(
        [
          ...(status === 200 ? [] : [`a newcomer gets ${status}`]),
          ...(status !== 200 || type === usualType ? [] : [`its type is ${type}`]),
          ...(retryMs === undefined ? ['it is told no retry'] : []),
          ...(retryMs !== undefined && retryMs <= usualMs ? [`its retry of ${retryMs} is no longer than ${usualMs}`] : []),
          ...(stream.ending === 'clean' ? [] : [`its stream is ${stream.ending ?? 'not ended'}`]),
        ],
        `200, retry ${retryMs ?? 0} instead of ${usualMs}, a clean end`,
      );
    } finally {
      await overload.undo();
    }
  },
};
