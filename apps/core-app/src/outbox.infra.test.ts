import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { Outbox } from './outbox.ts';
import { migratedDatabase, type TestDatabase } from './testing-parts.ts';

let database: TestDatabase;
let outbox: Outbox;

beforeAll(async () => {
  database = await migratedDatabase(process.env['DATABASE_URL']);
  outbox = new Outbox(database.pool);
}, 60_000);
afterAll(() => database.close());
beforeEach(async () => {
  await database.pool.query('TRUNCATE outbox');
});

/** Rows of these requests in this order, free to be claimed unless said otherwise. Resolves to their ids. */
const insert = async (requests: readonly string[], claimedFor = '-1 s'): Promise<string[]> => {
  const { rows } = await database.pool.query<{ id: string }>(
    `INSERT INTO outbox (request_id, event_id, topic, partition, value, traceparent, claimed_until)
     SELECT request_id, request_id || ':r' || row_number() OVER (PARTITION BY request_id ORDER BY position), 'osago.requests.v1', 2, 'value', 'trace', now() + $2::interval
     FROM unnest($1::uuid[]) WITH ORDINALITY AS given (request_id, position) ORDER BY position RETURNING id`,
    [requests, claimedFor],
  );
  return rows.map(({ id }) => id);
};

const expireClaims = (): Promise<unknown> => database.pool.query(`UPDATE outbox SET claimed_until = now() - interval '1 s'`);
const claimedIds = async (rowsMax = 500): Promise<string[]> => (await outbox.claim(rowsMax)).map(({ id }) => id);

describe('claim', () => {
  test('gives what a record needs', async () => {
    const request = randomUUID();
    const [id] = await insert([request]);
    expect(await outbox.claim(1)).toEqual([
      {
        id,
        request_id: request,
        event_id: `${request}:r1`,
        topic: 'osago.requests.v1',
        partition: 2,
        key: request,
        value: Buffer.from('value'),
        traceparent: 'trace',
        attempts: 1,
      },
    ]);
  });

  test('gives the oldest first, no more than asked for', async () => {
    const ids = await insert(Array.from({ length: 5 }, () => randomUUID()));
    expect(await claimedIds(3)).toEqual(ids.slice(0, 3));
    expect(await claimedIds(3)).toEqual(ids.slice(3));
  });

  test('leaves a row alone while it is claimed, by its birth or by a claim, and gives it again after', async () => {
    const ids = await insert([randomUUID()], '30 s');
    expect(await claimedIds()).toEqual([]);
    await expireClaims();
    expect(await claimedIds()).toEqual(ids);
    expect(await claimedIds()).toEqual([]);
    await expireClaims();
    expect(await claimedIds()).toEqual(ids);
    const { rows } = await database.pool.query<{ attempts: number }>('SELECT attempts FROM outbox');
    expect(rows).toEqual([{ attempts: 2 }]);
  });

  test('never gives a later row of a request while an earlier one is there', async () => {
    const [same, other] = [randomUUID(), randomUUID()];
    const [first, second, third, fourth] = await insert([same, other, same, same]);
    expect(await claimedIds()).toEqual([first, second]);
    await expireClaims();
    expect(await claimedIds()).toEqual([first, second]);
    await outbox.delete([first!]);
    expect(await claimedIds()).toEqual([third]);
    await outbox.delete([third!]);
    expect(await claimedIds()).toEqual([fourth]);
  });

  test('never gives a row behind a parked one, nor the parked one', async () => {
    const [same, other] = [randomUUID(), randomUUID()];
    const [first, , third] = await insert([same, same, other]);
    await outbox.park({ id: first! }, 'the record is too large');
    expect(await claimedIds()).toEqual([third]);
    expect(await outbox.count()).toMatchObject({ waiting: 2, parked: 1 });
    const { rows } = await database.pool.query('SELECT parked_reason FROM outbox WHERE id = $1', [first]);
    expect(rows).toEqual([{ parked_reason: 'the record is too large' }]);
  });

  test('never gives a row to two, however many ask at once', async () => {
    const ids = await insert(Array.from({ length: 400 }, () => randomUUID()));
    const taken: string[] = [];
    while (taken.length < ids.length) {
      const claims = await Promise.all(Array.from({ length: 8 }, () => claimedIds(20)));
      expect(claims.flat().length).toBeGreaterThan(0);
      taken.push(...claims.flat());
    }
    expect(taken.sort()).toEqual(ids.sort());
  });

  test('leaves out the partitions that are named', async () => {
    const ids = await insert([randomUUID(), randomUUID()]);
    await database.pool.query('UPDATE outbox SET partition = 3 WHERE id = $1', [ids[0]]);
    const claimed = await outbox.claim(500, ['osago.requests.v1/3', 'osago.requests.v1/1']);
    expect(claimed.map(({ id }) => id)).toEqual(ids.slice(1));
  });

  test('passes over rows that another transaction holds', async () => {
    const [held, free] = await insert([randomUUID(), randomUUID()]);
    const client = await database.pool.connect();
    await client.query('BEGIN');
    await client.query('SELECT FROM outbox WHERE id = $1 FOR UPDATE', [held]);
    expect(await claimedIds()).toEqual([free]);
    await client.query('ROLLBACK');
    client.release();
    expect(await claimedIds()).toEqual([held]);
  });
});

