/** Operators change an insurer at one pod; the other pods follow, and a pod that starts anew. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import {
  checker,
  INSURER_CONTROL_KEY,
  INSURER_HISTORY_MAX,
  INSURER_STATE_KEY,
  type InsurerSettings,
  InsurerState,
} from '@osago/contracts';
import { createLog, createMetrics, systemClock } from '@osago/service-kit';
import { APPLICATION, until } from './aggregator-given.ts';
import { closeLater, closeServers, json, startInsurer } from './insurer-server.ts';
import { InsurerControls } from './insurer-controls.ts';
import { InsurerOperations } from './insurer-operations.ts';
import { createInsurers } from './insurers.ts';
import { operatorCalls } from './operator-api.ts';
import { PollLearning } from './poll-learning.ts';
import { cleanUp, connect, connectedStore } from './redis-given.ts';
import { createAgent } from './insurer-http.ts';

const { REDIS_URL = '' } = process.env;
/** A hundred changes over HTTP, on a machine that does other things too. */
const TEST_MS = 60_000;
const WHO = { by: 'Дежурный', reason: 'жалобы на цены' };

beforeEach(async () => {
  const redis = connect(REDIS_URL);
  await redis.del(INSURER_CONTROL_KEY, INSURER_STATE_KEY);
});
afterEach(async () => {
  await closeServers();
  await cleanUp();
});

