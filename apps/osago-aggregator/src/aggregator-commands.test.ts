/** Cancels and retries: what the owner of the partition hears, and whoever drives the run does. */
import { afterEach, describe, expect, test } from '@jest/globals';
import { LEASE_MS } from '@osago/quotes';
import {
  APPLICATION,
  buried,
  cancelled,
  CHANGED,
  createBus,
  createRedis,
  isDone,
  legEvents,
  outcomes,
  panel,
  retryAsked,
  says,
  ScriptedInsurer,
  send,
  settled,
  startPod,
  stopPods,
  submitted,
  until,
} from './aggregator-given.ts';

afterEach(stopPods);

/** Two pods; the first drives a run of partition 3, which the second owns. */
const movedPartition = async (first: ScriptedInsurer, second = new ScriptedInsurer(), deadlineInMs = 60_000) => {
  const [bus, redis] = [createBus(), createRedis()];
  const request = submitted(['alfa'], { deadlineInMs });
  const driver = startPod({ bus, insurers: panel({ alfa: first }), redis });
  await send(bus, request, 3);
  await until('it is polled', () => first.polls.length > 0);
  const owner = startPod({ bus, insurers: panel({ alfa: second }), redis });
  return { bus, redis, request, driver, owner };
};

describe('a cancel', () => {
  test('reaches the pod that drives the run, wherever the partition is, long before its deadline', async () => {
    const alfa = new ScriptedInsurer({ poll: ['nothing'] });
    const { bus, request } = await movedPartition(alfa);
    await send(bus, cancelled(request), 3);
    const sentAtMs = performance.now();
    await until('the call has ended', () => alfa.polls[0]?.signal.aborted === true);
    // Half a second, and the rest is a machine that does other things too.
    expect(performance.now() - sentAtMs).toBeLessThan(20_000);
    await until('both records are done', () => isDone(bus, 2, 3));
    expect(outcomes(bus, request)).toEqual([]);
  });

  test('stays in force for the next holder', async () => {
    const alfa = new ScriptedInsurer({ poll: ['nothing'] });
    const heirs = new ScriptedInsurer();
    const { bus, request, driver, owner } = await movedPartition(alfa, heirs);
    // Its renewals do not reach Redis any more: it cannot hear of the cancel.
    driver.store.goAway();
    await send(bus, cancelled(request), 3);
    await until('both records are done', () => isDone(bus, 2, 3));
    await until('the heir has the run', () => owner.lines.some(({ msg }) => msg === 'run resumed'));
    await settled();
    expect([...heirs.posts, ...heirs.polls]).toEqual([]);
  });

  test('lets late polls of a leg go on whose time was over before it, for a retry of another had re-opened the request', async () => {
    const bus = createBus();
    const alfa = new ScriptedInsurer();
    const beta = new ScriptedInsurer({ post: [says.declined, 'nothing'] });
    const request = submitted(['alfa', 'beta'], { deadlineInMs: 1_500 });
    const { store } = startPod({ bus, insurers: panel({ alfa, beta }) });
    await send(bus, request);
    await until('it is finished', () => isDone(bus));
    await until('a second has passed since the deadline', () => Date.now() > Date.parse(request.data.deadline_at) + 1_000);
    await send(bus, retryAsked(request, 'beta'));
    await until('beta is asked again', () => beta.posts.length === 2);
    await send(bus, cancelled(request, 3));
    await until('all records are done', () => isDone(bus, 3));
    expect(beta.posts[1]?.signal.aborted).toBe(true);
    expect(store.leg(request.data.request_id, 'alfa')).toMatchObject({ phase: { application_id: 'app-1' } });
    expect(store.leg(request.data.request_id, 'alfa')?.cancelled).toBeUndefined();
  });
});

