/** Everything that the aggregator keeps in Redis, on a real cluster of three nodes. */
import { afterEach, expect, test } from '@jest/globals';
import type { InsurerSettings } from '@osago/contracts';
import { createMetrics, systemClock } from '@osago/service-kit';
import {
  APPLICATION,
  createBus,
  isDone,
  outcomes,
  panel,
  PARTITIONS,
  says,
  ScriptedInsurer,
  send,
  startPod,
  stopPods,
  submitted,
  until,
} from './aggregator-given.ts';
import { closeLater, closeServers, json, startInsurer } from './insurer-server.ts';
import { createAgent } from './insurer-http.ts';
import { InsurerControls } from './insurer-controls.ts';
import { createInsurers } from './insurers.ts';
import { PollLearning } from './poll-learning.ts';
import { cleanUp, connect, connectedStore, ownCluster } from './redis-given.ts';
import { RunStore } from './run-store.ts';

const TEST_MS = 120_000;

afterEach(async () => {
  await stopPods();
  await closeServers();
  await cleanUp();
}, TEST_MS);

const insurerOf = (insurer_id: string, base_url: string): InsurerSettings => ({
  insurer_id,
  name: 'A',
  base_url,
  adapter: 'standard',
  rate_per_s: 1_000,
  burst: 100,
  concurrency: 10,
  deadline_ms: 60_000,
  post_timeout_ms: 5_000,
  cache_hours: 24,
});

test('runs are stored and taken over; limits, quotes and what operators change are shared', async () => {
  const { url, nodes } = await ownCluster();
  const { store, metrics } = await connectedStore(url);
  const bus = createBus();
  const requests = Array.from({ length: PARTITIONS }, () => submitted(['alfa']));
  const before = new ScriptedInsurer();
  const first = startPod({ bus, insurers: panel({ alfa: before }), runStore: new RunStore(store, 'one') });
  for (const [partition, request] of requests.entries()) await send(bus, request, partition);
  await until('all are polled', () => new Set(before.polls.map(({ signal }) => signal)).size >= PARTITIONS);
  await first.stop();
  const after = new ScriptedInsurer({ poll: [says.quoted] });
  startPod({ bus, insurers: panel({ alfa: after }), runStore: new RunStore(store, 'two') });
  await until('all records are done', () => requests.every((_, partition) => isDone(bus, 1, partition)));
  for (const request of requests) expect(outcomes(bus, request)).toEqual(['alfa quoted']);
  expect(after.posts).toEqual([]);

  const { url: insurerUrl, asked } = await startInsurer(
    json(200, { application_id: 'a', status: 'ready', quote: { premium_kopecks: 700_000 } }),
  );
  const settings = ['alfa', 'beta', 'gamma', 'delta'].map((id) => insurerOf(id, insurerUrl));
  const agent = createAgent(settings);
  closeLater(() => agent.destroy());
  const around = { agent, redis: store, clock: systemClock, metrics: createMetrics('test'), learning: new PollLearning(2_000) };
  const insurers = createInsurers({ ...around, cacheKey: Buffer.from('a key') }, settings, { pod: 'one' });
  closeLater(insurers.close);
  const options = { signal: new AbortController().signal, startByMs: Date.now() + 60_000 };
  const post = (id: string) =>
    insurers.byId.get(id)?.post({ request_id: 'r', idempotencyKey: 'k', application: APPLICATION }, options);
  for (const { insurer_id } of settings) {
    expect(await post(insurer_id)).toMatchObject({ kind: 'quoted' });
    await until('it is given again', async () => 'cached_at' in ((await post(insurer_id)) ?? {}));
    expect(await insurers.gates.get(insurer_id)?.renew()).toMatchObject({ isShared: true });
  }
  expect(asked.length).toBeGreaterThanOrEqual(settings.length);
  const controls = new InsurerControls(store);
  expect(await controls.change('alfa', { paused: true, by: 'a', reason: 'b' }, Date.now())).toMatchObject({ paused: true });
  const other = new InsurerControls(store);
  await other.refresh();
  expect(other.of('alfa').paused).toBe(true);

  const sizes = await Promise.all(nodes.map((node) => connect(node.url).dbsize()));
  expect(sizes.every((size) => size > 0)).toBe(true);
  expect(await metrics.metrics()).toMatch(/^osago_redis_away\S* 0$/m);
}, TEST_MS);

test('a node that has forgotten the scripts is told them again', async () => {
  const { url, nodes } = await ownCluster();
  const { store } = await connectedStore(url);
  const keys = ['{p0}', '{p1}', '{p2}', '{p3}', '{p4}', '{p5}'];
  const ask = () => Promise.all(keys.map((key) => store.script<string>('return KEYS[1]', key, [])));
  expect(await ask()).toEqual(keys);
  for (const node of nodes) await connect(node.url).script('FLUSH');
  expect(await ask()).toEqual(keys);
}, TEST_MS);

test('a node that dies is away for the partitions that it has, and every request ends in time all the same', async () => {
  const { url, nodes } = await ownCluster();
  const { store } = await connectedStore(url);
  const bus = createBus();
  const insurers = { alfa: new ScriptedInsurer({ poll: [says.pending, says.quoted] }), beta: new ScriptedInsurer({ post: ['nothing'] }) };
  const partitions = Array.from({ length: PARTITIONS }, (_, partition) => partition);
  const runStore = new RunStore(store, 'one');
  startPod({ bus, insurers: panel(insurers), runStore });
  const requests = partitions.map(() => submitted(['alfa', 'beta'], { deadlineInMs: 5_000 }));
  for (const [partition, request] of requests.entries()) await send(bus, request, partition);
  await until('all are asked', () => insurers.beta.posts.length === PARTITIONS);
  const [dying] = nodes;
  dying?.kill();
  await dying?.ended;
  await until('all records are done', () => partitions.every((partition) => isDone(bus, 1, partition)));
  for (const request of requests) expect(outcomes(bus, request)).toEqual(['alfa quoted', 'beta timeout']);
  await until('some partition is away', () => partitions.some((partition) => runStore.awayForMs(partition) > 0));
  await until('others are not', async () => {
    const looks = await Promise.all(partitions.map((partition) => runStore.look(partition, 'r')));
    return looks.some((look) => look !== undefined) && looks.includes(undefined);
  });
}, TEST_MS);
