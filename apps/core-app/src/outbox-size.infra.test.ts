/**
 * The outbox stays small and quick however much goes through it: OUTBOX_ROWS of them (20,000 here; a million takes some
 * minutes), in and out as a busy platform and its relay do it.
 */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Outbox } from './outbox.ts';
import { migratedDatabase, type TestDatabase } from './testing-parts.ts';

const ROWS = Number(process.env['OUTBOX_ROWS'] ?? 20_000);
/** In the table at once: as many as two seconds of 500 requests/s, sent by relays that are late. */
const WAITING = 1_000;
const BATCH = 500;
/** What an event with a sealed application takes; random, for a sealed one cannot be compressed either. */
const VALUE_BYTES = 3_000;
/** Postgres looks each minute by itself; here after as many rows as come in a minute at 500/s. */
const VACUUM_EVERY = 30_000;
/** A minute of dead rows, 4 KB each, and their indexes. Everything that ever went through is far more. */
const SIZE_BYTES_MAX = 250_000_000;
/** Half of the claims take less; some 20 ms, and the rest is for a machine that does other things. Without indexes: seconds. */
const CLAIM_MS_MAX = 1_000;
const TEST_MS = 60_000 + ROWS * 2;

let database: TestDatabase;
let outbox: Outbox;
beforeAll(async () => {
  database = await migratedDatabase(process.env['DATABASE_URL']);
  outbox = new Outbox(database.pool);
  // One event's worth of noise, made once: making it is not what is measured.
  await database.pool.query(
    `CREATE TABLE noise AS SELECT string_agg(sha512(i::text::bytea), '') AS value
     FROM generate_series(1, ${VALUE_BYTES / 64}) AS i`,
  );
}, 60_000);
afterAll(() => database.close());

const insert = async (count: number, claimedFor = '-1 s'): Promise<void> => {
  await database.pool.query(
    `INSERT INTO outbox (request_id, event_id, topic, partition, value, traceparent, claimed_until)
     SELECT gen_random_uuid(), 'event', 'osago.requests.v1', i % 12, noise.value, 'trace', now() + $2::interval
     FROM noise, generate_series(1, $1::integer) AS i`,
    [count, claimedFor],
  );
};

const sizeOf = async (): Promise<number> => {
  const { rows } = await database.pool.query<{ size: string }>(`SELECT pg_total_relation_size('outbox') AS size`);
  return Number(rows[0]!.size);
};

const timed = async <T>(work: () => Promise<T>): Promise<[T, number]> => {
  const beginMs = performance.now();
  const result = await work();
  return [result, performance.now() - beginMs];
};

/** Of some times, the one that this share is below. */
const quantile = (times: readonly number[], share: number): number =>
  times.toSorted((a, b) => a - b)[Math.floor(times.length * share)] ?? 0;

/** The pool, but each statement is explained by `explain` and gives no rows; `plans` has what it said. */
const explaining = (explain: string): { outbox: Outbox; plans: string[] } => {
  const plans: string[] = [];
  const pool = Object.create(database.pool, {
    query: {
      value: async (text: string, values?: unknown[]) => {
        const { rows } = await database.pool.query<{ 'QUERY PLAN': string }>(`${explain} ${text}`, values);
        plans.push(rows.map((row) => row['QUERY PLAN']).join('\n'));
        return { rows: [] };
      },
    },
  }) as typeof database.pool;
  return { outbox: new Outbox(pool), plans };
};

/** Claims a batch, counts the pages that Postgres looked at, and gives the rows back. */
const pagesOfClaim = async (): Promise<number> => {
  const explained = explaining('EXPLAIN (ANALYZE, BUFFERS, TIMING OFF)');
  await explained.outbox.claim(BATCH);
  await database.pool.query(`UPDATE outbox SET claimed_until = now() - interval '1 s' WHERE attempts > 0`);
  const [, hit, read = '0'] = /Buffers: shared hit=(\d+)(?: read=(\d+))?/.exec(explained.plans[0] ?? '') ?? [];
  return Number(hit) + Number(read);
};

describe('the outbox', () => {
  test(`is small, and its claims are quick, while ${ROWS} rows go through it`, async () => {
    const claims: number[] = [];
    let [inserted, deleted, sizeMax] = [0, 0, 0];
    while (deleted < ROWS) {
      if (inserted < ROWS && inserted - deleted < WAITING) {
        await insert(BATCH);
        inserted += BATCH;
      }
      const [rows, ms] = await timed(() => outbox.claim(BATCH));
      claims.push(ms);
      await outbox.delete(rows.map(({ id }) => id));
      deleted += rows.length;
      if (deleted % VACUUM_EVERY === 0) {
        sizeMax = Math.max(sizeMax, await sizeOf());
        await database.pool.query('VACUUM outbox');
      }
    }
    sizeMax = Math.max(sizeMax, await sizeOf());
    await database.pool.query('VACUUM outbox');
    const sizeAfter = await sizeOf();
    const mb = (bytes: number): string => (bytes / 1e6).toFixed(1);
    process.stdout.write(
      `outbox: ${ROWS} rows, at most ${mb(sizeMax)} MB, ${mb(sizeAfter)} MB after vacuum; ` +
        `claim of ${BATCH}: p50 ${quantile(claims, 0.5).toFixed(1)} ms, p99 ${quantile(claims, 0.99).toFixed(1)} ms\n`,
    );
    expect(sizeMax).toBeLessThan(SIZE_BYTES_MAX);
    expect(sizeAfter).toBeLessThan(SIZE_BYTES_MAX / 10);
    expect(quantile(claims, 0.5)).toBeLessThan(CLAIM_MS_MAX);
  }, TEST_MS);

  test('touches as many pages for a claim whether few rows wait or very many, and however many are dead', async () => {
    await database.pool.query('TRUNCATE outbox');
    await insert(2_000);
    const few = await pagesOfClaim();
    await insert(60_000);
    const many = await pagesOfClaim();
    await database.pool.query('DELETE FROM outbox WHERE id < (SELECT max(id) - 2000 FROM outbox)');
    // The first look marks the dead as dead.
    await pagesOfClaim();
    const dead = await pagesOfClaim();
    process.stdout.write(`outbox: pages of a claim of ${BATCH}: ${few} of 2,000, ${many} of 62,000, ${dead} behind 60,000 dead rows\n`);
    expect(many).toBeLessThan(2 * few);
    expect(dead).toBeLessThan(2 * few);
  }, 120_000);

  test('asks for the next rows by its indexes, not by reading the table, whatever lies in it', async () => {
    await insert(20_000, '1 h');
    await database.pool.query(`UPDATE outbox SET parked_reason = 'too large' WHERE partition < 2`);
    await insert(5_000);
    await database.pool.query('ANALYZE outbox');
    const { outbox: explained, plans } = explaining('EXPLAIN');
    await explained.claim(BATCH, ['osago.requests.v1/3']);
    await explained.delete(['1', '2']);
    await explained.release([{ id: '1', attempts: 1 }]);
    for (const plan of plans) expect(plan).not.toContain('Seq Scan');
    expect(await outbox.claim(BATCH)).toHaveLength(BATCH);
  }, 60_000);
});