describe('a retry', () => {
  test('asks that insurer again with its own application and deadline, and leaves the others alone', async () => {
    const bus = createBus();
    const alfa = new ScriptedInsurer({ post: [says.needsData, says.quoted] });
    const beta = new ScriptedInsurer({ post: [says.declined] });
    const request = submitted(['alfa', 'beta']);
    startPod({ bus, insurers: panel({ alfa, beta }) });
    await send(bus, request);
    await until('the request is done', () => isDone(bus));
    const retry = retryAsked(request, 'alfa', { deadlineInMs: 30_000 });
    await send(bus, retry);
    await until('the retry is done', () => isDone(bus, 2));
    expect(outcomes(bus, request)).toEqual(['alfa needs_data', 'alfa quoted', 'beta declined']);
    expect(legEvents(bus, request.data.request_id).filter(({ data }) => data.attempt === 2)).toMatchObject([
      { data: { insurer_id: 'alfa', status: 'quoted', deadline_at: retry.data.deadline_at } },
    ]);
    expect(alfa.posts.map(({ application, idempotencyKey }) => [application, idempotencyKey])).toEqual([
      [APPLICATION, `${request.data.request_id}:alfa`],
      [CHANGED, `${request.data.request_id}:alfa:2`],
    ]);
    expect(beta.posts).toHaveLength(1);
    expect(buried(bus)).toEqual([]);
  });

  test('of a request that no pod knows is worked on all the same: the event is self-contained', async () => {
    const bus = createBus();
    const alfa = new ScriptedInsurer({ poll: [says.quoted] });
    startPod({ bus, insurers: panel({ alfa }), names: new Map([['alfa', 'Альфа']]) });
    const request = submitted(['alfa', 'beta']);
    await send(bus, retryAsked(request, 'alfa', { attempt: 3, revision: 4 }));
    await until('the record is done', () => isDone(bus));
    expect(legEvents(bus, request.data.request_id).map(({ data }) => [data.name, data.status, data.attempt])).toEqual([
      ['Альфа', 'submitted', 3],
      ['Альфа', 'quoted', 3],
    ]);
    expect(alfa.posts[0]?.application).toEqual(CHANGED);
  });

  test('goes to the pod that drives the run', async () => {
    const alfa = new ScriptedInsurer({ post: [says.accepted, says.quoted], poll: ['nothing'] });
    const others = new ScriptedInsurer();
    const { bus, request } = await movedPartition(alfa, others);
    await send(bus, retryAsked(request, 'alfa'), 3);
    await until('both records are done', () => isDone(bus, 2, 3));
    expect(outcomes(bus, request)).toEqual(['alfa quoted']);
    expect(alfa.posts.map(({ application }) => application)).toEqual([APPLICATION, CHANGED]);
    expect(others.posts).toEqual([]);
  });

  test('that its driver had not heard before it died is asked by the next one, with the right application', async () => {
    const alfa = new ScriptedInsurer({ poll: ['nothing'] });
    const heirs = new ScriptedInsurer({ post: [says.quoted] });
    const { bus, request, driver } = await movedPartition(alfa, heirs);
    driver.store.goAway();
    await send(bus, retryAsked(request, 'alfa'), 3);
    await driver.crash();
    await until('both records are done', () => isDone(bus, 2, 3));
    expect(heirs.posts.map(({ application }) => application)).toEqual([CHANGED]);
    expect(outcomes(bus, request)).toEqual(['alfa quoted']);
  });

  test('without Redis is worked on by the owner of the partition', async () => {
    const bus = createBus();
    const alfa = new ScriptedInsurer({ post: [says.quoted] });
    const pod = startPod({ bus, insurers: panel({ alfa }) });
    pod.store.goAway(LEASE_MS);
    const request = submitted(['alfa']);
    await send(bus, retryAsked(request, 'alfa'));
    await until('the record is done', () => isDone(bus));
    expect(outcomes(bus, request)).toEqual(['alfa quoted']);
  });

  test('that expired on arrival asks nobody: a timeout of that attempt with fence 0', async () => {
    const bus = createBus();
    const alfa = new ScriptedInsurer();
    startPod({ bus, insurers: panel({ alfa }) });
    const request = submitted(['alfa']);
    await send(bus, retryAsked(request, 'alfa', { deadlineInMs: -1 }));
    await until('the record is done', () => isDone(bus));
    expect(legEvents(bus, request.data.request_id).map(({ id }) => id)).toEqual([`${request.data.request_id}:alfa:a2:f0:s0`]);
    expect(alfa.posts).toEqual([]);
  });

  test('that is published twice is worked on once', async () => {
    const bus = createBus();
    const alfa = new ScriptedInsurer({ post: [says.quoted] });
    startPod({ bus, insurers: panel({ alfa }) });
    const request = submitted(['alfa']);
    const retry = retryAsked(request, 'alfa');
    await send(bus, retry);
    await send(bus, retry);
    await until('both are done', () => isDone(bus, 2));
    await send(bus, retry);
    await until('all are done', () => isDone(bus, 3));
    expect(alfa.posts).toHaveLength(1);
    expect(outcomes(bus, request)).toEqual(['alfa quoted']);
  });
});
