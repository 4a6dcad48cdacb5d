import { afterEach, describe, expect, test } from '@jest/globals';
import type { LegEvent } from '@osago/contracts';
import { type InsurerReply, lateUntilMs, type LegRun, type RunState, startRun } from '@osago/quotes';
import { createLog, systemClock } from '@osago/service-kit';
import { APPLICATION, panel, says, ScriptedInsurer, settled, submitted, until } from './aggregator-given.ts';
import type { Insurer } from './insurer.ts';
import { RunExecutor, type RunTask } from './run-executor.ts';

const started: RunExecutor[] = [];
afterEach(() => started.splice(0).forEach((executor) => executor.abandon()));

interface Given {
  insurers: Readonly<Record<string, Insurer>>;
  deadlineInMs?: number;
  application?: Awaited<ReturnType<RunTask['application']>>;
  save?: (run: RunState, legs: readonly LegRun[]) => Promise<'saved' | 'superseded'>;
  acks?: boolean;
  ids?: string[];
}

/** One run, and the story of what it did. */
const setup = ({ insurers, deadlineInMs, application = APPLICATION, save, acks = true, ids }: Given) => {
  const story: string[] = [];
  const published: LegEvent[] = [];
  const lines: { msg: string }[] = [];
  const telling = (id: string, insurer: Insurer): Insurer => ({
    post: (...args) => (story.push(`post ${id}`), insurer.post(...args)),
    poll: (...args) => (story.push(`poll ${id}`), insurer.poll(...args)),
  });
  const told = Object.fromEntries(Object.entries(insurers).map(([id, insurer]) => [id, telling(id, insurer)]));
  const { data } = submitted(ids ?? Object.keys(insurers), { ...(deadlineInMs !== undefined && { deadlineInMs }) });
  const executor: RunExecutor = new RunExecutor(
    {
      insurers: panel(told),
      publisher: {
        publish: (event, _destination, signal) => {
          if (signal.aborted) return Promise.resolve(false);
          published.push(event);
          story.push(`publish ${event.data.status}`);
          return acks ? Promise.resolve(true) : new Promise(() => undefined);
        },
      },
      clock: systemClock,
      log: createLog('test', 'info', { write: (line) => void lines.push(JSON.parse(line) as { msg: string }) }),
    },
    {
      begin: { run: startRun(data, 7, Date.now()), effects: [] },
      destination: { partition: 0, traceparent: '' },
      application: () => Promise.resolve(application),
      save: async (run, legs) => {
        const saved = (await save?.(run, legs)) ?? 'saved';
        story.push(`save ${legs.map(({ phase, outcome }) => outcome?.event.data.status ?? phase.kind).join(' ')}`);
        return saved;
      },
      onStep: () => {
        if (executor.isFinished && !story.includes('finished')) story.push('finished');
      },
      onEnd: () => void story.push('over'),
    },
  );
  started.push(executor);
  return { executor, data, story, published, lines };
};

