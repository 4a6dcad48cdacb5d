import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from '@jest/globals';
import { Kafka, logLevel } from 'kafkajs';
import pg from 'pg';
import { Children } from './child.ts';
import { createTopics } from './create-topics.ts';
import { startKafka } from './kafka.ts';
import { startPostgres } from './postgres.ts';

/** Three starts of a JVM and a format, on a machine that runs other tests too. */
const PATIENCE_MS = 300_000;

const cleaning: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const clean of cleaning.splice(0).reverse()) await clean();
});

const setup = () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'osago-restart-'));
  const children = new Children({ logDir: join(dataDir, 'logs') });
  children.removeAtEnd(dataDir);
  cleaning.push(() => children.close());
  return { children, dataDir, root: join(import.meta.dirname, '..', '..', '..'), fast: true };
};

const topicsOf = async (brokers: string[], create?: string): Promise<string[]> => {
  const admin = new Kafka({ brokers, logLevel: logLevel.NOTHING }).admin();
  await admin.connect();
  if (create !== undefined) await createTopics(admin, [{ topic: create }]);
  const topics = await admin.listTopics();
  await admin.disconnect();
  return topics;
};

const query = async (connectionString: string, sql: string): Promise<unknown[]> => {
  const client = new pg.Client({ connectionString });
  await client.connect();
  try {
    const { rows } = await client.query<Record<string, unknown>>(sql);
    return rows;
  } finally {
    await client.end();
  }
};

test(
  'Kafka keeps its topics through a stop with a new address and through a kill -9',
  async () => {
    const options = setup();
    const first = await startKafka(options);
    await topicsOf(first.brokers, 'kept');
    await first.stop();

    const second = await startKafka(options);
    expect(second.port).not.toBe(first.port);
    expect(await topicsOf(second.brokers)).toContain('kept');
    second.kill();
    await second.ended;

    const third = await startKafka({ ...options, port: second.port });
    expect(third.brokers).toEqual(second.brokers);
    expect(await topicsOf(third.brokers)).toContain('kept');
  },
  PATIENCE_MS,
);

test(
  'Postgres keeps its rows through a kill -9 and comes back at its address',
  async () => {
    const options = setup();
    const first = await startPostgres(options);
    await query(first.url, 'CREATE TABLE kept AS SELECT 1 AS one');
    first.kill();
    await first.ended;

    const second = await startPostgres({ ...options, port: first.port });
    expect(second.url).toBe(first.url);
    expect(await query(second.url, 'SELECT one FROM kept')).toEqual([{ one: 1 }]);
  },
  PATIENCE_MS,
);