const startPod = async (baseUrl: string, name: string) => {
  const { store } = await connectedStore(REDIS_URL);
  const settings = ['alfa', 'beta'].map((insurer_id): InsurerSettings => ({
    insurer_id,
    name: 'A',
    base_url: baseUrl,
    adapter: 'standard',
    rate_per_s: 100,
    burst: 10,
    concurrency: 5,
    deadline_ms: 60_000,
    post_timeout_ms: 5_000,
    cache_hours: 0,
  }));
  const agent = createAgent(settings);
  closeLater(() => agent.destroy());
  const learning = new PollLearning(2_000);
  const around = { agent, redis: store, clock: systemClock, metrics: createMetrics('test'), learning };
  const insurers = createInsurers(around, settings, { pod: `${name}-${crypto.randomUUID()}` });
  closeLater(insurers.close);
  const log = createLog('test', 'silent');
  const operations = new InsurerOperations({ controls: new InsurerControls(store), learning, gates: insurers.gates, clock: systemClock, log }, settings);
  const stop = new AbortController();
  const ended = operations.run(stop.signal);
  closeLater(() => (stop.abort(), ended));
  const calls = operatorCalls(operations);
  const server = createServer((request, response) => {
    void calls(request, response, request.url ?? '').then((isKnown) => isKnown || response.writeHead(404).end());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closeLater(async () => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  });
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const get = async (path: string) => (await fetch(`${origin}${path}`)).json();
  const change = (id: string, body: unknown) =>
    fetch(`${origin}/insurers/${id}/changes`, { method: 'POST', body: typeof body === 'string' ? body : JSON.stringify(body) });
  const options = { signal: new AbortController().signal, startByMs: Date.now() + 60_000 };
  const call = { request_id: 'r', idempotencyKey: 'k', application: APPLICATION };
  const post = async (id = 'alfa') => {
    const reply = await insurers.byId.get(id)?.post(call, options);
    return reply?.kind === 'skipped' ? reply.reason.code : reply?.kind;
  };
  const poll = async () => (await insurers.byId.get('alfa')?.poll('a', options))?.kind;
  return { get, change, post, poll, origin };
};

const setup = async () => {
  const { url } = await startInsurer((asked, response) =>
    json(asked.method === 'POST' ? 201 : 200, { application_id: 'a', status: 'pending' })(asked, response),
  );
  return { one: await startPod(url, 'one'), other: await startPod(url, 'other'), again: () => startPod(url, 'again') };
};

describe('an insurer that an operator pauses', () => {
  test('gets no new application from any pod soon after, but answers to earlier ones are fetched', async () => {
    const { one, other } = await setup();
    expect((await one.change('alfa', { paused: true, ...WHO })).status).toBe(200);
    expect(await one.post()).toBe('paused');
    const changedAtMs = performance.now();
    await until('the other pod knows', async () => (await other.post()) === 'paused');
    // A second, and the rest is a machine that does other things too.
    expect(performance.now() - changedAtMs).toBeLessThan(15_000);
    expect(await other.poll()).toBe('pending');
    expect(await other.post('beta')).toBe('accepted');
    await one.change('alfa', { paused: false, ...WHO });
    await until('the other pod knows', async () => (await other.post()) === 'accepted');
  });

  test('is paused after a restart, and after Redis has lost everything', async () => {
    const { one, again } = await setup();
    await one.change('alfa', { paused: true, ...WHO });
    const redis = connect(REDIS_URL);
    await redis.del(INSURER_CONTROL_KEY);
    await until('a pod has restored it', async () => (await redis.hexists(INSURER_CONTROL_KEY, 'alfa')) === 1);
    const restarted = await again();
    await until('the new pod knows', async () => (await restarted.post()) === 'paused');
  });
});

test('Redis that has lost everything loses no change and no history, not even by a change that comes before it is restored', async () => {
  const { one } = await setup();
  await one.change('alfa', { paused: true, limits: { burst: 7 }, ...WHO });
  await one.change('beta', { breaker: 'closed', ...WHO });
  const redis = connect(REDIS_URL);
  await redis.del(INSURER_CONTROL_KEY);
  const changed = await one.change('alfa', { limits: { concurrency: 3 }, ...WHO });
  expect(await changed.json()).toMatchObject({ state: 'paused', limits: { burst: 7, concurrency: 3 } });
  await until('all is restored', async () => (await redis.hlen(INSURER_CONTROL_KEY)) === 4);
  const reasons = async (id: string) => ((await one.get(`/insurers/${id}/history`)) as unknown[]).length;
  expect([await reasons('alfa'), await reasons('beta')]).toEqual([2, 1]);
}, TEST_MS);

test('a breaker that an operator opens refuses everything, until it is closed again', async () => {
  const { one, other } = await setup();
  await one.change('alfa', { breaker: 'open', ...WHO });
  expect(await one.post()).toBe('breaker_open');
  await until('the other pod knows', async () => (await other.post()) === 'breaker_open');
  expect(await other.poll()).toBe('skipped');
  await one.change('alfa', { breaker: 'auto', ...WHO });
  await until('the other pod knows', async () => (await other.post()) === 'accepted');
});

test('limits that an operator changes hold until they are those of the file again', async () => {
  const { one } = await setup();
  const changed = await one.change('alfa', { limits: { rate_per_s: 0.5, burst: 1 }, ...WHO });
  expect(await changed.json()).toMatchObject({ limits: { rate_per_s: 0.5, burst: 1, concurrency: 5 } });
  const reset = await one.change('alfa', { limits: null, ...WHO });
  expect(await reset.json()).toMatchObject({ limits: { rate_per_s: 100, burst: 10, concurrency: 5 } });
});

test('every change is kept with its author, its time and its reason, the newest first, and not more than a bound', async () => {
  const { one } = await setup();
  await one.change('alfa', { paused: true, ...WHO });
  for (let change = 0; change < INSURER_HISTORY_MAX; change += 1) {
    await one.change('alfa', { limits: { burst: change + 1 }, ...WHO });
  }
  const history = (await one.get('/insurers/alfa/history')) as unknown[];
  expect(history).toHaveLength(INSURER_HISTORY_MAX);
  const at = expect.stringMatching(/^\d{4}-.*Z$/) as unknown;
  expect(history[0]).toEqual({ limits: { burst: INSURER_HISTORY_MAX }, ...WHO, at });
}, TEST_MS);

test.each<[string, unknown]>([
  ['no JSON', '{'],
  ['no author', { paused: true, reason: 'x' }],
  ['an empty reason', { paused: true, by: 'x', reason: ' ' }],
  ['nothing to change', { ...WHO }],
  ['a negative rate', { limits: { rate_per_s: -1 }, ...WHO }],
  ['a limit nobody knows', { limits: { speed: 1 }, ...WHO }],
  ['too much at once', { limits: { concurrency: 101 }, ...WHO }],
  ['a breaker that is half open', { breaker: 'half_open', ...WHO }],
  ['more than a change needs', { paused: true, by: 'x', reason: 'y'.repeat(10_000) }],
])('a change with %s is refused, and nothing changes', async (_, body) => {
  const { one } = await setup();
  const response = await one.change('alfa', body);
  expect(response.status).toBe(400);
  expect(response.headers.get('content-type')).toBe('application/problem+json');
  expect(await one.get('/insurers/alfa/history')).toEqual([]);
});

test('what is not there is a 404, and another method a 405', async () => {
  const { one } = await setup();
  expect((await one.change('gamma', { paused: true, ...WHO })).status).toBe(404);
  expect((await fetch(`${one.origin}/insurers/alfa`)).status).toBe(404);
  expect((await fetch(`${one.origin}/insurers/alfa/changes`)).status).toBe(405);
  expect((await fetch(`${one.origin}/insurers`, { method: 'DELETE' })).status).toBe(405);
});

test('how each insurer is stands in Redis for core-app, by the schema', async () => {
  const { one } = await setup();
  await one.post('beta');
  await one.change('alfa', { paused: true, ...WHO });
  const redis = connect(REDIS_URL);
  const check = checker(InsurerState);
  const states = async () => {
    const fields = await redis.hgetall(INSURER_STATE_KEY);
    return Object.values(fields).map((text) => JSON.parse(text) as InsurerState);
  };
  await until('both are told of', async () => {
    const found = (await states()).map(({ insurer_id, state }) => `${insurer_id} ${state}`).sort();
    return found.join() === 'alfa paused,beta up';
  });
  for (const state of await states()) expect(check(state)).toMatchObject({ ok: true });
  expect(await one.get('/insurers')).toMatchObject([{ insurer_id: 'alfa', state: 'paused' }, { insurer_id: 'beta', pods: 2 }]);
});
