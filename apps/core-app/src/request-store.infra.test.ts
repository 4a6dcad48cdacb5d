import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { decodeEvent, type OsagoEvent } from '@osago/contracts';
import { partitionFor } from '@osago/event-bus';
import { RequestStore, type Submission, type SubmitResult } from './request-store.ts';
import { until } from './testing-events.ts';
import { createKeys, migratedDatabase, submissionOf, type TestDatabase, type TestKeys } from './testing-parts.ts';

const TABLES = ['requests', 'vehicles', 'drivers', 'outbox', 'idempotency_keys'];

let database: TestDatabase;
let keys: TestKeys;
let store: RequestStore;

beforeAll(async () => {
  database = await migratedDatabase(process.env['DATABASE_URL']);
  keys = await createKeys();
  store = new RequestStore({ pool: database.pool, logKeys: keys.log, storeKeys: keys.store });
}, 60_000);
afterAll(() => database.close());
beforeEach(async () => {
  await database.pool.query(`TRUNCATE ${TABLES.join(', ')} CASCADE`);
});

const countRows = async (): Promise<Record<string, number>> => {
  const counts = TABLES.map(async (table) => {
    const { rows } = await database.pool.query<{ n: number }>(`SELECT count(*)::integer AS n FROM ${table}`);
    return [table, rows[0]?.n ?? -1] as const;
  });
  return Object.fromEntries(await Promise.all(counts));
};

const created = (result: SubmitResult): Extract<SubmitResult, { kind: 'created' }> => {
  if (result.kind !== 'created') throw new Error(`${result.kind}, not created`);
  return result;
};

const keyed = (key: string, request_id?: string): Submission['idempotency'] => [
  { scope: 'key', key },
  ...(request_id === undefined ? [] : [{ scope: 'request' as const, key: request_id }]),
];

describe('a request', () => {
  test('is there with its vehicle, its drivers and its outbox row, and its event says the same', async () => {
    const submission = submissionOf(1);
    const { request, event, outbox } = created(await store.submit(submission));
    expect(await countRows()).toMatchObject({ requests: 1, vehicles: 1, drivers: submission.application.drivers.length, outbox: 1 });
    expect(request.partition).toBe(partitionFor(submission.request_id, 4));
    expect(Date.parse(request.deadline_at) - Date.parse(request.accepted_at)).toBe(60_000);
    expect(request.panel.map(({ insurer_id, deadline_at }) => [insurer_id, deadline_at])).toEqual([
      ['alpha', request.deadline_at],
      ['beta', request.deadline_at],
    ]);
    expect(await store.find(submission.request_id)).toEqual(request);
    const { rows } = await database.pool.query<{ value: Buffer; claimed: boolean }>(
      'SELECT value, claimed_until > now() AS claimed FROM outbox WHERE id = $1',
      [outbox.id],
    );
    expect(decodeEvent(rows[0]!.value)).toEqual({ ok: true, event });
    expect(rows[0]!.claimed).toBe(true);
    expect(event).toMatchObject({
      id: `${submission.request_id}:r1`,
      subject: submission.request_id,
      time: request.accepted_at,
      data: { request_id: submission.request_id, revision: 1, panel: request.panel, tariff: submission.tariff },
    });
  });

  test('has a shorter deadline for an insurer that has one', async () => {
    const [alpha, beta] = submissionOf(1).insurers;
    const { request } = created(await store.submit(submissionOf(1, { insurers: [{ ...alpha!, deadline_ms: 5_000 }, beta!] })));
    const after = request.panel.map(({ deadline_at }) => Date.parse(deadline_at) - Date.parse(request.accepted_at));
    expect(after).toEqual([5_000, 60_000]);
  });

  test.each(TABLES)('leaves nothing behind when %s cannot be written', async (table) => {
    await database.pool.query(`
      CREATE OR REPLACE FUNCTION refuse() RETURNS trigger AS $$ BEGIN RAISE 'refused'; END $$ LANGUAGE plpgsql;
      CREATE TRIGGER refuse BEFORE INSERT ON ${table} FOR EACH ROW EXECUTE FUNCTION refuse()`);
    const submission = submissionOf(1, { idempotency: keyed(randomUUID()) });
    await expect(store.submit(submission)).rejects.toThrow('refused');
    await database.pool.query(`DROP TRIGGER refuse ON ${table}`);
    expect(Object.values(await countRows())).toEqual(TABLES.map(() => 0));
    expect((await store.submit(submission)).kind).toBe('created');
  });

  test('leaves nothing behind when the commit itself fails', async () => {
    await database.pool.query(`
      CREATE OR REPLACE FUNCTION refuse() RETURNS trigger AS $$ BEGIN RAISE 'refused'; END $$ LANGUAGE plpgsql;
      CREATE CONSTRAINT TRIGGER refuse AFTER INSERT ON requests DEFERRABLE INITIALLY DEFERRED
        FOR EACH ROW EXECUTE FUNCTION refuse()`);
    await expect(store.submit(submissionOf(1))).rejects.toThrow('refused');
    await database.pool.query('DROP TRIGGER refuse ON requests');
    expect(Object.values(await countRows())).toEqual(TABLES.map(() => 0));
  });

  test('is refused while nobody has declared the topics', async () => {
    await database.pool.query('DELETE FROM platform_epoch');
    await expect(store.submit(submissionOf(1))).rejects.toThrow('`topics apply` has not been run');
    await database.pool.query(`INSERT INTO platform_epoch (epoch, cluster_id, partitions) VALUES ('e1', 'test', 4)`);
  });

  test('gives its connections back, also after failures', async () => {
    await Promise.all(Array.from({ length: 40 }, (_, seed) => store.submit(submissionOf(seed))));
    await expect(store.submit(submissionOf(1, { request_id: 'no uuid' }))).rejects.toThrow('uuid');
    const { pool } = database;
    expect([pool.totalCount - pool.idleCount, pool.waitingCount]).toEqual([0, 0]);
  });
});

