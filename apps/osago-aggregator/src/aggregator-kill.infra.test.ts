/** Two real processes on a real broker and a real Redis; one of them is killed in the middle of its runs. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { decodeEvent, isLegEvent, type LegEvent, TOPICS } from '@osago/contracts';
import { createEventBus } from '@osago/event-bus';
import { Children, freePort, startKafka } from '@osago/local-parts';
import { createLog, loadKeyring } from '@osago/service-kit';
import { APPLICATION, send, submitted } from './aggregator-given.ts';
import { closeServers, json, startInsurer } from './insurer-server.ts';
import { cleanUp, connect } from './redis-given.ts';

const ROOT = join(import.meta.dirname, '..', '..', '..');
const REDIS_URL = `${process.env['REDIS_URL'] ?? ''}/8`;
const TEST_MS = 300_000;
/** A lease of 1.5 s, a beat of 0.4 s, a poll; the rest is a machine that does other things too. */
const TAKEN_MS_MAX = 20_000;
const REQUESTS = 48;
const PARTITIONS = 12;

const dataDir = mkdtempSync(join(tmpdir(), 'osago-kill-'));
const children = new Children({ logDir: join(dataDir, 'logs') });
let brokers: readonly string[];

beforeAll(async () => {
  ({ brokers } = await startKafka({ children, root: ROOT, dataDir, fast: true }));
  const env = { PATH: process.env['PATH'], KAFKA_BROKERS: brokers.join(',') };
  await promisify(execFile)(process.execPath, [join(ROOT, 'tools', 'topics', 'src', 'main.ts'), 'apply'], { env });
}, TEST_MS);
afterAll(async () => {
  await children.close();
  rmSync(dataDir, { recursive: true });
}, TEST_MS);

const pods: ChildProcess[] = [];
const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const pod of pods.splice(0)) pod.kill('SIGKILL');
  for (const close of closing.splice(0).reverse()) await close();
  await closeServers();
  await cleanUp();
}, TEST_MS);

const until = async (what: string, isSo: () => boolean | Promise<boolean>, patienceMs = 90_000): Promise<void> => {
  const giveUpAtMs = performance.now() + patienceMs;
  while (!(await isSo())) {
    if (performance.now() > giveUpAtMs) throw new Error(`waited in vain until ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
};

const startProcess = async (name: string, insurersUrl: string, keysPath: string): Promise<ChildProcess> => {
  const insurersPath = join(dataDir, 'insurers.yaml');
  const limits = { rate_per_s: 1_000, burst: 1_000, concurrency: 100 };
  writeFileSync(insurersPath, JSON.stringify([{ insurer_id: 'alfa', name: 'Альфа', base_url: insurersUrl, ...limits }]));
  const port = await freePort();
  const env = {
    PATH: process.env['PATH'],
    PRIVATE_PORT: String(port),
    POD_NAME: name,
    KAFKA_BROKERS: brokers.join(','),
    REDIS_URL,
    INSURERS_FILE: insurersPath,
    LOG_KEYS_FILE: keysPath,
  };
  const pod = spawn(process.execPath, [join(ROOT, 'apps', 'osago-aggregator', 'src', 'main.ts')], { env, stdio: 'ignore' });
  pods.push(pod);
  const isReady = (): Promise<boolean> => fetch(`http://127.0.0.1:${port}/health/ready`).then(({ ok }) => ok, () => false);
  await until(`${name} is ready`, isReady);
  return pod;
};

test('kill -9: every run is polled on by the other pod within seconds, and nothing is posted again', async () => {
  await connect(REDIS_URL).flushdb();
  const keysPath = join(dataDir, 'keys.jwks.json');
  writeFileSync(keysPath, JSON.stringify({ keys: [{ kty: 'oct', kid: 'log-1', k: Buffer.alloc(32, 7).toString('base64url') }] }));
  /** When they had been polled. */
  const postedAgain: string[] = [];
  const polled = new Set<string>();
  let isReady = false;
  const { url } = await startInsurer(({ method, path, headers }, response) => {
    const key = String(headers['idempotency-key']);
    const id = method === 'POST' ? key : decodeURIComponent(path.split('/').at(-1) ?? '');
    if (method !== 'POST') polled.add(id);
    else if (polled.has(id)) postedAgain.push(id);
    const answer =
      method === 'GET' && isReady
        ? { application_id: id, status: 'ready', quote: { premium_kopecks: 700_000 } }
        : { application_id: id, status: 'pending' };
    json(method === 'POST' ? 201 : 200, answer, { 'retry-after': '0.3' })({} as never, response);
  });
  const victim = await startProcess('victim', url, keysPath);
  await startProcess('heir', url, keysPath);

  const bus = await createEventBus({ log: createLog('test', 'silent') }, { client: 'kafkajs', brokers, clientId: 'test' });
  closing.push(() => bus.close());
  const outcomes: LegEvent[] = [];
  const stop = new AbortController();
  const tail = bus.tail({ topics: [TOPICS.quotes, TOPICS.errors], fromMs: 0, groupPrefix: 'kill-test' }, ({ value }) => {
    const decoded = decodeEvent(value);
    if (decoded.ok && isLegEvent(decoded.event) && decoded.event.data.final) outcomes.push(decoded.event);
  });
  const tailing = tail.run(stop.signal);
  closing.push(async () => {
    stop.abort();
    await tailing;
  });
  await tail.caughtUp;

  const sealed = await (await loadKeyring(keysPath)).seal(JSON.stringify(APPLICATION));
  for (let at = 0; at < REQUESTS; at += 1) await send(bus, submitted(['alfa'], { sealed }), at % PARTITIONS);
  await until('all are polled', () => polled.size === REQUESTS);
  expect(outcomes).toEqual([]);
  isReady = true;
  victim.kill('SIGKILL');
  const killedAtMs = performance.now();
  await until('every request has its outcome', () => new Set(outcomes.map(({ subject }) => subject)).size === REQUESTS);
  const tookMs = performance.now() - killedAtMs;
  process.stdout.write(`the runs of a killed pod were ended after ${Math.round(tookMs)} ms\n`);
  expect(new Set(outcomes.map(({ data }) => data.status))).toEqual(new Set(['quoted']));
  expect(postedAgain).toEqual([]);
  expect(tookMs).toBeLessThan(TAKEN_MS_MAX);
}, TEST_MS);