describe('a run', () => {
  test('stores before it acts, and is finished when the outcome is on the log', async () => {
    const { executor, story } = setup({ insurers: { alfa: new ScriptedInsurer({ poll: [says.pending, says.quoted] }) } });
    executor.start();
    await until('it is over', () => story.includes('over'));
    expect(story).toEqual([
      'save posting',
      'post alfa',
      'save poll-due',
      'publish submitted',
      // Polls are not stored: a peer begins with the next one.
      'poll alfa',
      'poll alfa',
      'save quoted',
      'publish quoted',
      'save quoted',
      'finished',
      'over',
    ]);
  });

  test('stores what came while something else was being stored together, and acts on it afterwards', async () => {
    const first = Promise.withResolvers<'saved'>();
    const answers = [says.quoted, says.declined];
    const replies = answers.map(() => Promise.withResolvers<InsurerReply>());
    const [alfa, beta] = replies.map(({ promise }): Insurer => ({ post: () => promise, poll: () => promise }));
    let saves = 0;
    const save = (): Promise<'saved'> => ((saves += 1) === 2 ? first.promise : Promise.resolve('saved'));
    const insurers = { alfa: alfa!, beta: beta!, gamma: new ScriptedInsurer() };
    const { executor, story } = setup({ insurers, save, acks: false });
    executor.start();
    await until('gamma is being stored', () => saves === 2);
    for (const [at, { resolve }] of replies.entries()) resolve(answers[at]!);
    await settled();
    first.resolve('saved');
    await until('all is on its way', () => story.includes('publish declined'));
    expect(story.slice(4)).toEqual([
      'save poll-due',
      'publish submitted',
      'save quoted declined',
      'publish quoted',
      'publish declined',
    ]);
  });

  test('publishes a timeout at the deadline, is finished, and polls on until the late window ends', async () => {
    // It wants to be asked again when its time is over.
    const alfa = new ScriptedInsurer({ post: [{ ...says.accepted, retryAfterMs: 2_500 }] });
    const { executor, data, story, published } = setup({ insurers: { alfa }, deadlineInMs: 1_000 });
    executor.start();
    await until('it is polled', () => alfa.polls.length === 1);
    expect(story.slice(-2)).toEqual(['finished', 'poll alfa']);
    expect(published.map(({ data: leg }) => leg.status)).toEqual(['submitted', 'timeout']);
    const deadlineAtMs = Date.parse(data.deadline_at);
    expect(alfa.posts[0]?.startByMs).toBe(deadlineAtMs);
    expect(alfa.polls[0]?.startByMs).toBe(lateUntilMs({ deadlineAtMs }));
  });

  test('marks an answer to the call that was in flight at the deadline as late', async () => {
    const gate = Promise.withResolvers<InsurerReply>();
    const alfa: Insurer = { post: () => Promise.resolve(says.accepted), poll: () => gate.promise };
    const { executor, story, published } = setup({ insurers: { alfa }, deadlineInMs: 2_000 });
    executor.start();
    await until('it is finished', () => story.includes('finished'));
    gate.resolve(says.quoted);
    await until('it is over', () => story.includes('over'));
    expect(published.map(({ data }) => [data.status, data.late])).toEqual([
      ['submitted', false],
      ['timeout', false],
      ['quoted', true],
    ]);
  });

  test('skips an insurer that this pod does not have', async () => {
    const { executor, story, published } = setup({ insurers: {}, ids: ['stranger'] });
    executor.start();
    await until('it is over', () => story.includes('over'));
    expect(published.map(({ data }) => [data.status, data.reason])).toEqual([['skipped', { code: 'unknown_insurer' }]]);
  });

  test('takes the reply that stands for an application that cannot be opened', async () => {
    const alfa = new ScriptedInsurer();
    const { executor, story, published } = setup({ insurers: { alfa }, application: says.rejected });
    executor.start();
    await until('it is over', () => story.includes('over'));
    expect(alfa.posts).toEqual([]);
    expect(published[0]?.data).toMatchObject({ status: 'error', reason: { code: 'rejected' } });
  });

  test('takes a call that breaks for a failed connection and tries again', async () => {
    let posts = 0;
    const alfa: Insurer = {
      post: () => ((posts += 1) === 1 ? Promise.reject(new Error('bug')) : Promise.resolve(says.quoted)),
      poll: () => Promise.resolve(says.pending),
    };
    const { executor, story, published, lines } = setup({ insurers: { alfa } });
    executor.start();
    await until('it is over', () => story.includes('over'));
    expect(published.map(({ data }) => data.status)).toEqual(['quoted']);
    expect(lines).toMatchObject([{ msg: 'call broke' }]);
  });

  test('asks a second attempt under a key of its own', async () => {
    const alfa = new ScriptedInsurer({ post: [says.needsData, says.quoted] });
    const beta = new ScriptedInsurer({ post: ['nothing'] });
    const { executor, data, published } = setup({ insurers: { alfa, beta } });
    executor.start();
    await until('it has answered', () => published.length === 1);
    const { request_id, deadline_at } = data;
    executor.input({
      kind: 'retry-asked',
      name: 'ALFA',
      retry: { request_id, revision: 2, insurer_id: 'alfa', attempt: 2, deadline_at },
    });
    executor.input({ kind: 'tick' });
    await until('it has answered again', () => published.length === 2);
    expect(alfa.posts.map(({ idempotencyKey }) => idempotencyKey)).toEqual([`${request_id}:alfa`, `${request_id}:alfa:2`]);
    expect(published[1]?.data).toMatchObject({ status: 'quoted', attempt: 2 });
  });
});

describe('an abandoned run', () => {
  test('ends its calls and does nothing more', async () => {
    const alfa = new ScriptedInsurer({ post: ['nothing'] });
    const { executor, story } = setup({ insurers: { alfa }, deadlineInMs: 1_000 });
    executor.start();
    await until('it is asked', () => alfa.posts.length === 1);
    const told = story.length;
    executor.abandon();
    executor.input({ kind: 'tick' });
    await until('the deadline has passed', () => Date.now() > (alfa.posts[0]?.startByMs ?? 0) + 50);
    expect(alfa.posts[0]?.signal.aborted).toBe(true);
    expect(story).toHaveLength(told);
  });

  test('while it stores a step does not carry that step out', async () => {
    const gate = Promise.withResolvers<'saved' | 'superseded'>();
    const alfa = new ScriptedInsurer();
    let saves = 0;
    const save = (): Promise<'saved' | 'superseded'> => ((saves += 1), gate.promise);
    const { executor, story } = setup({ insurers: { alfa }, save });
    executor.start();
    await until('it stores', () => saves === 1);
    executor.abandon();
    gate.resolve('superseded');
    await settled();
    expect(alfa.posts).toEqual([]);
    expect(story).toEqual(['save posting']);
  });
});

describe('a run that a newer holder has', () => {
  test('ends here: what the step decided is not done', async () => {
    const alfa = new ScriptedInsurer();
    const { executor, story } = setup({ insurers: { alfa }, save: () => Promise.resolve('superseded') });
    executor.start();
    await until('it has stopped', () => story.length > 1);
    await settled();
    expect(story).toEqual(['save posting', 'over']);
    expect(alfa.posts).toEqual([]);
  });
});

test('what Redis has lost is stored whole with the next step', async () => {
  const insurers = { alfa: new ScriptedInsurer({ post: ['nothing'] }), beta: new ScriptedInsurer({ poll: ['nothing'] }) };
  const { executor, story } = setup({ insurers });
  executor.start();
  await until('beta is polled', () => story.includes('poll beta'));
  executor.storeAgain();
  await until('it is stored again', () => story.at(-1) !== 'poll beta');
  expect(story.at(-1)).toBe('save posting polling');
});
