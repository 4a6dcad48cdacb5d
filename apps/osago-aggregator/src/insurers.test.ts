import { afterEach, describe, expect, test } from '@jest/globals';
import type { InsurerSettings } from '@osago/contracts';
import { createMetrics } from '@osago/service-kit';
import { APPLICATION, settled, until } from './aggregator-given.ts';
import { type AnswerWith, closeLater, closeServers, json, startInsurer } from './insurer-server.ts';
import { createInsurers } from './insurers.ts';
import { PollLearning } from './poll-learning.ts';
import { createAgent } from './insurer-http.ts';

afterEach(closeServers);

/** How long a breaker stays open the first time: time enough to look at it while it is, on a slow machine too. */
const OPEN_MS = 2_000;
const PENDING = json(200, { application_id: 'a', status: 'pending' });
const CAPACITY = { kind: 'skipped', reason: { code: 'capacity' } };
const CALL = { request_id: '0b0c8b3e-6a2f-4c57-9a55-0a2f2f4d7c11', idempotencyKey: 'k', application: APPLICATION };

/** Answers each call when the test says so. */
const holding = () => {
  const waiting: (() => void)[] = [];
  const answer: AnswerWith = (asked, response) => void waiting.push(() => PENDING(asked, response));
  return { waiting, answer };
};

/** Redis is away: the pod keeps the limits by itself. Deadlines go by a clock that the test sets. */
const setup = async (answer: AnswerWith, ...changes: Partial<InsurerSettings>[]) => {
  const { url, asked } = await startInsurer(answer);
  const clock = { ms: 1_000_000, nowMs: () => clock.ms };
  const redis = { script: () => Promise.resolve(undefined) };
  const metrics = createMetrics('test');
  const settings = changes.map((change, at): InsurerSettings => ({
    insurer_id: ['alfa', 'beta'][at] ?? '',
    name: 'A',
    base_url: `${url}/${at}`,
    adapter: 'standard',
    rate_per_s: 1_000,
    burst: 1_000,
    concurrency: 5,
    deadline_ms: 60_000,
    post_timeout_ms: 5_000,
    cache_hours: 0,
    ...change,
  }));
  const agent = createAgent(settings);
  closeLater(() => agent.destroy());
  const { byId: insurers, close } = createInsurers({ agent, redis, clock, metrics, learning: new PollLearning(2_000) }, settings, { pod: 'pod-1', openMs: OPEN_MS });
  closeLater(close);
  const insurer = (id: string) => {
    const found = insurers.get(id);
    if (found === undefined) throw new Error(`no insurer ${id}`);
    return found;
  };
  const options = (given: { signal?: AbortSignal; withinMs?: number } = {}) => ({
    signal: given.signal ?? new AbortController().signal,
    startByMs: clock.ms + (given.withinMs ?? 60_000),
  });
  return { insurers, insurer, asked, clock, metrics, options };
};

test('there is one insurer for each entry of the file, and none for any other id', async () => {
  const { insurers } = await setup(PENDING, {}, {});
  expect([...insurers.keys()]).toEqual(['alfa', 'beta']);
  expect(insurers.get('gamma')).toBeUndefined();
});

