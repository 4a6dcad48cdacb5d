import { afterEach, describe, expect, test } from '@jest/globals';
import type { InsurerSettings } from '@osago/contracts';
import { createMetrics } from '@osago/service-kit';
import { APPLICATION, settled, until } from './aggregator-given.ts';
import { type AnswerWith, closeLater, closeServers, json, startInsurer } from './insurer-server.ts';
import { createInsurers } from './insurers.ts';
import { createAgent } from './standard-insurer.ts';

afterEach(closeServers);

const PENDING = json(200, { application_id: 'a', status: 'pending' });
const CAPACITY = { kind: 'skipped', reason: { code: 'capacity' } };
const CALL = { request_id: '0b0c8b3e-6a2f-4c57-9a55-0a2f2f4d7c11', idempotencyKey: 'k', application: APPLICATION };

/** Answers each call when the test says so. */
const holding = () => {
  const waiting: (() => void)[] = [];
  const answer: AnswerWith = (asked, response) => void waiting.push(() => PENDING(asked, response));
  return { waiting, answer };
};

/** Redis is away, unless told what it answers: each pod keeps the rate by itself, by a clock that the test sets. */
const setup = async (answer: AnswerWith, ...changes: Partial<InsurerSettings>[]) => {
  const { url, asked } = await startInsurer(answer);
  const clock = { ms: 1_000_000, nowMs: () => clock.ms };
  const counted: { reservations: number; answer: unknown } = { reservations: 0, answer: undefined };
  const redis = { script: <T>() => ((counted.reservations += 1), Promise.resolve(counted.answer as T)) };
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
  const insurers = createInsurers({ agent, redis, clock, metrics }, settings);
  const insurer = (id: string) => {
    const found = insurers.get(id);
    if (found === undefined) throw new Error(`no insurer ${id}`);
    return found;
  };
  const options = (given: { signal?: AbortSignal; withinMs?: number } = {}) => ({
    signal: given.signal ?? new AbortController().signal,
    startByMs: clock.ms + (given.withinMs ?? 60_000),
  });
  return { insurers, insurer, asked, clock, counted, metrics, options };
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
    const { insurer, asked, clock, counted, options } = await setup(answer, { concurrency: 1 });
    // Redis knows no past: to a wait that is over it says yes.
    counted.answer = 0;
    const first = insurer('alfa').poll('first', options());
    const second = insurer('alfa').poll('second', options({ withinMs: 50 }));
    await until('the first is made', () => waiting.length === 1);
    clock.ms += 51;
    waiting.shift()?.();
    expect(await first).toEqual({ kind: 'pending' });
    expect(await second).toEqual(CAPACITY);
    expect(asked).toHaveLength(1);
  });

  test('that are abandoned while they wait take nothing of the budget', async () => {
    const { waiting, answer } = holding();
    const { insurer, asked, counted, options } = await setup(answer, { concurrency: 1 });
    const stop = new AbortController();
    const first = insurer('alfa').poll('first', options());
    const second = insurer('alfa').poll('second', options({ signal: stop.signal }));
    await until('the first is made', () => waiting.length === 1);
    stop.abort();
    waiting.shift()?.();
    await Promise.all([first, second]);
    expect(asked).toHaveLength(1);
    expect(counted.reservations).toBe(1);
  });
});

describe('calls a second', () => {
  test('beyond rate and burst wait, and end as capacity when they would start too late', async () => {
    const { insurer, asked, options } = await setup(PENDING, { rate_per_s: 10, burst: 2 });
    const poll = (withinMs: number) => insurer('alfa').poll('a', options({ withinMs }));
    expect(await poll(0)).toEqual({ kind: 'pending' });
    expect(await poll(0)).toEqual({ kind: 'pending' });
    // The third could start 100 ms from now.
    expect(await poll(99)).toEqual(CAPACITY);
    expect(asked).toHaveLength(2);
    const startedAtMs = performance.now();
    expect(await poll(100)).toEqual({ kind: 'pending' });
    expect(performance.now() - startedAtMs).toBeGreaterThanOrEqual(99);
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
    expect(await insurer('alfa').poll('a', options({ withinMs: 0 }))).toEqual({ kind: 'pending' });
    expect(await insurer('alfa').poll('a', options({ withinMs: 0 }))).toEqual(CAPACITY);
    expect(await insurer('beta').poll('a', options({ withinMs: 0 }))).toEqual({ kind: 'pending' });
  });
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
