/** Any Last-Event-ID is harmless: the server's own, by header and by query, and what never was one. */
import { type Check, failed, type Finding, notOffered, passed, quoted } from '../check.ts';
import type { Context, OpenOptions } from '../context.ts';

/** Undefined when a browser goes on reading. */
const faultOf = async (context: Context, options: OpenOptions, allowed: readonly number[]): Promise<string | undefined> => {
  const stream = await context.open(await context.sampleTarget(), options);
  const { status } = stream.head;
  const isStream = stream.header('content-type') === (await context.sample()).header('content-type');
  if (!allowed.includes(status)) return `${status} to ${quoted(options.lastEventId ?? '')}`;
  if (status === 200 && !isStream) return `200 ${stream.header('content-type')} to ${quoted(options.lastEventId ?? '')}`;
  return undefined;
};

const ownId = async (context: Context): Promise<string | undefined> => {
  const stream = await context.watched();
  return stream.events.find((event) => event.ownId !== undefined && event.ownId !== '')?.ownId;
};

const resumes = async (context: Context, lastEventIdBy: 'header' | 'query'): Promise<Finding> => {
  const lastEventId = await ownId(context);
  if (lastEventId === undefined) return notOffered('no event of the stream had an id');
  const fault = await faultOf(context, { lastEventId, lastEventIdBy }, [200, 204]);
  return fault === undefined ? passed(`taken: ${quoted(lastEventId)}`) : failed(fault);
};

export const idByHeader: Check = {
  name: 'id-by-header',
  why: 'A browser that comes back sends the last id; an error to that ends its stream for ever.',
  after: ['blank-lines'],
  run: (context) => resumes(context, 'header'),
};

export const idByQuery: Check = {
  name: 'id-by-query',
  why: 'A page that opens a new EventSource cannot set the header: the query is its only way to go on.',
  after: ['blank-lines'],
  run: (context) => resumes(context, 'query'),
};

const GARBAGE = [
  'not-an-id',
  '-1',
  '99999999999999999999999999',
  '{"partition":',
  '../../etc/passwd',
  "' OR 1=1 --",
  '%00%ff',
  'идентификатор',
  'AAAA',
];

export const garbageId: Check = {
  name: 'garbage-id',
  why: 'Ids of another version or server arrive after each deploy: anything but a stream (204 too) strands that browser.',
  after: ['id-by-header', 'id-by-query'],
  async run(context) {
    for (const lastEventId of GARBAGE) {
      for (const lastEventIdBy of ['header', 'query'] as const) {
        const fault = await faultOf(context, { lastEventId, lastEventIdBy }, [200]);
        if (fault !== undefined) return failed(`${fault} by ${lastEventIdBy}`);
      }
      context.closeOpen();
    }
    return passed(`${GARBAGE.length} kinds by header and query`);
  },
};

/** Below what servers take for all headers together (8 KB and more). */
const LONG = 2_000;
/** Beyond it: a refusal is right, harm is not. */
const OVERLONG = 200_000;

export const longId: Check = {
  name: 'long-id',
  why: 'An id that is too long must be ignored, or refused when it is beyond all bounds, and must not hurt the server.',
  after: ['garbage-id'],
  async run(context) {
    const fault = await faultOf(context, { lastEventId: 'x'.repeat(LONG) }, [200]);
    if (fault !== undefined) return failed(`${fault} (${LONG} characters)`);
    const seen = await context
      .open(await context.sampleTarget(), { lastEventId: 'x'.repeat(OVERLONG) })
      .then(({ head }) => head.status)
      .catch(() => 'no answer');
    if (typeof seen === 'number' && seen >= 500) return failed(`${seen} to ${OVERLONG} characters`);
    const after = await faultOf(context, {}, [200, 204]);
    if (after !== undefined) return failed(`afterwards ${after}`);
    return passed(`${LONG} characters are taken, ${OVERLONG} get ${seen}`);
  },
};
