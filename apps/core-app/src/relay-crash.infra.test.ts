/**
 * Pods are killed, frozen, and die between the broker's answer and the delete; Postgres and the broker go and come back;
 * early ids commit late and some never. Then the whole topic is read and compared with what was committed.
 *
 * CRASH_SEEDS=200 runs the seeds 1 to 200, CRASH_SEEDS=17,93 those two. A seed fixes the plan, not the machine's timing:
 * one that failed is worth running many times. BROKER_AWAY_S=300 keeps the broker away for five minutes.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createKafkajsEventBus, type LogRecord } from '@osago/event-bus';
import { Children, createTopics, type KafkaPart, type PostgresPart, startKafka, startPostgres } from '@osago/local-parts';
import { createLog } from '@osago/service-kit';
import kafkajs from 'kafkajs';
import pg from 'pg';
import { until } from './testing-events.ts';
import { checkHistory, type CommittedEvent } from './testing-history.ts';
import { migrate } from './testing-parts.ts';
import { seededRandom } from './testing-random.ts';
import type { ProcessOptions } from './testing-relay-process.ts';

const asked = process.env['CRASH_SEEDS'] ?? '2';
const SEEDS = asked.includes(',') ? asked.split(',').map(Number) : Array.from({ length: Number(asked) }, (_, at) => at + 1);
const BROKER_AWAY_S = Number(process.env['BROKER_AWAY_S'] ?? 3);
const PARTITIONS = 4;
/** Short, so that a dead pod's rows move within a test. */
const CLAIM_S = 2;
const CRASHES = 5;
/** A history that is worth a look, also where pods spent their time dying. */
const COMMITTED_MIN = 100;
const TEST_MS = 120_000;
const log = createLog('relay-crash-test', 'silent');

const closing: (() => Promise<unknown>)[] = [];
let postgres: PostgresPart;
let kafka: KafkaPart;
let again: { postgres: () => Promise<void>; kafka: () => Promise<void> };

beforeAll(async () => {
  const dataDir = await mkdtemp(join(tmpdir(), 'osago-crash-'));
  const children = new Children({ logDir: join(dataDir, 'logs') });
  children.removeAtEnd(dataDir);
  closing.push(() => children.close());
  const options = { children, dataDir, root: join(import.meta.dirname, '..', '..', '..'), fast: true };
  [postgres, kafka] = await Promise.all([startPostgres(options), startKafka(options)]);
  again = {
    postgres: async () => void (postgres = await startPostgres({ ...options, port: postgres.port })),
    kafka: async () => void (kafka = await startKafka({ ...options, port: kafka.port })),
  };
  await migrate(postgres.url);
  await query(
    `CREATE TABLE journal_requests (request_id uuid PRIMARY KEY, revision integer NOT NULL);
     CREATE TABLE journal (request_id uuid, revision integer, event_id text, partition integer, sha256 text)`,
  );
}, TEST_MS);
afterAll(async () => {
  for (const close of closing.splice(0).reverse()) await close();
}, TEST_MS);

/** On a connection of its own: the server may have gone since the last. */
const query = async <T extends object>(sql: string): Promise<T[]> => {
  const client = new pg.Client({ connectionString: postgres.url, connectionTimeoutMillis: 5_000 });
  client.on('error', () => undefined);
  await client.connect();
  try {
    return (await client.query<T>(sql)).rows;
  } finally {
    await client.end();
  }
};

const createTopic = async (topic: string): Promise<void> => {
  const { Kafka, logLevel } = kafkajs;
  const admin = new Kafka({ brokers: kafka.brokers, clientId: 'crash-test', logLevel: logLevel.NOTHING }).admin();
  await admin.connect();
  await createTopics(admin, [{ topic, numPartitions: PARTITIONS }]);
  await admin.disconnect();
};

const readTopic = async (topic: string): Promise<LogRecord[]> => {
  const bus = createKafkajsEventBus({ log }, { brokers: kafka.brokers, clientId: 'crash-test' });
  const records: LogRecord[] = [];
  const tail = bus.tail({ topics: [topic], fromMs: 0, groupPrefix: 'crash-test' }, (record) => void records.push(record));
  const stop = new AbortController();
  const running = tail.run(stop.signal);
  await Promise.race([tail.caughtUp, running]);
  stop.abort();
  await running;
  await bus.close();
  return records;
};

/** Pods of one test, each started anew when it has died. */
class Pods {
  readonly #options: Omit<ProcessOptions, 'seed'>;
  readonly #running: ChildProcess[] = [];
  #seed: number;
  #isOver = false;
  deaths = 0;

  constructor(options: ProcessOptions) {
    this.#options = options;
    this.#seed = options.seed * 1_000;
  }

