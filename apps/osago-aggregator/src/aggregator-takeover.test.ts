/** A run goes from pod to pod: crash, graceful stop, rebalance, two holders at once, Redis away. */
import { afterEach, describe, expect, test } from '@jest/globals';
import { LEASE_MS } from '@osago/quotes';
import {
  APPLICATION,
  CHANGED,
  createBus,
  createRedis,
  isDone,
  legEvents,
  outcomes,
  panel,
  type Pod,
  retryAsked,
  says,
  ScriptedInsurer,
  send,
  settled,
  startPod,
  stopPods,
  type Submitted,
  submitted,
  until,
} from './aggregator-given.ts';
import { MemoryRunStore } from './memory-run-store.ts';

afterEach(stopPods);

/** A lease that runs out, the scan that finds it, and a machine that does other things too; the run itself has a minute. */
const TAKEN_MS_MAX = LEASE_MS + 20_000;

describe('after a graceful stop', () => {
  test('a known application is polled on at once and not POSTed again', async () => {
    const startedAtMs = Date.now();
    // Its clock stands still: no lease of it ever runs out.
    const [bus, redis] = [createBus(), createRedis(() => startedAtMs)];
    const before = new ScriptedInsurer();
    const after = new ScriptedInsurer({ poll: [says.quoted] });
    const request = submitted(['alfa']);
    const first = startPod({ bus, insurers: panel({ alfa: before }), redis });
    await send(bus, request);
    await until('it is polled', () => before.polls.length > 0);
    await first.stop();
    expect(isDone(bus)).toBe(false);

    startPod({ bus, insurers: panel({ alfa: after }), redis });
    await until('the record is done', () => isDone(bus));
    expect(after.posts).toEqual([]);
    expect(after.polls[0]?.applicationId).toBe('app-1');
    expect(outcomes(bus, request)).toEqual(['alfa quoted']);
    const fences = legEvents(bus, request.data.request_id).map(({ data }) => data.fence);
    expect(fences[1]).toBeGreaterThan(fences[0] ?? Infinity);
  });

  test('a POST in doubt is repeated under the same key', async () => {
    const [bus, redis] = [createBus(), createRedis()];
    const before = new ScriptedInsurer({ post: ['nothing'] });
    const after = new ScriptedInsurer({ post: [says.quoted] });
    const first = startPod({ bus, insurers: panel({ alfa: before }), redis });
    await send(bus, submitted(['alfa']));
    await until('it is POSTed', () => before.posts.length === 1);
    await first.stop();
    startPod({ bus, insurers: panel({ alfa: after }), redis });
    await until('the record is done', () => isDone(bus));
    expect(after.posts.map(({ idempotencyKey }) => idempotencyKey)).toEqual(before.posts.map(({ idempotencyKey }) => idempotencyKey));
  });

  test('a stored answer is published under its own id, and the insurer is left alone', async () => {
    const [bus, redis] = [createBus(), createRedis()];
    const before = new ScriptedInsurer({ post: [says.quoted] });
    const after = new ScriptedInsurer();
    const ids: string[] = [];
    const request = submitted(['alfa']);
    const first = startPod({
      bus,
      insurers: panel({ alfa: before }),
      redis,
      publisher: { publish: ({ id }) => (ids.push(id), new Promise(() => undefined)) },
    });
    await send(bus, request);
    await until('it is being published', () => ids.length === 1);
    await first.stop();
    startPod({ bus, insurers: panel({ alfa: after }), redis });
    await until('the record is done', () => isDone(bus));
    expect(legEvents(bus, request.data.request_id).map(({ id }) => id)).toEqual(ids);
    expect([...after.posts, ...after.polls]).toEqual([]);
  });

  test('with the store emptied, the run begins anew and ends all the same', async () => {
    const bus = createBus();
    const before = new ScriptedInsurer();
    const after = new ScriptedInsurer({ post: [says.quoted] });
    const request = submitted(['alfa']);
    const first = startPod({ bus, insurers: panel({ alfa: before }) });
    await send(bus, request);
    await until('it is polled', () => before.polls.length > 0);
    await first.stop();
    startPod({ bus, insurers: panel({ alfa: after }) });
    await until('the record is done', () => isDone(bus));
    expect(after.posts[0]?.idempotencyKey).toBe(before.posts[0]?.idempotencyKey);
    expect(outcomes(bus, request)).toEqual(['alfa quoted']);
  });
});

