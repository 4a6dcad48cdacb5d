/** What bench:outbox does with a variant: writes at a rate, as fast as it can, with nobody who reads, a backlog, nothing. */
import { type ChildProcess, fork } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { seededRandom } from '@osago/quotes';
import type pg from 'pg';
import { BACKLOG_HEADERS, BACKLOG_VALUE, PARTITIONS, type Variant } from './outbox-variants.ts';
import { treeTimeUs } from './parts.ts';

export const CONNECTIONS = 16;

interface Seen {
  seen: [key: string, atNs: string][];
  cpuUs: number;
}

interface Phase {
  delaysMs: number[];
  /** Of this process, Postgres and the consumer together. */
  cpuUsPerEvent: number;
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
export const ownCpuUs = (): number => process.cpuUsage().user + process.cpuUsage().system;

/** The consumer's process. It may be asked by one at a time. */
export class Reader {
  readonly #process: ChildProcess;

  constructor(consumer: ChildProcess) {
    this.#process = consumer;
  }

  ask(): Promise<Seen> {
    return new Promise((resolve) => {
      this.#process.once('message', (seen) => resolve(seen as Seen));
      this.#process.send('seen');
    });
  }

  /** When it saw each of these keys; waits until it has them, at most ten seconds. */
  async seenOf(keys: ReadonlySet<string>): Promise<{ at: Map<string, bigint>; cpuUs: number }> {
    const at = new Map<string, bigint>();
    for (let tries = 0; ; tries += 1) {
      const { seen, cpuUs } = await this.ask();
      for (const [key, atNs] of seen) if (keys.has(key) && !at.has(key)) at.set(key, BigInt(atNs));
      if (at.size === keys.size) return { at, cpuUs };
      if (tries > 500) throw new Error(`${keys.size - at.size} of ${keys.size} events were not seen`);
      await pause(20);
    }
  }

  async stop(): Promise<void> {
    const gone = new Promise((resolve) => this.#process.once('exit', resolve));
    this.#process.send('stop');
    await gone;
  }
}

/** Open loop at Poisson times, which the seed alone fixes: the same for every variant. */
const writeAtRate = async (rate: number, forMs: number, seed: number, write: (key: string) => Promise<void>): Promise<void> => {
  const random = seededRandom(seed);
  const startedAtMs = performance.now();
  const writes: Promise<void>[] = [];
  for (let dueMs = 0; dueMs < forMs; dueMs += (-Math.log(1 - random.unit()) * 1_000) / rate) {
    const waitMs = startedAtMs + dueMs - performance.now();
    if (waitMs > 0.5) await pause(waitMs);
    writes.push(write(randomUUID()));
  }
  await Promise.all(writes);
};

/** From commit to the consumer, and what all of it costs. */
export const delays = async (
  variant: Variant,
  { reader, postgresPid, rate, forMs, seed }: { reader: Reader; postgresPid: number; rate: number; forMs: number; seed: number },
): Promise<Phase> => {
  const before = { own: ownCpuUs(), postgres: treeTimeUs(postgresPid), consumer: (await reader.ask()).cpuUs };
  const startedAt = new Map<string, bigint>();
  await writeAtRate(rate, forMs, seed, async (key) => void startedAt.set(key, await variant.write(key)));
  const { at, cpuUs } = await reader.seenOf(new Set(startedAt.keys()));
  const delaysMs = [...startedAt].map(([key, ns]) => Number((at.get(key) ?? ns) - ns) / 1e6);
  const spentUs = ownCpuUs() - before.own + treeTimeUs(postgresPid) - before.postgres + cpuUs - before.consumer;
  return { delaysMs, cpuUsPerEvent: spentUs / startedAt.size };
};

/** What each write took until its commit; nobody reads. */
export const commits = async (
  variant: Variant,
  { rate, forMs, seed }: { rate: number; forMs: number; seed: number },
): Promise<number[]> => {
  const tookMs: number[] = [];
  await writeAtRate(rate, forMs, seed, async (key) => {
    const atMs = performance.now();
    await variant.write(key);
    tookMs.push(performance.now() - atMs);
  });
  return tookMs;
};

/** Closed loop over all connections: transactions a second. */
export const saturation = async (variant: Variant, { reader, forMs }: { reader?: Reader; forMs: number }): Promise<number> => {
  const endMs = performance.now() + forMs;
  const keys = new Set<string>();
  const one = async (): Promise<void> => {
    while (performance.now() < endMs) {
      const key = randomUUID();
      await variant.write(key);
      keys.add(key);
    }
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, one));
  await reader?.seenOf(keys);
  return (keys.size / forMs) * 1_000;
};

/** The bare client: the same batches, acks and bytes; records a second. */
export const produceBare = (broker: string, topic: string, rows: number): Promise<number> =>
  new Promise((resolve, reject) => {
    const bare = fork(join(import.meta.dirname, 'outbox-bare.ts'), [broker, topic, String(rows)]);
    bare.once('message', (rate) => resolve(Number(rate)));
    bare.once('exit', () => reject(new Error('the bare client ended without a result')));
  });

/** Rows that a pod left behind, each of another request. */
export const leaveBacklog = async (pool: pg.Pool, topic: string, rows: number): Promise<void> => {
  await pool.query(
    `INSERT INTO outbox (request_id, event_id, topic, partition, value, traceparent, claimed_until)
     SELECT id, id || ':r1', $1, n % ${PARTITIONS}, $3, $4, now()
     FROM (SELECT n, gen_random_uuid() AS id FROM generate_series(1, $2) AS n) AS made`,
    [topic, rows, BACKLOG_VALUE, BACKLOG_HEADERS.traceparent],
  );
  await pool.query('ANALYZE outbox');
};

/** Until the outbox is empty; rows a second. Asked from the end, for the dead rows at the beginning would be read each time. */
export const drained = async (pool: pg.Pool, rows: number, startedMs: number): Promise<number> => {
  for (;;) {
    const left = await pool.query('SELECT FROM outbox ORDER BY id DESC LIMIT 1');
    if (left.rows.length === 0) return (rows / (performance.now() - startedMs)) * 1_000;
    await pause(20);
  }
};

/** Nothing is written: % of a core that this process and the consumer take. */
export const idle = async (reader: Reader, forMs: number): Promise<number> => {
  await pause(1_000);
  const before = ownCpuUs() + (await reader.ask()).cpuUs;
  await pause(forMs);
  return (ownCpuUs() + (await reader.ask()).cpuUs - before) / (forMs * 10);
};
