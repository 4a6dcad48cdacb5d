/** One reader, cut off and back with its last id: nothing is missing, nothing comes twice. */
import type { Target } from '../adapter.ts';
import { type Check, failed, type Finding, notOffered, verdict } from '../check.ts';
import type { Context, OpenOptions } from '../context.ts';
import type { Problem } from '../history.ts';
import { Reader, readingAdapter } from '../reader.ts';

interface Scenario {
  by?: OpenOptions['lastEventIdBy'];
  /** Where it comes back to. */
  backTo?: (target: Target) => Target;
  judges: readonly Problem['kind'][];
}

const NEEDS = 'the adapter has no read(), makeChange() and truth()';
const CHANGES_AWAY = 3;

const resume = async (context: Context, { by = 'header', backTo = (to) => to, judges }: Scenario): Promise<Finding> => {
  const adapter = readingAdapter(context);
  if (adapter === undefined) return notOffered(NEEDS);
  const { settleMs } = context.limits;
  const target = await context.target();
  const reader = new Reader(context, adapter);
  await reader.connect(target);
  await adapter.makeChange(target);
  await reader.knows(await adapter.truth(target), settleMs);
  reader.drop();
  if (reader.lastEventId === undefined) return failed('no event that the reader got had an id');
  const id = reader.lastEventId;
  let changes = 0;
  while (changes < CHANGES_AWAY && (await adapter.makeChange(target)) !== false) changes += 1;
  const refusal = await reader.connect(backTo(target), by);
  if (refusal !== undefined) return failed(refusal);
  const missed = await adapter.truth(target);
  const isBack = await reader.knows(missed, settleMs);
  await adapter.makeChange(target);
  const truth = await adapter.truth(target);
  if (isBack) await reader.knows(truth, settleMs);
  const { problems } = reader.history;
  const lacks = judges.includes('gap') ? reader.history.lacks(isBack ? truth : missed) : [];
  const faults = [...problems.filter(({ kind }) => judges.includes(kind)).map(({ text }) => text), ...lacks];
  return verdict(faults, `${changes} changes while away, back with ${id.length} characters of id, told all`);
};

export const resumeWithoutGap: Check = {
  name: 'resume-no-gap',
  why: 'What happened while the reader was away is lost for it: the page shows less than there is until it is loaded anew.',
  after: ['id-by-header'],
  run: (context) => resume(context, { judges: ['gap', 'backwards'] }),
};

export const resumeWithoutRepeat: Check = {
  name: 'resume-no-repeat',
  why: 'A change that is told twice is applied twice: counters, chats and ledgers show what never was.',
  after: ['id-by-header'],
  run: (context) => resume(context, { judges: ['repeat'] }),
};

export const resumeByQuery: Check = {
  name: 'resume-by-query',
  why: 'A page that makes a new EventSource must lose no more than one that reconnects.',
  after: ['id-by-query', 'resume-no-gap', 'resume-no-repeat'],
  run: (context) => resume(context, { by: 'query', judges: ['gap', 'repeat', 'backwards'] }),
};

export const resumeOnReplica: Check = {
  name: 'resume-on-replica',
  why: 'Balancers send a reader that comes back to any replica: one that is behind must not show less, nor lose, nor repeat.',
  after: ['resume-no-gap', 'resume-no-repeat'],
  async run(context) {
    const { replicas } = context.adapter;
    if (replicas === undefined) return notOffered('the adapter has no replicas()');
    const others = await replicas.call(context.adapter, await context.sampleTarget());
    if (others.length === 0) return notOffered('there is one replica only');
    const findings: Finding[] = [];
    for (const other of others) {
      const { origin } = new URL(other.url);
      const backTo = ({ url, headers = {} }: Target): Target => {
        const { pathname, search } = new URL(url);
        return { url: `${origin}${pathname}${search}`, headers };
      };
      findings.push(await resume(context, { backTo, judges: ['gap', 'repeat', 'backwards'] }));
    }
    const broken = findings.find(({ outcome }) => outcome !== 'passed');
    return broken ?? { outcome: 'passed', seen: `on ${others.length} other replicas: ${findings[0]?.seen ?? ''}` };
  },
};