  start(slot: number): void {
    if (this.#isOver) return;
    this.#seed += 1;
    const options: ProcessOptions = { ...this.#options, seed: this.#seed };
    const program = join(import.meta.dirname, 'testing-relay-process.ts');
    const child = spawn(process.execPath, ['--no-warnings', program, JSON.stringify(options)], {
      stdio: ['pipe', 'ignore', 'inherit'],
      env: {},
    });
    // A process that is gone cannot be written to.
    child.stdin.on('error', () => undefined);
    this.#running[slot] = child;
    child.once('exit', () => {
      this.deaths += this.#isOver ? 0 : 1;
      this.start(slot);
    });
  }

  kill(slot: number): void {
    this.#running[slot]?.kill('SIGKILL');
  }

  freeze(slot: number, ms: number): void {
    const child = this.#running[slot];
    child?.kill('SIGSTOP');
    setTimeout(() => child?.kill('SIGCONT'), ms);
  }

  stopWriting(): void {
    for (const child of this.#running) child.stdin?.write('\n');
  }

  async close(): Promise<void> {
    this.#isOver = true;
    await Promise.all(
      this.#running.map(async (child) => {
        const gone = new Promise((resolve) => child.once('exit', resolve));
        if (child.exitCode !== null || child.signalCode !== null) return;
        child.kill('SIGKILL');
        await gone;
      }),
    );
  }
}

/** One thing that happens, and then a while of writing. */
const crash = async (random: () => number, pods: Pods): Promise<string> => {
  const slot = random() < 0.5 ? 0 : 1;
  const dice = random();
  const waitMs = 300 + random() * 1_200;
  if (dice < 0.4) pods.kill(slot);
  else if (dice < 0.6) pods.freeze(slot, CLAIM_S * 1_000 + 1_000);
  else if (dice < 0.8) {
    if (random() < 0.5) postgres.kill();
    else await postgres.stop();
    await postgres.ended;
    await pause(waitMs / 2);
    await again.postgres();
  } else {
    if (random() < 0.5) kafka.kill();
    else await kafka.stop();
    await kafka.ended;
    await pause(waitMs);
    await again.kafka();
  }
  await pause(waitMs);
  return dice < 0.4 ? 'kill' : dice < 0.6 ? 'freeze' : dice < 0.8 ? 'postgres' : 'broker';
};

const committed = async (): Promise<number> =>
  Number((await query<{ count: string }>('SELECT count(*) FROM journal'))[0]?.count);

const isPublished = async (): Promise<boolean> => {
  const [row] = await query<{ count: string }>('SELECT count(*) FROM outbox');
  return row?.count === '0';
};

const setup = async (name: string, seed: number, members: Partial<ProcessOptions> = {}) => {
  const topic = `crash-${name}-${seed}`;
  await query('TRUNCATE outbox, journal, journal_requests');
  await createTopic(topic);
  const pods = new Pods({
    databaseUrl: postgres.url, brokers: kafka.brokers, topic, partitions: PARTITIONS, seed,
    claimS: CLAIM_S, writers: 3, dyingShare: 0.2, ...members,
  });
  closing.push(() => pods.close());
  pods.start(0);
  pods.start(1);
  await until(async () => (await committed()) > 0, 30_000);
  /** Ends the writing, waits until nothing is left to publish, and compares. */
  const check = async () => {
    pods.stopWriting();
    await until(async () => {
      pods.stopWriting();
      return isPublished();
    }, 60_000);
    await pods.close();
    return checkHistory(await query<CommittedEvent>('SELECT * FROM journal'), await readTopic(topic));
  };
  return { check, pods };
};

describe('whatever crashes', () => {
  test.each(SEEDS)('every committed event is on the log, in order, and nothing else: seed %d', async (seed) => {
    const random = seededRandom(seed);
    const { check, pods } = await setup('seed', seed);
    const plan: string[] = [];
    for (let at = 0; at < CRASHES; at += 1) plan.push(await crash(random, pods));
    await until(async () => (await committed()) >= COMMITTED_MIN, 30_000);
    const { violations, ...counts } = await check();
    process.stdout.write(`crash seed ${seed} (${plan.join(' ')}): ${JSON.stringify(counts)}, ${pods.deaths} deaths\n`);
    expect(violations).toEqual([]);
  }, TEST_MS);
});

test(`a broker that is away for ${BROKER_AWAY_S} s stops no commit, and all of them are on the log when it is back`, async () => {
  const { check } = await setup('away', 1, { dyingShare: 0 });
  kafka.kill();
  await kafka.ended;
  const before = await committed();
  await pause(BROKER_AWAY_S * 1_000);
  await until(async () => (await committed()) > before + 20, 30_000);
  await again.kafka();
  const { violations, ...counts } = await check();
  process.stdout.write(`broker away for ${BROKER_AWAY_S} s: ${JSON.stringify(counts)}\n`);
  expect(violations).toEqual([]);
}, TEST_MS + BROKER_AWAY_S * 2_000);
