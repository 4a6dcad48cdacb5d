/** Everything that requests leave in Redis and in the log file, looked through for every word of the people in them. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from '@jest/globals';
import { type Application, type InsurerSettings, TOPICS } from '@osago/contracts';
import { createMetrics, loadKeyring, systemClock } from '@osago/service-kit';
import type { Redis } from 'ioredis';
import {
  APPLICATION, cancelled, CHANGED, createBus, legEvents, retryAsked, send, startPod, stopPods, submitted, until,
} from './aggregator-given.ts';
import { InsurerControls } from './insurer-controls.ts';
import { InsurerOperations } from './insurer-operations.ts';
import { createAgent } from './insurer-http.ts';
import { type AnswerWith, closeLater, closeServers, json, startInsurer } from './insurer-server.ts';
import { createInsurers } from './insurers.ts';
import { PollLearning } from './poll-learning.ts';
import { cleanUp, connect, connectedStore } from './redis-given.ts';
import { RunStore } from './run-store.ts';

const URL_OF_DATABASE = `${process.env['REDIS_URL'] ?? ''}/9`;
const TEST_MS = 60_000;
const LIMITS = { rate_per_s: 1_000, burst: 1_000, concurrency: 20 };

afterEach(async () => {
  await stopPods();
  await closeServers();
  await cleanUp();
});

/** Whatever the type of the key: its name and all that it holds. */
const allOf = async (redis: Redis): Promise<string[]> => {
  const read = async (key: string): Promise<unknown> => {
    const type = await redis.type(key);
    if (type === 'string') return redis.get(key);
    if (type === 'hash') return redis.hgetall(key);
    if (type === 'zset') return redis.zrange(key, '0', '-1', 'WITHSCORES');
    // Gone since its name was read.
    if (type === 'none') return undefined;
    throw new Error(`${key} is a ${type}, which this test does not read`);
  };
  const keys = await redis.keys('*');
  return Promise.all(keys.map(async (key) => JSON.stringify([key, await read(key)])));
};

const textsOf = (value: unknown): string[] =>
  typeof value === 'string' ? [value] : typeof value === 'object' && value !== null ? Object.values(value).flatMap(textsOf) : [];

/** Two or three characters, as of a region, may be part of any number; the policy's terms name nobody. */
const wordsOf = ({ owner, policyholder, drivers, contacts, vehicle }: Application): string[] =>
  textsOf([owner, policyholder, drivers, contacts, vehicle.vin, vehicle.plate, vehicle.document]).filter((text) => text.length > 3);

test('names nobody, whatever the insurers answered and operators and people did', async () => {
  const redis = connect(URL_OF_DATABASE);
  await redis.flushdb();
  const { store, lines: storeLines } = await connectedStore(URL_OF_DATABASE);
  const folder = mkdtempSync(join(tmpdir(), 'osago-keys-'));
  closeLater(() => Promise.resolve(rmSync(folder, { recursive: true })));
  const keysPath = join(folder, 'keys.jwks.json');
  writeFileSync(keysPath, JSON.stringify({ keys: [{ kty: 'oct', kid: 'log-1', k: Buffer.alloc(32, 7).toString('base64url') }] }));
  const logKeys = await loadKeyring(keysPath);

  // Insurers that say what they were told, as answers, reasons and broken bodies.
  const echo = (asked: Parameters<AnswerWith>[0]): string => asked.body.slice(0, 4_000);
  const answers: Record<string, AnswerWith> = {
    quoted: json(200, { application_id: 'a', status: 'ready', quote: { premium_kopecks: 700_000 } }),
    pending: (asked, response) => json(asked.method === 'POST' ? 201 : 200, { application_id: 'a', status: 'pending' })(asked, response),
    broken: (asked, response) => void response.writeHead(200).end(`<html>${echo(asked)}`),
    failing: (asked, response) => json(500, { message: echo(asked) })(asked, response),
    rejecting: (asked, response) => json(400, { message: echo(asked) })(asked, response),
  };
  const settings = await Promise.all(
    Object.entries(answers).map(async ([insurer_id, answer]): Promise<InsurerSettings> => {
      const { url } = await startInsurer(answer);
      return { insurer_id, name: 'A', base_url: url, adapter: 'standard', ...LIMITS, deadline_ms: 60_000, post_timeout_ms: 5_000, cache_hours: 24 };
    }),
  );
  const agent = createAgent(settings);
  closeLater(() => agent.destroy());
  const metrics = createMetrics('test');
  const learning = new PollLearning(2_000);
  const around = { agent, redis: store, clock: systemClock, metrics, learning, cacheKey: Buffer.from('a key') };
  const insurers = createInsurers(around, settings, { pod: 'one' });
  closeLater(insurers.close);
  const bus = createBus();
  const pod = startPod({ bus, insurers: insurers.byId, runStore: new RunStore(store, 'one'), logKeys });
  const operations = new InsurerOperations(
    { controls: new InsurerControls(store), learning, gates: insurers.gates, clock: systemClock, log: pod.log },
    settings,
  );
  await operations.change('failing', { limits: { burst: 5 }, by: 'Дежурный', reason: 'много ошибок' });

  const sealed = await logKeys.seal(JSON.stringify(APPLICATION));
  const request = submitted(settings.map(({ insurer_id }) => insurer_id), { sealed, deadlineInMs: 20_000 });
  await send(bus, request);
  const isThere = (insurerId: string, status: string): boolean =>
    legEvents(bus, request.data.request_id).some(({ data }) => data.insurer_id === insurerId && data.status === status);
  await until('all but one have ended', () => ['broken', 'failing', 'rejecting'].every((id) => isThere(id, 'error')));
  await send(bus, retryAsked(request, 'rejecting', { sealed: await logKeys.seal(JSON.stringify(CHANGED)) }));
  await until('it was asked again', () => legEvents(bus, request.data.request_id).some(({ data }) => data.attempt === 2));
  await until('a quote is kept', async () => (await redis.keys('*:quote:*')).length === 1);
  const during = await allOf(redis);
  await send(bus, cancelled(request, 3));
  await until('its legs have ended', async () => (await allOf(redis)).some((text) => text.includes('\\"cancelled\\":true')));

  const kept = [...during, ...(await allOf(redis))];
  // Runs, their leases and holders, budgets, a quote, changes and states of insurers.
  for (const part of [':run:', ':holders', ':holder-of', ':budget', ':quote:', 'insurer']) {
    expect(kept.filter((text) => text.includes(part)).length).toBeGreaterThan(0);
  }
  const published = [TOPICS.quotes, TOPICS.errors, TOPICS.deadLetters].flatMap((topic) =>
    bus.records(topic).map(({ key, value, headers }) => JSON.stringify([key, String(value), headers])),
  );
  const logged = JSON.stringify([pod.lines, storeLines]);
  const everything = [...kept, ...published, logged, await metrics.metrics()].join('\n');
  const words = [...wordsOf(APPLICATION), ...wordsOf(CHANGED)];
  expect(words.length).toBeGreaterThan(40);
  expect(words.filter((word) => everything.includes(word))).toEqual([]);
}, TEST_MS);