describe('after a crash', () => {
  test('any pod takes the run when the lease is over, also one that owns nothing', async () => {
    const [bus, redis] = [createBus(), createRedis()];
    const before = new ScriptedInsurer();
    const after = new ScriptedInsurer({ poll: [says.quoted] });
    const request = submitted(['alfa', 'beta']);
    const slow = new ScriptedInsurer({ post: ['nothing'] });
    const first = startPod({ bus, insurers: panel({ alfa: before, beta: slow }), redis });
    await send(bus, request);
    await until('it is polled', () => before.polls.length > 0);
    // The other pod knows the run from Redis only: its bus has no such record.
    const elsewhere = createBus();
    const heir = startPod({ bus: elsewhere, insurers: panel({ alfa: after, beta: new ScriptedInsurer({ post: [says.declined] }) }), redis });
    await first.crash();
    const crashedAtMs = performance.now();
    await until('the heir has ended it', () => outcomes(elsewhere, request).length === 2);
    expect(performance.now() - crashedAtMs).toBeLessThan(TAKEN_MS_MAX);
    expect(outcomes(elsewhere, request)).toEqual(['alfa quoted', 'beta declined']);
    expect(after.posts).toEqual([]);
    expect(heir.lines).toContainEqual(expect.objectContaining({ msg: 'run resumed', count: 2 }));
  });

  test('its record is done by the next owner, once the heir has finished the run', async () => {
    const [bus, redis] = [createBus(), createRedis()];
    const alfa = new ScriptedInsurer({ poll: ['nothing'] });
    const first = startPod({ bus, insurers: panel({ alfa }), redis });
    const request = submitted(['alfa'], { deadlineInMs: 30_000 });
    await send(bus, request);
    await until('it is polled', () => alfa.polls.length > 0);
    await first.crash();
    startPod({ bus, insurers: panel({ alfa: new ScriptedInsurer({ poll: [says.quoted] }) }), redis });
    await until('the record is done', () => isDone(bus));
    expect(outcomes(bus, request)).toEqual(['alfa quoted']);
    expect(alfa.posts).toHaveLength(1);
  });
});

test.each([
  ['a request', (request: Submitted) => request, APPLICATION],
  ['a retry of a request that nobody knows any more', (request: Submitted) => retryAsked(request, 'alfa'), CHANGED],
] as const)('after a crash between the claim and the first leg that is stored, a peer begins %s', async (_, recordOf, sent) => {
  const [bus, elsewhere, redis] = [createBus(), createBus(), createRedis()];
  const runStore = new MemoryRunStore(redis);
  const saved = Promise.withResolvers<undefined>();
  let isSaving = false;
  runStore.save = () => ((isSaving = true), saved.promise);
  const [before, after] = [new ScriptedInsurer(), new ScriptedInsurer({ post: [says.quoted] })];
  const request = submitted(['alfa']);
  const first = startPod({ bus, insurers: panel({ alfa: before }), runStore });
  await send(bus, recordOf(request));
  await until('its first step is being stored', () => isSaving);
  // It never saw the record: its bus has none.
  startPod({ bus: elsewhere, insurers: panel({ alfa: after }), redis });
  runStore.goAway();
  await first.stop();
  await until('the heir has ended it', () => outcomes(elsewhere, request).length === 1);
  expect(outcomes(elsewhere, request)).toEqual(['alfa quoted']);
  expect(after.posts.map(({ application }) => application)).toEqual([sent]);
  expect(before.posts).toEqual([]);
});

