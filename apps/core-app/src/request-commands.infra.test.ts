import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { decodeEvent, type OsagoEvent } from '@osago/contracts';
import { fold, isVisible, NO_OFFSETS, view, type View } from '@osago/quotes';
import { Outbox } from './outbox.ts';
import { type AskRetry, type CancelResult, RequestCommands, type RetryResult } from './request-commands.ts';
import { RequestReader } from './request-reader.ts';
import { RequestStore, type StoredRequest } from './request-store.ts';
import { Showcase } from './showcase.ts';
import { leg, until } from './testing-events.ts';
import { createKeys, migratedDatabase, submissionOf, type TestDatabase, type TestKeys } from './testing-parts.ts';

let database: TestDatabase;
let keys: TestKeys;
let store: RequestStore;
let commands: RequestCommands;

beforeAll(async () => {
  database = await migratedDatabase(process.env['DATABASE_URL']);
  keys = await createKeys();
  const deps = { pool: database.pool, logKeys: keys.log, storeKeys: keys.store };
  store = new RequestStore(deps);
  commands = new RequestCommands(deps);
}, 60_000);
afterAll(() => database.close());

const traceparent = `00-${'c'.repeat(32)}-${'d'.repeat(16)}-01`;

const submit = async (seed = 1): Promise<StoredRequest> => {
  const result = await store.submit(submissionOf(seed));
  if (result.kind !== 'created') throw new Error(`${result.kind}, not created`);
  return result.request;
};

const cancel = ({ request_id }: { request_id: string }): Promise<CancelResult> => commands.cancelRequest({ request_id, traceparent });

const retryOf = ({ request_id }: { request_id: string }, members: Partial<AskRetry> = {}): AskRetry => {
  const { application, tariff } = submissionOf(99);
  return { request_id, insurer_id: 'alpha', attempt: 1, deadline_ms: 30_000, application, tariff, traceparent, ...members };
};

const retry = (request: { request_id: string }, members?: Partial<AskRetry>): Promise<RetryResult> =>
  commands.askRetry(retryOf(request, members));

const asked = (result: RetryResult): Extract<RetryResult, { kind: 'asked' }> => {
  if (result.kind !== 'asked') throw new Error(`${result.kind}, not asked`);
  return result;
};

/** What waits to be published of a request, oldest first. */
const outboxOf = async ({ request_id }: { request_id: string }): Promise<OsagoEvent[]> => {
  const { rows } = await database.pool.query<{ value: Buffer }>('SELECT value FROM outbox WHERE request_id = $1 ORDER BY id', [request_id]);
  return rows.map(({ value }) => {
    const decoded = decodeEvent(value);
    if (!decoded.ok) throw new Error(decoded.reason);
    return decoded.event;
  });
};

const revisionOf = async ({ request_id }: { request_id: string }): Promise<number | undefined> =>
  (await database.pool.query<{ revision: number }>('SELECT revision FROM requests WHERE request_id = $1', [request_id])).rows[0]?.revision;

const countCommands = async ({ request_id }: { request_id: string }): Promise<number> =>
  (await database.pool.query('SELECT FROM request_commands WHERE request_id = $1', [request_id])).rows.length;

/** As a pod sees it that has folded nothing. */
const shownFromPostgres = async (request: StoredRequest, afterMs = 0): Promise<View> => {
  const shown = await new RequestReader({ showcase: new Showcase(), store, pool: database.pool }).read(request.request_id);
  if (shown === undefined) throw new Error('it is not shown');
  expect(shown.state.offsets).toEqual(NO_OFFSETS);
  return view(shown.state, Date.parse(request.accepted_at) + afterMs);
};

/** As a pod sees it that has folded the log. */
const shownFromLog = async (request: StoredRequest, afterMs = 0): Promise<View> => {
  const state = (await outboxOf(request)).reduce((held, event) => fold(held, event), fold(undefined, leg('nobody', 'quoted', request)));
  if (!isVisible(state)) throw new Error('it is not shown');
  return view(state, Date.parse(request.accepted_at) + afterMs);
};