describe('calls at once', () => {
  test('are never more than the insurer bears, and the others wait for their turn', async () => {
    const { waiting, answer } = holding();
    const { insurer, asked, options } = await setup(answer, { concurrency: 3 });
    const replies = Array.from({ length: 10 }, (_, at) =>
      at % 2 === 0 ? insurer('alfa').poll(`p${at}`, options()) : insurer('alfa').post(CALL, options()),
    );
    for (let answered = 0; answered < 10; answered += 1) {
      await until('a call waits for its answer', () => waiting.length > 0);
      await settled();
      expect(asked.length - answered).toBeLessThanOrEqual(3);
      waiting.shift()?.();
    }
    expect((await Promise.all(replies)).map(({ kind }) => kind).sort()).toEqual([
      ...Array<string>(5).fill('accepted'),
      ...Array<string>(5).fill('pending'),
    ]);
  });

  test('of one insurer do not delay another, although both share a host', async () => {
    const { waiting, answer } = holding();
    const slow: AnswerWith = (one, response) => (one.path.startsWith('/0') ? answer : PENDING)(one, response);
    const { insurer, options } = await setup(slow, { concurrency: 2 }, { concurrency: 2 });
    const stuck = Array.from({ length: 4 }, () => insurer('alfa').poll('a', options()));
    await until('the slow one is full', () => waiting.length === 2);
    expect(await insurer('beta').poll('b', options())).toEqual({ kind: 'pending' });
    for (let answered = 0; answered < 4; answered += 1) {
      await until('one waits', () => waiting.length > 0);
      waiting.shift()?.();
    }
    await Promise.all(stuck);
  });

  test('that wait too long are not made: there was no capacity', async () => {
    const { waiting, answer } = holding();
    const { insurer, asked, clock, options } = await setup(answer, { concurrency: 1 });
    const first = insurer('alfa').poll('first', options());
    await until('the first is made', () => waiting.length === 1);
    const second = insurer('alfa').poll('second', options({ withinMs: 50 }));
    clock.ms += 51;
    waiting.shift()?.();
    expect(await first).toEqual({ kind: 'pending' });
    expect(await second).toEqual(CAPACITY);
    expect(asked).toHaveLength(1);
  });

  test('that are abandoned while they wait are not made, and say so at once', async () => {
    const { waiting, answer } = holding();
    const { insurer, asked, options } = await setup(answer, { concurrency: 1 });
    const stop = new AbortController();
    const first = insurer('alfa').poll('first', options());
    const second = insurer('alfa').poll('second', options({ signal: stop.signal }));
    await until('the first is made', () => waiting.length === 1);
    stop.abort();
    expect(await second).toEqual(CAPACITY);
    waiting.shift()?.();
    expect(await first).toEqual({ kind: 'pending' });
    expect(asked).toHaveLength(1);
  });

  test('start by deadline, the earliest first, whatever their order', async () => {
    const { waiting, answer } = holding();
    const { insurer, asked, options } = await setup(answer, { concurrency: 1 });
    const poll = (withinMs: number) => insurer('alfa').poll(`${withinMs}`, options({ withinMs }));
    const busy = poll(9_000);
    await until('it is busy', () => waiting.length === 1);
    const calls = [busy, ...[3_000, 7_000, 1_000, 5_000].map(poll)];
    for (let answered = 0; answered < calls.length; answered += 1) {
      await until('one waits', () => waiting.length > 0);
      waiting.shift()?.();
      await settled();
    }
    await Promise.all(calls);
    expect(asked.map(({ path }) => path.split('/').at(-1))).toEqual(['9000', '1000', '3000', '5000', '7000']);
  });

  test('that are late polls come after all others', async () => {
    const { waiting, answer } = holding();
    const { insurer, asked, options } = await setup(answer, { concurrency: 1 });
    const polls = ['busy', 'late', 'in-time', 'in-time'].map((name) =>
      insurer('alfa').poll(name, { ...options(), isLate: name === 'late' }),
    );
    for (let answered = 0; answered < polls.length; answered += 1) {
      await until('one waits', () => waiting.length > 0);
      waiting.shift()?.();
    }
    await Promise.all(polls);
    expect(asked.map(({ path }) => path.split('/').at(-1))).toEqual(['busy', 'in-time', 'in-time', 'late']);
  });
});

describe('calls a second', () => {
  test('beyond rate and burst wait, and end as capacity when they would start too late', async () => {
    const { insurer, asked, options } = await setup(PENDING, { rate_per_s: 0.5, burst: 2 });
    const poll = (withinMs: number) => insurer('alfa').poll('a', options({ withinMs }));
    const startedAtMs = performance.now();
    expect(await poll(5_000)).toEqual({ kind: 'pending' });
    expect(await poll(5_000)).toEqual({ kind: 'pending' });
    // The third may start two seconds after the first.
    expect(await poll(20)).toEqual(CAPACITY);
    expect(asked).toHaveLength(2);
    expect(await poll(5_000)).toEqual({ kind: 'pending' });
    expect(performance.now() - startedAtMs).toBeGreaterThanOrEqual(1_990);
  });

  test('that wait for the rate stop waiting when they are abandoned', async () => {
    const { insurer, asked, options } = await setup(PENDING, { rate_per_s: 0.1, burst: 1 });
    await insurer('alfa').poll('a', options());
    const stop = new AbortController();
    const waiting = insurer('alfa').poll('a', options({ signal: stop.signal }));
    await settled();
    stop.abort();
    expect(await waiting).toEqual(CAPACITY);
    expect(asked).toHaveLength(1);
  });

  test('are counted for each insurer by itself', async () => {
    const { insurer, options } = await setup(PENDING, { rate_per_s: 0.1, burst: 1 }, { rate_per_s: 0.1, burst: 1 });
    const soon = { withinMs: 5_000 };
    expect(await insurer('alfa').poll('a', options(soon))).toEqual({ kind: 'pending' });
    expect(await insurer('alfa').poll('a', options(soon))).toEqual(CAPACITY);
    expect(await insurer('beta').poll('a', options(soon))).toEqual({ kind: 'pending' });
  });
});

