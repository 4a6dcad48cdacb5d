/** Two whole pods on the real Postgres and Kafka are restarted one after the other while people read from them. */
import { type ChildProcess, fork } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CLOUD_EVENT_CONTENT_TYPE, encodeEvent, type OsagoEvent, TOPICS, topicOf } from '@osago/contracts';
import { createKafkajsEventBus, type EventBus } from '@osago/event-bus';
import { freePort } from '@osago/local-parts';
import { createLog } from '@osago/service-kit';
import pg from 'pg';
import { ensureKeyrings } from '../apps/platform/src/keyrings.ts';
import { ROOT, startBenchParts } from './parts.ts';
import type { Row } from './report.ts';
import { Reader } from './sse-reader.ts';
import { ACCESS_KEY, EPOCH, legOf, submittedOf } from './sse-world.ts';

const PARTITIONS = 4;
const BATCH = 500;
const READY_MS_MAX = 30_000;
/** Quotes come all the time: each stream has one in ten seconds. */
const PUBLISH_MS = 100;

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

const until = async (what: string, reached: () => boolean | Promise<boolean>): Promise<void> => {
  const endMs = performance.now() + READY_MS_MAX;
  while (!(await reached())) {
    if (performance.now() > endMs) throw new Error(`not in ${READY_MS_MAX} ms: ${what}`);
    await pause(50);
  }
};

interface Pod {
  port: number;
  stop(): Promise<void>;
}

const run = (file: string, env: NodeJS.ProcessEnv): ChildProcess =>
  fork(join(ROOT, file), { cwd: ROOT, env: { ...process.env, ...env }, stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });

const startPod = async (name: string, env: NodeJS.ProcessEnv): Promise<Pod> => {
  const [port, privatePort] = [await freePort(), await freePort()];
  const child = run('apps/core-app/src/main.ts', { ...env, POD_NAME: name, PORT: String(port), PRIVATE_PORT: String(privatePort) });
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  await until(`${name} is ready`, async () => {
    if (child.exitCode !== null) throw new Error(`${name} ended with ${child.exitCode}`);
    const ready = await fetch(`http://127.0.0.1:${privatePort}/health/ready`).catch(() => undefined);
    return ready?.status === 200;
  });
  return {
    port,
    stop: () => {
      child.kill('SIGTERM');
      return exited;
    },
  };
};

const publish = async (bus: EventBus, events: readonly { n: number; event: OsagoEvent }[]): Promise<void> => {
  for (let at = 0; at < events.length; at += BATCH) {
    const answers = await bus.publish(
      events.slice(at, at + BATCH).map(({ n, event }) => ({
        topic: topicOf(event.type), partition: n % PARTITIONS, key: event.subject, value: encodeEvent(event),
        headers: { 'content-type': CLOUD_EVENT_CONTENT_TYPE },
      })),
    );
    const failed = answers.find((answer) => !answer.ok);
    if (failed) throw new Error('a quote could not be published');
  }
};

export const measureRestart = async ({ isQuick }: { isQuick: boolean }): Promise<Row[]> => {
  const streams = isQuick ? 50 : 2_500;
  const parts = await startBenchParts();
  for (const topic of Object.values(TOPICS)) await parts.createTopic(topic, PARTITIONS);
  const databaseUrl = parts.postgres.url;
  const migration = run('apps/core-app/src/migrate.ts', { DATABASE_URL: databaseUrl });
  await new Promise((resolve) => migration.once('exit', resolve));
  const client = new pg.Client(databaseUrl);
  await client.connect();
  await client.query(`INSERT INTO platform_epoch (epoch, cluster_id, partitions) VALUES ($1, 'bench', $2)`, [EPOCH, PARTITIONS]);
  await client.end();
  const keys = await ensureKeyrings(mkdtempSync(join(tmpdir(), 'osago-bench-keys-')));
  writeFileSync(keys.access, JSON.stringify({ keys: [{ kty: 'oct', kid: 'k1', k: ACCESS_KEY.toString('base64url') }] }));
  const env = {
    DATABASE_URL: databaseUrl, KAFKA_BROKERS: parts.kafka.brokers.join(','), LOG_LEVEL: 'error',
    // Nobody is asked and nothing is limited here.
    INSURERS_URL: 'http://127.0.0.1:9', REDIS_URL: 'redis://127.0.0.1:9',
    LOG_KEYS_FILE: keys.logPublic, STORE_KEYS_FILE: keys.store, ACCESS_KEYS_FILE: keys.access,
  };
  const bus = createKafkajsEventBus({ log: createLog('bench', 'error') }, { brokers: parts.kafka.brokers, clientId: 'bench' });
  await publish(bus, Array.from({ length: streams }, (_, n) => ({ n, event: submittedOf(n) })));

  const pods = [await startPod('core-app-0', env), await startPod('core-app-1', env)];
  /** As the edge knows them: a pod that stops is taken out at once. */
  const ports = pods.map(({ port }) => port);
  const readers = Array.from({ length: streams }, (_, n) => new Reader(n, { port: () => ports[Math.floor(Math.random() * ports.length)] }));
  for (const reader of readers) reader.open();
  await until('all streams are open', () => readers.every(({ isReading }) => isReading));

  let published = 0;
  const over = new AbortController();
  const publishing = (async () => {
    const perTurn = Math.ceil((streams * PUBLISH_MS) / 10_000);
    while (!over.signal.aborted) {
      const first = published;
      const events = Array.from({ length: perTurn }, (_, at) => {
        const [n, round] = [(first + at) % streams, Math.floor((first + at) / streams)];
        // Nine legs of each; then they are asked again.
        const leg = { n, at: 1 + (round % 9), attempt: 1 + Math.floor(round / 9), status: 'quoted' as const, stamp: first + at };
        return { n, event: legOf(leg) };
      });
      await publish(bus, events);
      for (const { n, event } of events) readers[n]?.expect(event.data.insurer_id);
      published += perTurn;
      await pause(PUBLISH_MS);
    }
  })();

  for (const [at, pod] of pods.entries()) {
    ports.splice(ports.indexOf(pod.port), 1);
    await pod.stop();
    await until('all streams are back', () => readers.every(({ isReading }) => isReading));
    const next = await startPod(`core-app-${at}`, env);
    pods[at] = next;
    ports.push(next.port);
  }
  over.abort();
  await publishing;
  const lost = (): number => readers.reduce((sum, reader) => sum + reader.missing, 0);
  await until('the last quotes are read', () => lost() === 0).catch(() => undefined);
  const awayMs = Math.max(...readers.map((reader) => reader.awayMsMax));
  const offline = readers.filter((reader) => reader.wasOffline).length;
  const rows: Row[] = [
    { metric: `rolling restart of two pods under ${streams} streams: quotes lost, of ${published}`, unit: '', ours: lost(), goal: { text: '0', met: lost() === 0 } },
    { metric: '  readers that took themselves for offline', unit: '', ours: offline, goal: { text: '0', met: offline === 0 } },
    { metric: '  longest time without a stream', unit: 'ms', ours: awayMs, goal: { text: '≤ 5000', met: awayMs <= 5_000 } },
    { metric: '  connections that failed', unit: '', ours: readers.reduce((sum, reader) => sum + reader.failures, 0) },
  ];
  for (const reader of readers) reader.close();
  await Promise.all(pods.map((pod) => pod.stop()));
  await bus.close();
  await parts.stop();
  return rows;
};