describe('a cancel', () => {
  test('is the next revision, with its event in the outbox behind the first one', async () => {
    const request = await submit();
    const result = await cancel(request);
    if (result.kind !== 'cancelled') throw new Error(result.kind);
    expect(result.partition).toBe(request.partition);
    expect(await revisionOf(request)).toBe(2);
    const [first, second] = await outboxOf(request);
    expect(first?.type).toBe('osago.request.submitted.v1');
    expect(second).toEqual(result.event);
    expect(result.event).toMatchObject({
      id: `${request.request_id}:r2`,
      type: 'osago.request.cancelled.v1',
      data: { request_id: request.request_id, revision: 2 },
    });
    expect(Date.parse(result.event.time)).toBeGreaterThanOrEqual(Date.parse(request.accepted_at));
  });

  test('may be claimed by any relay at once, but not before what came before it', async () => {
    const request = await submit();
    const result = await cancel(request);
    if (result.kind !== 'cancelled') throw new Error(result.kind);
    const outbox = new Outbox(database.pool);
    const claimed = async (): Promise<string[]> =>
      (await outbox.claim(1_000)).filter(({ request_id }) => request_id === request.request_id).map(({ event_id }) => event_id);
    // The first row is born claimed by the pod that inserted it.
    expect(await claimed()).toEqual([]);
    await database.pool.query('DELETE FROM outbox WHERE event_id = $1', [`${request.request_id}:r1`]);
    expect(await claimed()).toEqual([result.outbox.event_id]);
  });

  test('that comes again changes nothing, also when both come at once', async () => {
    const request = await submit();
    const results = await Promise.all(Array.from({ length: 6 }, () => cancel(request)));
    expect(results.map(({ kind }) => kind).sort()).toEqual(['cancelled', ...Array<string>(5).fill('unchanged')]);
    expect(await cancel(request)).toMatchObject({ kind: 'unchanged', event: { data: { revision: 2 } } });
    expect([await revisionOf(request), await countCommands(request), (await outboxOf(request)).length]).toEqual([2, 1, 2]);
  });

  test('after a retry ends that too', async () => {
    const request = await submit();
    await cancel(request);
    await retry(request);
    expect(await cancel(request)).toMatchObject({ kind: 'cancelled', event: { data: { revision: 4 } } });
    expect((await shownFromPostgres(request)).quotes.map(({ status }) => status)).toEqual(['cancelled', 'cancelled']);
  });

  test('of a request that is not there is said to be so', async () => {
    expect(await cancel({ request_id: randomUUID() })).toEqual({ kind: 'unknown' });
  });
});

describe('a retry', () => {
  test('is self-contained: its event carries the whole application with the changes, its deadline, its tariff', async () => {
    const request = await submit();
    const { application, tariff } = submissionOf(99);
    const { event } = asked(await retry(request));
    expect(event.data).toMatchObject({ revision: 2, insurer_id: 'alpha', attempt: 2, tariff });
    expect(Date.parse(event.data.deadline_at) - Date.parse(event.time)).toBe(30_000);
    expect(JSON.parse(await keys.logPrivate.open(event.data.application_sealed))).toEqual(application);
    expect((await outboxOf(request)).at(-1)).toEqual(event);
  });

  test('leaves the request as it was asked, and is what later changes are merged into', async () => {
    const request = await submit(1);
    expect(await commands.openApplication(request.request_id)).toEqual(submissionOf(1).application);
    await retry(request);
    await cancel(request);
    expect(await commands.openApplication(request.request_id)).toEqual(submissionOf(99).application);
    const { rows } = await database.pool.query<{ sealed: string }>('SELECT application_sealed AS sealed FROM requests WHERE request_id = $1', [request.request_id]);
    expect(JSON.parse(await keys.store.open(rows[0]!.sealed))).toEqual(submissionOf(1).application);
    expect(await commands.openApplication(randomUUID())).toBeUndefined();
  });

  test('writes no word of the application in clear', async () => {
    const request = await submit();
    await retry(request);
    const { rows } = await database.pool.query<{ text: string }>(
      `SELECT (SELECT row(c.*)::text FROM request_commands AS c WHERE request_id = $1)
           || (SELECT string_agg(convert_from(value, 'UTF8'), '') FROM outbox WHERE request_id = $1) AS text`,
      [request.request_id],
    );
    const { contacts, vehicle } = submissionOf(99).application;
    expect(rows[0]?.text).toContain('alpha');
    for (const word of [contacts.phone, contacts.email, vehicle.document.number]) expect(rows[0]?.text).not.toContain(word);
  });

  test('asked twice by one click is one command with one answer', async () => {
    const request = await submit();
    const results = await Promise.all(Array.from({ length: 6 }, () => retry(request)));
    expect(results.map(({ kind }) => kind).sort()).toEqual(['asked', ...Array<string>(5).fill('replayed')]);
    const answers = results.map((result) => {
      if (result.kind !== 'asked' && result.kind !== 'replayed') throw new Error(result.kind);
      const { revision, attempt, deadline_at } = result.event.data;
      return { revision, attempt, deadline_at };
    });
    expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1);
    expect(await countCommands(request)).toBe(1);
    await retry(request, { attempt: 2 });
    expect(await retry(request)).toMatchObject({ kind: 'replayed', event: { data: { attempt: 2, revision: 2 } } });
  });

  test('counts each insurer on its own, and knows what was never asked', async () => {
    const request = await submit();
    await retry(request);
    expect(asked(await retry(request, { insurer_id: 'beta' })).event.data).toMatchObject({ attempt: 2, revision: 3 });
    expect(await retry(request, { attempt: 3 })).toEqual({ kind: 'conflict', detail: 'attempt 3 was never asked' });
    expect(await retry(request, { insurer_id: 'gamma' })).toEqual({ kind: 'conflict', detail: 'this insurer was not asked' });
    expect(await retry({ request_id: randomUUID() })).toEqual({ kind: 'unknown' });
    expect(await revisionOf(request)).toBe(3);
  });
});

