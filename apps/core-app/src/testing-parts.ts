/** Test kit: a database of a test's own, the topics, keys made for the test, a submission. */
import { execFile } from 'node:child_process';
import { generateKeyPairSync, randomBytes, randomUUID } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type Application, TOPICS } from '@osago/contracts';
import { sampleApplication, tariffAttributes } from '@osago/quotes';
import { createTopics } from '@osago/local-parts';
import { type Keyring, loadKeyring, loadSecrets } from '@osago/service-kit';
import kafkajs from 'kafkajs';
import pg from 'pg';
import { watchMarks } from './fraud-watch-marks.ts';
import { INSURERS } from './testing-api.ts';
import type { Submission } from './request-store.ts';

const MIGRATE = join(import.meta.dirname, 'migrate.ts');
export const TODAY = '2026-11-21';

const inDatabase = async (url: string, statement: string): Promise<void> => {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query(statement);
  await client.end();
};

/** An empty database; `drop` also ends connections that were left open. */
export const createDatabase = async (serverUrl: string): Promise<{ url: string; drop: () => Promise<void> }> => {
  const name = `core_app_${randomBytes(6).toString('hex')}`;
  await inDatabase(serverUrl, `CREATE DATABASE ${name}`);
  const url = new URL(serverUrl);
  url.pathname = `/${name}`;
  return { url: url.href, drop: () => inDatabase(serverUrl, `DROP DATABASE ${name} WITH (FORCE)`) };
};

/** As an operator runs it: a process of its own. Resolves to what it printed. */
export const migrate = async (databaseUrl: string): Promise<string> => {
  const env = { PATH: '', DATABASE_URL: databaseUrl };
  const { stdout } = await promisify(execFile)(process.execPath, ['--no-warnings', MIGRATE], { env });
  return stdout;
};

export interface TestDatabase {
  url: string;
  pool: pg.Pool;
  close: () => Promise<void>;
}

/** With all tables, and an epoch for topics of so many partitions. */
export const migratedDatabase = async (
  serverUrl: string | undefined,
  { partitions = 4 }: { partitions?: number } = {},
): Promise<TestDatabase> => {
  if (!serverUrl) throw new Error('DATABASE_URL is not set: the infra tests need Postgres');
  const { url, drop } = await createDatabase(serverUrl);
  await migrate(url);
  const pool = new pg.Pool({ connectionString: url, max: 16 });
  // The database is dropped under connections that a test has left.
  pool.on('error', () => undefined);
  await pool.query(`INSERT INTO platform_epoch (epoch, cluster_id, partitions) VALUES ('e1', 'test', $1)`, [partitions]);
  return {
    url,
    pool,
    close: async () => {
      await pool.end();
      await drop();
    },
  };
};

/** Every topic of the platform is there; resolves to the number of partitions of the three request topics. */
export const ensureTopics = async (brokers: readonly string[]): Promise<number> => {
  const { Kafka, logLevel } = kafkajs;
  const admin = new Kafka({ brokers: [...brokers], clientId: 'core-app-test', logLevel: logLevel.NOTHING }).admin();
  await admin.connect();
  try {
    await createTopics(admin, Object.values(TOPICS).map((topic) => ({ topic, numPartitions: 4 })));
    const { topics: described } = await admin.fetchTopicMetadata({ topics: [TOPICS.requests] });
    return described[0]?.partitions.length ?? 0;
  } finally {
    await admin.disconnect();
  }
};

export interface TestKeys {
  /** The public half: seals only. */
  log: Keyring;
  /** The half that the aggregator has: opens only. */
  logPrivate: Keyring;
  store: Keyring;
  access: ReadonlyMap<string, Buffer>;
}

export const createKeys = async (): Promise<TestKeys> => {
  const dir = await mkdtemp(join(tmpdir(), 'core-app-keys-'));
  const load = async <T>(keys: object, read: (path: string) => T | Promise<T>): Promise<T> => {
    const path = join(dir, `${randomUUID()}.json`);
    await writeFile(path, JSON.stringify({ keys: [{ ...keys, kid: 'k1' }] }));
    return read(path);
  };
  const secret = (): object => ({ kty: 'oct', k: randomBytes(32).toString('base64url') });
  try {
    const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    return {
      log: await load(publicKey.export({ format: 'jwk' }), loadKeyring),
      logPrivate: await load(privateKey.export({ format: 'jwk' }), loadKeyring),
      store: await load(secret(), loadKeyring),
      access: await load(secret(), loadSecrets),
    };
  } finally {
    await rm(dir, { recursive: true });
  }
};

/** A new request of a generated person with at least one driver. */
export const submissionOf = (seed: number, members: Partial<Submission> = {}): Submission => {
  const application = driverNamed(seed);
  return {
    request_id: randomUUID(),
    idempotency: [],
    body_mac: Buffer.from(`body ${seed}`),
    owner_mac: Buffer.from(`owner ${seed}`),
    content_mac: Buffer.from(`content ${seed}`),
    ...watchMarks({ mac: (purpose, text) => Buffer.from(`${purpose} ${text}`) }, application),
    application,
    tariff: tariffAttributes(application, TODAY),
    insurers: INSURERS,
    traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`,
    ...members,
  };
};

const driverNamed = (seed: number): Application => {
  const application = sampleApplication(seed, TODAY);
  return application.drivers.length > 0 ? application : driverNamed(seed + 1);
};
