/** A run goes from pod to pod: crash, rebalance, two holders at once. */
import { afterEach, describe, expect, test } from '@jest/globals';
import {
  cancelled,
  createBus,
  isDone,
  legEvents,
  MemoryRunStore,
  outcomes,
  panel,
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

describe('after a crash', () => {
  test('a known application is polled on and not POSTed again', async () => {
    const bus = createBus();
    const runStore = new MemoryRunStore();
    const before = new ScriptedInsurer();
    const after = new ScriptedInsurer({ poll: [says.quoted] });
    const request = submitted(['alfa']);
    const first = startPod({ bus, insurers: panel({ alfa: before }), runStore });
    await send(bus, request);
    await until('it is polled', () => before.polls.length > 0);
    await first.stop();
    expect(isDone(bus)).toBe(false);

    startPod({ bus, insurers: panel({ alfa: after }), runStore });
    await until('the record is done', () => isDone(bus));
    expect(after.posts).toEqual([]);
    expect(after.polls[0]?.applicationId).toBe('app-1');
    expect(outcomes(bus, request)).toEqual(['alfa quoted']);
    const fences = legEvents(bus, request.data.request_id).map(({ data }) => data.fence);
    expect(fences[1]).toBeGreaterThan(fences[0] ?? Infinity);
  });

  test('a POST in doubt is repeated under the same key', async () => {
    const bus = createBus();
    const runStore = new MemoryRunStore();
    const before = new ScriptedInsurer({ post: ['nothing'] });
    const after = new ScriptedInsurer({ post: [says.quoted] });
    const request = submitted(['alfa']);
    const first = startPod({ bus, insurers: panel({ alfa: before }), runStore });
    await send(bus, request);
    await until('it is POSTed', () => before.posts.length === 1);
    await first.stop();
    startPod({ bus, insurers: panel({ alfa: after }), runStore });
    await until('the record is done', () => isDone(bus));
    expect(after.posts.map(({ idempotencyKey }) => idempotencyKey)).toEqual(before.posts.map(({ idempotencyKey }) => idempotencyKey));
  });

  test('a stored answer is published under its own id, and the insurer is left alone', async () => {
    const bus = createBus();
    const runStore = new MemoryRunStore();
    const before = new ScriptedInsurer({ post: [says.quoted] });
    const after = new ScriptedInsurer();
    const ids: string[] = [];
    const request = submitted(['alfa']);
    const first = startPod({
      bus,
      insurers: panel({ alfa: before }),
      runStore,
      publisher: { publish: ({ id }) => (ids.push(id), new Promise(() => undefined)) },
    });
    await send(bus, request);
    await until('it is being published', () => ids.length === 1);
    await first.stop();
    startPod({ bus, insurers: panel({ alfa: after }), runStore });
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
    startPod({ bus, insurers: panel({ alfa: after }), runStore: new MemoryRunStore() });
    await until('the record is done', () => isDone(bus));
    expect(after.posts[0]?.idempotencyKey).toBe(before.posts[0]?.idempotencyKey);
    expect(outcomes(bus, request)).toEqual(['alfa quoted']);
  });

  test('a cancel that was read before stays in force', async () => {
    const bus = createBus();
    const runStore = new MemoryRunStore();
    const alfa = new ScriptedInsurer();
    // A request before it holds the commit, so that both records are delivered again.
    const [blocking, request] = [submitted(['silent']), submitted(['alfa'])];
    const insurers = panel({ alfa, silent: new ScriptedInsurer({ post: ['nothing'] }) });
    const first = startPod({ bus, insurers, runStore });
    await send(bus, blocking);
    await send(bus, request);
    await until('it is polled', () => alfa.polls.length > 0);
    await send(bus, cancelled(request));
    await until('the cancel is stored', () => runStore.leg(request.data.request_id, 'alfa')?.cancelled === true);
    await first.stop();
    const polls = alfa.polls.length;
    const second = startPod({ bus, insurers, runStore });
    await until('the run is taken over', () => second.lines.filter(({ msg }) => msg === 'run resumed').length === 2);
    await settled();
    expect(alfa.polls).toHaveLength(polls);
    expect(alfa.posts).toHaveLength(1);
  });
});

describe('a partition that goes to another pod', () => {
  test('takes its runs along: the old pod ends its calls and publishes nothing more, the new one polls on', async () => {
    const bus = createBus();
    const runStore = new MemoryRunStore();
    const before = new ScriptedInsurer({ poll: ['nothing'] });
    const after = new ScriptedInsurer({ poll: [says.quoted] });
    const [moving, staying] = [submitted(['alfa']), submitted(['alfa'])];
    startPod({ bus, insurers: panel({ alfa: before }), runStore });
    await send(bus, moving, 3);
    await send(bus, staying, 2);
    await until('both are being polled', () => before.polls.length === 2);
    // The second member gets every second partition: 1 and 3.
    startPod({ bus, insurers: panel({ alfa: after }), runStore });
    await until('the moved record is done', () => isDone(bus, 1, 3));
    expect(after.posts).toEqual([]);
    expect(outcomes(bus, moving)).toEqual(['alfa quoted']);
    expect(outcomes(bus, staying)).toEqual([]);
    expect(before.polls.filter(({ signal }) => signal.aborted)).toHaveLength(1);
  });

  test('while its runs are being prepared starts none of them', async () => {
    const bus = createBus();
    const gate = Promise.withResolvers<undefined>();
    let claims = 0;
    // Redis is away: nothing but the loss of the partition keeps the old owner from asking.
    const runStore = {
      claim: async () => {
        claims += 1;
        await gate.promise;
        return undefined;
      },
      save: () => Promise.resolve(true),
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

  test('while a step is being stored has nothing of that step carried out', async () => {
    const bus = createBus();
    const gate = Promise.withResolvers<undefined>();
    const stored = new MemoryRunStore();
    let saves = 0;
    const runStore = {
      claim: stored.claim.bind(stored),
      save: async (...args: Parameters<MemoryRunStore['save']>) => {
        const isHolder = await stored.save(...args);
        saves += 1;
        await gate.promise;
        return isHolder;
      },
    };
    const [before, after] = [new ScriptedInsurer(), new ScriptedInsurer({ post: [says.quoted] })];
    startPod({ bus, insurers: panel({ alfa: before }), runStore });
    await send(bus, submitted(['alfa']), 3);
    await until('the intent is being stored', () => saves === 1);
    startPod({ bus, insurers: panel({ alfa: after }), runStore: stored });
    await until('the new owner is done', () => isDone(bus, 1, 3));
    gate.resolve(undefined);
    await settled();
    expect(before.posts).toEqual([]);
  });
});

describe('a newer holder', () => {
  test('stops the old one at its next step, and nothing more of it is published', async () => {
    const bus = createBus();
    const runStore = new MemoryRunStore();
    const alfa = new ScriptedInsurer({ poll: [says.pending, says.quoted] });
    const beta = new ScriptedInsurer({ post: ['nothing'] });
    const request = submitted(['alfa', 'beta']);
    const { lines } = startPod({ bus, insurers: panel({ alfa, beta }), runStore });
    await send(bus, request);
    await until('it is polled', () => alfa.polls.length === 1);
    await runStore.claim(2, request.data.request_id);
    await until('the old one has stopped', () => lines.some(({ msg }) => msg === 'a newer holder has the run'));
    expect(beta.posts[0]?.signal.aborted).toBe(true);
    expect(outcomes(bus, request)).toEqual([]);
    expect(isDone(bus)).toBe(false);
  });

  test('that vanishes leaves no stuck record: two seconds after the deadline the owner ends it', async () => {
    const bus = createBus();
    const runStore = new MemoryRunStore();
    const alfa = new ScriptedInsurer({ poll: [says.pending, says.quoted] });
    const beta = new ScriptedInsurer({ post: [says.declined] });
    const request = submitted(['alfa', 'beta'], { deadlineInMs: 700 });
    startPod({ bus, insurers: panel({ alfa, beta }), runStore });
    await send(bus, request);
    await until('beta has answered and alfa is polled', () => alfa.polls.length === 1 && outcomes(bus, request).length === 1);
    await runStore.claim(2, request.data.request_id);
    await until('the record is done', () => isDone(bus));
    expect(Date.now()).toBeGreaterThanOrEqual(Date.parse(request.data.deadline_at) + 2_000);
    expect(outcomes(bus, request)).toEqual(['alfa timeout', 'beta declined']);
    const [timeout] = legEvents(bus, request.data.request_id).filter(({ data }) => data.status === 'timeout');
    expect(timeout?.data.fence).toBe(0);
  });

  test('is the one that took the run while the store was away, once the store is back', async () => {
    const bus = createBus();
    const runStore = new MemoryRunStore();
    const before = new ScriptedInsurer();
    const after = new ScriptedInsurer({ poll: [says.pending, says.quoted] });
    const request = submitted(['alfa']);
    const first = startPod({ bus, insurers: panel({ alfa: before }), runStore });
    await send(bus, request);
    await until('it is polled', () => before.polls.length === 1);
    await first.stop();
    runStore.away = true;
    startPod({ bus, insurers: panel({ alfa: after }), runStore });
    await until('the second pod polls', () => after.polls.length === 1);
    runStore.away = false;
    await until('the record is done', () => isDone(bus));
    expect(outcomes(bus, request)).toEqual(['alfa quoted']);
  });
});