describe('a partition that goes to another pod', () => {
  test('leaves its runs where they are: the old pod ends them under its lease, the new owner commits them', async () => {
    const [bus, redis] = [createBus(), createRedis()];
    const before = new ScriptedInsurer({ poll: ['nothing'] });
    const after = new ScriptedInsurer();
    const moving = submitted(['alfa'], { deadlineInMs: 4_000 });
    const first = startPod({ bus, insurers: panel({ alfa: before }), redis });
    await send(bus, moving, 3);
    await until('it is being polled', () => before.polls.length === 1);
    // The second member gets every second partition: 1 and 3.
    const second = startPod({ bus, insurers: panel({ alfa: after }), redis });
    await until('the record is done', () => isDone(bus, 1, 3));
    expect([...after.posts, ...after.polls]).toEqual([]);
    expect(before.polls.filter(({ signal }) => signal.aborted)).toEqual([]);
    expect(outcomes(bus, moving)).toEqual(['alfa timeout']);
    expect(legEvents(bus, moving.data.request_id).at(-1)?.data.fence).toBeGreaterThan(0);
    expect([first, second].map(({ lines }) => lines.filter(({ msg }) => msg === 'run resumed'))).toEqual([[], []]);
  });

  test('without Redis takes its runs along: the old pod ends its calls, the new owner drives', async () => {
    const bus = createBus();
    const before = new ScriptedInsurer({ poll: ['nothing'] });
    const after = new ScriptedInsurer({ post: [says.quoted] });
    const stores = [new MemoryRunStore(), new MemoryRunStore()] as const;
    for (const store of stores) store.goAway(LEASE_MS);
    const moving = submitted(['alfa']);
    startPod({ bus, insurers: panel({ alfa: before }), runStore: stores[0] });
    await send(bus, moving, 3);
    await until('it is being polled', () => before.polls.length === 1);
    startPod({ bus, insurers: panel({ alfa: after }), runStore: stores[1] });
    await until('the record is done', () => isDone(bus, 1, 3));
    expect(outcomes(bus, moving)).toEqual(['alfa quoted']);
    await until('the old pod has ended its call', () => before.polls[0]?.signal.aborted === true);
  });

  test('while its runs are being prepared without Redis starts none of them', async () => {
    const bus = createBus();
    const gate = Promise.withResolvers<undefined>();
    let claims = 0;
    const runStore = new MemoryRunStore();
    runStore.goAway(LEASE_MS);
    runStore.claim = async () => {
      claims += 1;
      await gate.promise;
      return undefined;
    };
    const [before, after] = [new ScriptedInsurer(), new ScriptedInsurer({ post: [says.quoted] })];
    startPod({ bus, insurers: panel({ alfa: before }), runStore });
    await send(bus, submitted(['alfa']), 3);
    await until('it is being claimed', () => claims === 1);
    startPod({ bus, insurers: panel({ alfa: after }) });
    await until('the new owner is done', () => isDone(bus, 1, 3));
    gate.resolve(undefined);
    await settled();
    expect(before.posts).toEqual([]);
  });
});