describe('personal data', () => {
  /** Every text in `value`, except what pricing and analysts may see. */
  const personalTexts = (value: unknown, at = ''): string[] => {
    const isPublic = /^\/(vehicle\/(brand|model|category|document\/type)|purpose|consents)/.test(at);
    if (typeof value === 'string') return isPublic || value.length < 6 ? [] : [value];
    if (typeof value !== 'object' || value === null) return [];
    return Object.entries(value).flatMap(([name, member]) => personalTexts(member, `${at}/${name}`));
  };

  test('stands in no row in clear, and comes back with the right key', async () => {
    const submissions = Array.from({ length: 20 }, (_, seed) => submissionOf(seed, { idempotency: keyed(randomUUID()) }));
    for (const submission of submissions) await store.submit(submission);
    const texts: string[] = [];
    for (const table of TABLES) {
      const row = table === 'outbox' ? `row(request_id, event_id, convert_from(value, 'UTF8'), traceparent)` : 'held';
      const { rows } = await database.pool.query<{ text: string }>(`SELECT ${row}::text AS text FROM ${table} AS held`);
      expect(rows.length).toBeGreaterThan(0);
      texts.push(...rows.map(({ text }) => text));
    }
    const all = texts.join('\n');
    const personal = submissions.flatMap(({ application }) => personalTexts(application));
    // Names, birthdays, passports, licences, addresses, VIN, plate, phone, e-mail of twenty people.
    expect(personal.length).toBeGreaterThan(20 * 15);
    // Six digits stand in some moment's microseconds or in a token by chance; as a word of their own they do not.
    const standsIn = (text: string): boolean =>
      /^\d{6}$/.test(text) ? new RegExp(`(?<![\\w.-])${text}(?![\\w-])`).test(all) : all.includes(text);
    expect(personal.filter(standsIn)).toEqual([]);
  });

  test('comes back with the key of its place only', async () => {
    const submission = submissionOf(3);
    const { event } = created(await store.submit(submission));
    const { rows } = await database.pool.query<{ application: string; identity: string; person: string }>(
      `SELECT application_sealed AS application, identity_sealed AS identity, person_sealed AS person
       FROM requests JOIN vehicles USING (request_id) JOIN drivers USING (request_id) WHERE position = 0`,
    );
    const [{ application, identity, person }] = rows as [(typeof rows)[number]];
    const opened = async (text: Promise<string>): Promise<unknown> => JSON.parse(await text);
    expect(await opened(keys.store.open(application))).toEqual(submission.application);
    expect(await opened(keys.store.open(identity))).toMatchObject({ vin: submission.application.vehicle.vin });
    expect(await opened(keys.store.open(person))).toEqual(submission.application.drivers[0]);
    expect(await opened(keys.logPrivate.open(event.data.application_sealed))).toEqual(submission.application);
    await expect(keys.log.open(event.data.application_sealed)).rejects.toThrow();
  });
});

