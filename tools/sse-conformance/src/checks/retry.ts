/** How long a browser waits before it comes back, and that not all wait alike. */
import { type Check, failed, passed } from '../check.ts';
import type { Context } from '../context.ts';

const CONNECTIONS = 5;
/** Of the five; two that agree are chance where the server draws from a short range. */
const DIFFERENT_MIN = 3;

/** The first of each of some connections at once. */
export const retriesOf = async (context: Context, count: number): Promise<(number | undefined)[]> => {
  const target = await context.sampleTarget();
  const streams = await Promise.all(Array.from({ length: count }, () => context.open(target)));
  await Promise.all(
    streams.map((stream) =>
      stream.until(() => stream.parser.retries.length > 0 || stream.events.length > 1, context.limits.promptMs),
    ),
  );
  return streams.map(({ parser }) => parser.retries[0]?.ms);
};

export const retry: Check = {
  name: 'retry',
  why: 'Without it each browser uses its own pause (Chromium 3 s, Firefox 5 s), and the server has no say in a storm.',
  after: ['blank-lines'],
  async run(context) {
    const { parser } = await context.watched();
    const [first] = parser.retries;
    if (first === undefined) return failed('no retry');
    if (first.afterEvents > 1) return failed(`the first retry comes after ${first.afterEvents} events`);
    return passed(`retry: ${first.ms}`);
  },
};

export const retryJitter: Check = {
  name: 'retry-jitter',
  why: 'With one pause for all, the readers of a server that went away come back in the same instant, again and again.',
  after: ['retry'],
  async run(context) {
    const retries = await retriesOf(context, CONNECTIONS);
    const seen = retries.map((ms) => ms ?? 'none').join(', ');
    return new Set(retries).size >= DIFFERENT_MIN ? passed(seen) : failed(`${CONNECTIONS} connections: ${seen}`);
  },
};