describe('commands of one request', () => {
  test('that come at once get revisions without gap, and times and rows in their order', async () => {
    const request = await submit();
    await Promise.all([cancel(request), retry(request), retry(request, { insurer_id: 'beta' }), cancel(request)]);
    const events = await outboxOf(request);
    const revisions = events.map(({ data }) => (data as { revision: number }).revision);
    expect(revisions).toEqual(revisions.map((_, at) => at + 1));
    expect(await revisionOf(request)).toBe(revisions.length);
    const times = events.map(({ time }) => time);
    expect(times).toEqual([...times].sort());
  });

  test.each(['request_commands', 'outbox'])('leave nothing behind when %s cannot be written', async (table) => {
    const request = await submit();
    await database.pool.query(`
      CREATE OR REPLACE FUNCTION refuse() RETURNS trigger AS $$ BEGIN RAISE 'refused'; END $$ LANGUAGE plpgsql;
      CREATE TRIGGER refuse BEFORE INSERT ON ${table} FOR EACH ROW EXECUTE FUNCTION refuse()`);
    await expect(cancel(request)).rejects.toThrow('refused');
    await expect(retry(request)).rejects.toThrow('refused');
    await database.pool.query(`DROP TRIGGER refuse ON ${table}`);
    expect([await revisionOf(request), await countCommands(request), (await outboxOf(request)).length]).toEqual([1, 0, 1]);
    const { pool } = database;
    expect([pool.totalCount - pool.idleCount, pool.waitingCount]).toEqual([0, 0]);
  });

  test('are shown by a pod that has folded nothing, as by one that has folded the log', async () => {
    const request = await submit();
    await retry(request);
    await cancel(request);
    await retry(request, { insurer_id: 'beta', deadline_ms: 45_000 });
    for (const afterMs of [0, 40_000, 50_000]) {
      const fromPostgres = await shownFromPostgres(request, afterMs);
      expect(fromPostgres).toEqual(await shownFromLog(request, afterMs));
      expect(fromPostgres.revision).toBe(4);
    }
    const { quotes, status } = await shownFromPostgres(request);
    expect(quotes.map((quote) => [quote.status, quote.attempt])).toEqual([['cancelled', 2], ['waiting', 2]]);
    expect(status).toBe('in_progress');
  });

  test('are added to what a pod shows that is below the revision of a reader, and to nothing else', async () => {
    const request = await submit();
    const showcase = new Showcase();
    const reader = new RequestReader({ showcase, store, pool: database.pool });
    await reader.read(request.request_id);
    await cancel(request);
    const revisionShown = (): number | undefined => showcase.get(request.request_id)?.state.revision;
    await reader.read(request.request_id);
    expect(revisionShown()).toBe(1);
    await reader.read(request.request_id, { offsets: NO_OFFSETS, revision: 2 });
    expect(revisionShown()).toBe(2);
  });

  test('wait for a command that another transaction has not finished', async () => {
    const request = await submit();
    const first = await database.pool.connect();
    await first.query('BEGIN');
    await first.query('SELECT FROM requests WHERE request_id = $1 FOR UPDATE', [request.request_id]);
    const second = cancel(request);
    await until(async () => {
      const { rows } = await database.pool.query(
        `SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`,
      );
      return rows.length === 1;
    });
    const { rows } = await first.query<{ now: Date }>('SELECT clock_timestamp() AS now');
    await first.query('ROLLBACK');
    first.release();
    const result = await second;
    if (result.kind !== 'cancelled') throw new Error(result.kind);
    // Dated when it has the lock, so that times rise with the revisions.
    expect(Date.parse(result.event.time)).toBeGreaterThanOrEqual(rows[0]!.now.getTime());
  });
});