describe('an insurer that asks us to wait', () => {
  test('is asked by nobody until then, whoever it told', async () => {
    const answers: AnswerWith[] = [json(429, {}, { 'retry-after': '0.3' })];
    const { insurer, asked, options } = await setup((one, response) => (answers.shift() ?? PENDING)(one, response), {});
    const startedAtMs = performance.now();
    await insurer('alfa').poll('told', options());
    expect(await insurer('alfa').poll('other', options())).toEqual({ kind: 'pending' });
    expect(performance.now() - startedAtMs).toBeGreaterThanOrEqual(299);
    expect(asked).toHaveLength(2);
  });

  test('for longer than a call has time ends it at once', async () => {
    const { insurer, asked, options } = await setup(json(503, {}, { 'retry-after': '30' }), {});
    await insurer('alfa').poll('told', options());
    expect(await insurer('alfa').post(CALL, options({ withinMs: 20_000 }))).toEqual(CAPACITY);
    expect(asked).toHaveLength(1);
  });
});

describe('an insurer whose calls fail', () => {
  const BREAKER_OPEN = { kind: 'skipped', reason: { code: 'breaker_open' } };

  test('is not asked any more: its breaker is open', async () => {
    const { insurer, asked, options } = await setup(json(500, {}), {});
    for (let call = 0; call < 10; call += 1) await insurer('alfa').poll('a', options());
    expect(await insurer('alfa').post(CALL, options())).toEqual(BREAKER_OPEN);
    expect(asked).toHaveLength(10);
  });

  test.each([
    ['429', json(429, {})],
    ['400', json(400, {})],
    ['404', json(404, {})],
  ])('with %s is not sick', async (_, answer) => {
    const { insurer, options } = await setup(answer, {});
    for (let call = 0; call < 30; call += 1) {
      expect(await insurer('alfa').poll('a', options())).not.toEqual(BREAKER_OPEN);
    }
  });

  test('is tried by a single call when the time is up, and asked by all once that is answered', async () => {
    const { waiting, answer } = holding();
    let isSick = true;
    const { insurer, asked, options } = await setup((one, response) => (isSick ? json(500, {}) : answer)(one, response), {});
    for (let call = 0; call < 10; call += 1) await insurer('alfa').poll('a', options());
    isSick = false;
    const replies: Promise<{ kind: string }>[] = [];
    await until('one is let through', () => {
      replies.push(insurer('alfa').poll('a', options()));
      return waiting.length > 0;
    });
    for (let tries = 0; tries < 20; tries += 1) expect(await insurer('alfa').poll('a', options())).toEqual(BREAKER_OPEN);
    expect(asked).toHaveLength(11);
    waiting.shift()?.();
    const kinds = (await Promise.all(replies)).map(({ kind }) => kind);
    expect(kinds.filter((kind) => kind === 'pending')).toHaveLength(1);
    const after = insurer('alfa').poll('a', options());
    await until('it is asked again', () => waiting.length > 0);
    waiting.shift()?.();
    expect(await after).toEqual({ kind: 'pending' });
  });

  test('tells those that wait at once', async () => {
    const { waiting, answer } = holding();
    const failing: AnswerWith = (one, response) => (one.path.endsWith('/held') ? answer : json(500, {}))(one, response);
    const { insurer, options } = await setup(failing, { concurrency: 2 });
    const held = [insurer('alfa').poll('held', options()), insurer('alfa').poll('held', options())];
    await until('all places are taken', () => waiting.length === 2);
    const others = Array.from({ length: 15 }, () => insurer('alfa').poll('a', options()));
    waiting.shift()?.();
    expect((await Promise.all(others)).slice(-5)).toEqual(Array(5).fill(BREAKER_OPEN));
    waiting.shift()?.();
    await Promise.all(held);
  });
});

test('an adapter that nobody knows is a fault of the configuration', async () => {
  await expect(setup(PENDING, { adapter: 'telex' })).rejects.toThrow('alfa has the adapter "telex", none of standard, instant');
});

test('an address that is none is a fault of the configuration', async () => {
  await expect(setup(PENDING, { base_url: 'insurer.example/api' })).rejects.toThrow('base_url of alfa is no URL');
});

test('calls are counted and timed by what they came to', async () => {
  const answers: AnswerWith[] = [PENDING, json(429, {}), json(400, {})];
  const { insurer, metrics, options } = await setup((one, response) => answers.shift()?.(one, response), {});
  await insurer('alfa').post(CALL, options());
  await insurer('alfa').poll('a', options());
  await insurer('alfa').poll('a', options());
  const text = await metrics.getSingleMetricAsString('osago_insurer_calls_total');
  for (const labels of ['call="post",reply="accepted"', 'call="poll",reply="busy"', 'call="poll",reply="rejected"']) {
    expect(text).toContain(`osago_insurer_calls_total{insurer_id="alfa",${labels},app="test"} 1`);
  }
  expect(await metrics.getSingleMetricAsString('osago_insurer_call_seconds')).toContain(
    'osago_insurer_call_seconds_count{app="test",insurer_id="alfa",call="poll"} 2',
  );
});
