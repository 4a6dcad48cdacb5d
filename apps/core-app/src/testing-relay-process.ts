/**
 * Test kit: a small pod as a process, to be killed at any moment. It commits requests as core-app does, some of them
 * slowly, some rolled back, and runs the real relay on the real parts. Its one argument is {@link ProcessOptions} as JSON;
 * a line on its standard input ends the writing, the end of the input ends the process.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { createKafkajsEventBus, partitionFor } from '@osago/event-bus';
import { createLog, createMetrics } from '@osago/service-kit';
import { Outbox, type OutboxRow } from './outbox.ts';
import { createPostgresPool } from './postgres-pool.ts';
import { Relay } from './relay.ts';
import { sha256, type TestEvent } from './testing-history.ts';
import { seededRandom } from './testing-random.ts';

export interface ProcessOptions {
  databaseUrl: string;
  brokers: string[];
  topic: string;
  partitions: number;
  seed: number;
  claimS: number;
  /** 0 for a pod that only relays. */
  writers: number;
  /** Of the gathered deletes of acknowledged rows, the share before which the process dies. */
  dyingShare: number;
}

const options = JSON.parse(process.argv[2] ?? '') as ProcessOptions;
const { topic, partitions, claimS } = options;
const random = seededRandom(options.seed);
const log = createLog('relay-process', 'silent');
const pool = createPostgresPool({ log }, { databaseUrl: options.databaseUrl, connectionsMax: 8 });
const bus = createKafkajsEventBus({ log }, { brokers: options.brokers, clientId: 'relay-process' });

class DyingOutbox extends Outbox {
  override delete(ids: readonly string[]): Promise<void> {
    if (random() < options.dyingShare) process.kill(process.pid, 'SIGKILL');
    return super.delete(ids);
  }
}

const relay = new Relay({ outbox: new DyingOutbox(pool, { claimS }), bus, log, metrics: createMetrics('test') });

const INSERT = `
  INSERT INTO outbox (request_id, event_id, topic, partition, value, traceparent, claimed_until)
  VALUES ($1, $2, $3, $4, $5, '', now() + $6 * interval '1 s') RETURNING id`;

/** One transaction, as core-app makes them: the first event of a request, or a later one behind its request's lock. */
const commitOne = async (): Promise<void> => {
  const client = await pool.connect();
  let isBroken = true;
  try {
    await client.query('BEGIN');
    const found = random() < 0.5 ? await client.query<{ request_id: string; revision: number }>(LATER) : undefined;
    const later = found?.rows[0];
    const request_id = later?.request_id ?? crypto.randomUUID();
    const revision = (later?.revision ?? 0) + 1;
    if (later) await client.query('UPDATE journal_requests SET revision = $2 WHERE request_id = $1', [request_id, revision]);
    else await client.query('INSERT INTO journal_requests VALUES ($1, 1)', [request_id]);
    const event: TestEvent = { id: `${request_id}:r${revision}`, request_id, revision, noise: String(random()).repeat(20) };
    const value = Buffer.from(JSON.stringify(event));
    const partition = partitionFor(request_id, partitions);
    const inserted = await client.query<{ id: string }>(INSERT, [
      request_id, event.id, topic, partition, value, revision === 1 ? claimS : 0,
    ]);
    await client.query('INSERT INTO journal VALUES ($1, $2, $3, $4, $5)', [request_id, revision, event.id, partition, sha256(value)]);
    // Later ids commit meanwhile.
    if (random() < 0.1) await pause(random() * 1_500);
    const isKept = random() < 0.85;
    await client.query(isKept ? 'COMMIT' : 'ROLLBACK');
    isBroken = false;
    const row: OutboxRow = {
      id: inserted.rows[0]?.id ?? '', request_id, event_id: event.id, topic, partition, key: request_id, value, traceparent: '',
    };
    if (isKept && revision === 1) relay.send(row);
  } finally {
    client.release(isBroken);
  }
};

const LATER = `
  SELECT request_id, revision FROM journal_requests TABLESAMPLE BERNOULLI (30)
  WHERE revision < 6 LIMIT 1 FOR UPDATE`;

const stopWriting = new AbortController();
const stop = new AbortController();
process.stdin.once('data', () => stopWriting.abort());
process.stdin.once('end', () => {
  stopWriting.abort();
  stop.abort();
});

const write = async (): Promise<void> => {
  while (!stopWriting.signal.aborted) {
    // Postgres is away at times: then nothing was committed, or it was and the claim runs out.
    await commitOne().catch(() => pause(100));
    await pause(random() * 20);
  }
};

const writing = Array.from({ length: options.writers }, write);
await relay.run(stop.signal);
await Promise.all(writing);
await bus.close();
await pool.end();