describe('a newer holder', () => {
  /** As after a pause of the whole process that was longer than its lease. */
  const takenFrom = async ({ store }: Pod, { data: { request_id } }: Submitted): Promise<MemoryRunStore> => {
    store.redis.release(2, store.holder);
    const heir = new MemoryRunStore(store.redis);
    expect(await heir.claim(2, request_id)).toMatchObject({ head: {} });
    return heir;
  };

  test('stops the old one at its next step, and nothing more of it is published', async () => {
    const [bus, redis] = [createBus(), createRedis()];
    const alfa = new ScriptedInsurer({ poll: [says.pending, says.quoted] });
    const beta = new ScriptedInsurer({ post: ['nothing'] });
    const request = submitted(['alfa', 'beta']);
    const first = startPod({ bus, insurers: panel({ alfa, beta }), redis });
    await send(bus, request);
    await until('it is polled', () => alfa.polls.length === 1);
    await takenFrom(first, request);
    await until('the old one has stopped', () => first.lines.some(({ msg }) => msg === 'a newer holder has the run'));
    expect(beta.posts[0]?.signal.aborted).toBe(true);
    expect(outcomes(bus, request)).toEqual([]);
    expect(isDone(bus)).toBe(false);
  });

  test('that vanishes leaves no stuck run: it is taken again, and ended in time', async () => {
    const [bus, redis] = [createBus(), createRedis()];
    const alfa = new ScriptedInsurer({ poll: [says.pending, 'nothing'] });
    const beta = new ScriptedInsurer({ post: [says.declined] });
    const request = submitted(['alfa', 'beta'], { deadlineInMs: 2_500 });
    const first = startPod({ bus, insurers: panel({ alfa, beta }), redis });
    await send(bus, request);
    await until('beta has answered and alfa is polled', () => alfa.polls.length === 1 && outcomes(bus, request).length === 1);
    await takenFrom(first, request);
    await until('the record is done', () => isDone(bus));
    expect(Date.now()).toBeLessThan(Date.parse(request.data.deadline_at) + TAKEN_MS_MAX);
    expect(outcomes(bus, request)).toEqual(['alfa timeout', 'beta declined']);
  });

  test('that lives and does not end a leg is helped by the owner two seconds after the deadline: fence 0', async () => {
    const [bus, redis] = [createBus(), createRedis()];
    const alfa = new ScriptedInsurer();
    const request = submitted(['alfa'], { deadlineInMs: 2_000 });
    const first = startPod({ bus, insurers: panel({ alfa }), redis });
    await send(bus, request);
    await until('it is polled', () => alfa.polls.length === 1);
    const heir = await takenFrom(first, request);
    const living = setInterval(() => void heir.beat(2, { isHolding: true, handled: [] }), 100);
    await until('the record is done', () => isDone(bus));
    clearInterval(living);
    expect(Date.now()).toBeGreaterThanOrEqual(Date.parse(request.data.deadline_at) + 2_000);
    const [timeout] = legEvents(bus, request.data.request_id).filter(({ data }) => data.status === 'timeout');
    expect(timeout?.data).toMatchObject({ fence: 0, deadline_at: request.data.deadline_at });
  });
});

describe('Redis that is away', () => {
  test('does not hold a new request, and what is driven without it is taken back by it', async () => {
    const [bus, redis] = [createBus(), createRedis()];
    const before = new ScriptedInsurer();
    const after = new ScriptedInsurer({ poll: [says.pending, says.quoted] });
    const request = submitted(['alfa']);
    const first = startPod({ bus, insurers: panel({ alfa: before }), redis });
    await send(bus, request);
    await until('it is polled', () => before.polls.length === 1);
    await first.stop();
    const second = startPod({ bus, insurers: panel({ alfa: after }), redis });
    second.store.goAway();
    await until('the second pod polls or asks', () => after.posts.length + after.polls.length > 0);
    second.store.comeBack();
    await until('the record is done', () => isDone(bus));
    expect(outcomes(bus, request)).toEqual(['alfa quoted']);
  });

  test('and comes back empty gets every run again: a peer can take it', async () => {
    const [bus, redis] = [createBus(), createRedis()];
    const alfa = new ScriptedInsurer({ poll: ['nothing'] });
    const request = submitted(['alfa', 'beta']);
    const pod = startPod({ bus, insurers: panel({ alfa, beta: new ScriptedInsurer({ post: ['nothing'] }) }), redis });
    await send(bus, request);
    await until('it is polled', () => alfa.polls.length === 1);
    redis.flush();
    await until('both legs are stored', () => pod.store.leg(request.data.request_id, 'beta') !== undefined);
    expect(pod.store.leg(request.data.request_id, 'alfa')?.phase).toMatchObject({ application_id: 'app-1' });
    pod.store.redis.release(2, pod.store.holder);
    const claim = redis.claim(2, request.data.request_id, 'heir');
    expect(claim).toMatchObject({ head: { application_sealed: request.data.application_sealed } });
  });
});