test('released rows may be claimed again at once', async () => {
  const ids = await insert([randomUUID(), randomUUID()]);
  const claimed = await outbox.claim(500);
  await outbox.release(claimed.slice(0, 1));
  expect(await claimedIds()).toEqual(ids.slice(0, 1));
});

test('a row under its birth claim is released by the pod that inserted it', async () => {
  const ids = await insert([randomUUID()], '30 s');
  await outbox.release([{ id: ids[0]! }]);
  expect(await claimedIds()).toEqual(ids);
});

test('extended claims last as long as new ones', async () => {
  const short = new Outbox(database.pool, { claimS: 1 });
  await insert([randomUUID()]);
  const claimed = await short.claim(1);
  await outbox.extend(claimed);
  const { rows } = await database.pool.query<{ left: number }>(
    'SELECT extract(epoch FROM claimed_until - now())::float8 AS left FROM outbox',
  );
  expect(rows[0]!.left).toBeGreaterThan(29);
});

test('a pod that wakes up after its claim has run out changes nothing of the one that has it now', async () => {
  await insert([randomUUID()]);
  const late = await outbox.claim(1);
  await expireClaims();
  const current = await outbox.claim(1);
  await outbox.release(late);
  await outbox.park(late[0]!, 'the record is too large');
  expect(await claimedIds()).toEqual([]);
  expect(await outbox.count()).toMatchObject({ waiting: 1, parked: 0 });
  await outbox.release(current);
  expect(await claimedIds()).toHaveLength(1);
});

test('deleted rows are gone, and nothing happens to what is not there', async () => {
  const ids = await insert([randomUUID(), randomUUID()]);
  await outbox.delete([...ids.slice(0, 1), '999999']);
  await outbox.delete([]);
  expect(await outbox.count()).toMatchObject({ waiting: 1, parked: 0 });
});

test('claims and deletes do not wait for the disk, and leave that to them alone', async () => {
  const [id] = await insert([randomUUID()]);
  const client = await database.pool.connect();
  const own = new Outbox(client as unknown as typeof database.pool);
  const isFlushed = async (): Promise<string> =>
    (await client.query<{ synchronous_commit: string }>('SHOW synchronous_commit')).rows[0]!.synchronous_commit;
  for (const work of [() => own.claim(1), () => own.delete([id!])]) {
    await client.query('BEGIN');
    expect(await isFlushed()).toBe('on');
    await work();
    expect(await isFlushed()).toBe('off');
    await client.query('COMMIT');
  }
  expect(await isFlushed()).toBe('on');
  client.release();
});

test('the age is that of the oldest row that waits, and 0 when none does', async () => {
  expect(await outbox.count()).toEqual({ waiting: 0, parked: 0, oldest_age_s: 0 });
  const [parked] = await insert([randomUUID(), randomUUID(), randomUUID()]);
  await database.pool.query(`UPDATE outbox SET created_at = now() - (10 - id % 3) * interval '1 min'`);
  await outbox.park({ id: parked! }, 'the record is too large');
  const { rows } = await database.pool.query<{ age: number }>(
    'SELECT extract(epoch FROM now() - created_at)::float8 AS age FROM outbox WHERE parked_reason IS NULL ORDER BY id LIMIT 1',
  );
  expect((await outbox.count()).oldest_age_s).toBeCloseTo(rows[0]!.age, 0);
});