describe('idempotency', () => {
  test('without a key makes two requests of the same content', async () => {
    await store.submit(submissionOf(1));
    expect((await store.submit(submissionOf(1))).kind).toBe('created');
    expect(await countRows()).toMatchObject({ requests: 2, outbox: 2, idempotency_keys: 0 });
  });

  test('answers the same key and body with the same request, and writes nothing', async () => {
    const idempotency = keyed(randomUUID());
    const { request } = created(await store.submit(submissionOf(1, { idempotency })));
    expect(await store.submit(submissionOf(1, { idempotency }))).toEqual({ kind: 'replayed', request });
    expect(await countRows()).toMatchObject({ requests: 1, outbox: 1, idempotency_keys: 1 });
  });

  test('refuses the same key with another body', async () => {
    const idempotency = keyed(randomUUID());
    await store.submit(submissionOf(1, { idempotency }));
    expect(await store.submit(submissionOf(2, { idempotency }))).toEqual({
      kind: 'conflict',
      detail: 'the same key came with another body',
    });
    expect(await countRows()).toMatchObject({ requests: 1 });
  });

  test('replays by either of the two that came together', async () => {
    const request_id = randomUUID();
    const key = randomUUID();
    const { request } = created(await store.submit(submissionOf(1, { request_id, idempotency: keyed(key, request_id) })));
    const replayed = { kind: 'replayed', request };
    expect(await store.submit(submissionOf(1, { idempotency: keyed(key) }))).toEqual(replayed);
    const [, byRequest] = keyed(key, request_id);
    expect(await store.submit(submissionOf(1, { request_id, idempotency: [byRequest!] }))).toEqual(replayed);
    expect(await store.submit(submissionOf(1, { request_id, idempotency: keyed(key, request_id) }))).toEqual(replayed);
  });

  test('refuses a pair that disagrees, and does not remember it', async () => {
    const [first, second] = [randomUUID(), randomUUID()];
    const [key, other] = [randomUUID(), randomUUID()];
    await store.submit(submissionOf(1, { request_id: first, idempotency: keyed(key, first) }));
    await store.submit(submissionOf(1, { request_id: second, idempotency: keyed(other, second) }));
    for (const request_id of [second, randomUUID()]) {
      expect(await store.submit(submissionOf(1, { request_id, idempotency: keyed(key, request_id) }))).toEqual({
        kind: 'conflict',
        detail: 'Idempotency-Key and request_id belong to different requests',
      });
    }
    expect(await countRows()).toMatchObject({ requests: 2, idempotency_keys: 4 });
  });

  test('refuses a request_id whose key row is gone', async () => {
    const request_id = randomUUID();
    const idempotency = keyed(randomUUID(), request_id);
    await store.submit(submissionOf(1, { request_id, idempotency }));
    await database.pool.query('DELETE FROM idempotency_keys');
    expect(await store.submit(submissionOf(1, { request_id, idempotency }))).toEqual({
      kind: 'conflict',
      detail: 'this request_id was used before',
    });
    expect(await countRows()).toMatchObject({ requests: 1, outbox: 1, idempotency_keys: 0 });
  });

  test('gives twins that come at once the same request', async () => {
    for (let round = 0; round < 10; round += 1) {
      const idempotency = keyed(randomUUID());
      const results = await Promise.all(Array.from({ length: 8 }, () => store.submit(submissionOf(1, { idempotency }))));
      expect(results.filter(({ kind }) => kind === 'created')).toHaveLength(1);
      const ids = results.map((result) => (result.kind === 'conflict' ? result.detail : result.request.request_id));
      expect(new Set(ids).size).toBe(1);
    }
    expect(await countRows()).toMatchObject({ requests: 10, outbox: 10 });
  });

  test('makes a twin wait for the first one, and gives it a request of its own when that fails', async () => {
    const key = randomUUID();
    const first = await database.pool.connect();
    await first.query('BEGIN');
    await first.query(`INSERT INTO idempotency_keys VALUES ('key', $1, 'mac', $2)`, [key, randomUUID()]);
    const twin = store.submit(submissionOf(1, { idempotency: keyed(key) }));
    await until(async () => {
      const { rows } = await database.pool.query(
        `SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`,
      );
      return rows.length === 1;
    });
    await first.query('ROLLBACK');
    first.release();
    expect((await twin).kind).toBe('created');
  });
});

test('an event in the outbox names its request in subject, id and key alike', async () => {
  const { outbox, event } = created(await store.submit(submissionOf(5)));
  const decoded = decodeEvent(outbox.value) as { event: OsagoEvent };
  expect([outbox.key, outbox.event_id]).toEqual([decoded.event.subject, decoded.event.id]);
  expect(outbox.topic).toBe('osago.requests.v1');
  expect(event.datacontenttype).toBe('application/json');
});
