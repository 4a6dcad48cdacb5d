/** From the commit to the topic, on a real Postgres and a real broker. */
import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { decodeEvent, TOPICS } from '@osago/contracts';
import { createKafkajsEventBus, type EventBus, type LogRecord, MemoryEventBus, partitionFor } from '@osago/event-bus';
import { createLog, createMetrics } from '@osago/service-kit';
import { Outbox } from './outbox.ts';
import { Relay } from './relay.ts';
import { type RelayTime, systemTime } from './relay-time.ts';
import { RequestStore, type SubmitResult } from './request-store.ts';
import { Cleanup, until } from './testing-events.ts';
import { createKeys, ensureTopics, migratedDatabase, submissionOf, type TestDatabase, type TestKeys } from './testing-parts.ts';
import { seededRandom } from './testing-random.ts';

const log = createLog('core-app-test', 'silent');
const cleanup = new Cleanup();
afterEach(() => cleanup.run());

let brokers: string[];
let partitions: number;
let database: TestDatabase;
let keys: TestKeys;

beforeAll(async () => {
  brokers = (process.env['KAFKA_BROKERS'] ?? '').split(',');
  partitions = await ensureTopics(brokers);
  database = await migratedDatabase(process.env['DATABASE_URL'], { partitions });
  keys = await createKeys();
}, 60_000);
afterAll(() => database.close());

const busTo = (addresses: string[]): EventBus => {
  const bus = createKafkajsEventBus({ log }, { brokers: addresses, clientId: 'core-app-test' });
  cleanup.add(() => bus.close());
  return bus;
};

const run = (relay: Relay): void => {
  const stop = new AbortController();
  const running = relay.run(stop.signal);
  cleanup.add(() => {
    stop.abort();
    return running;
  });
};

const setup = (addresses = brokers) => {
  const store = new RequestStore({ pool: database.pool, logKeys: keys.log, storeKeys: keys.store });
  const outbox = new Outbox(database.pool);
  const relay = new Relay({ outbox, bus: busTo(addresses), log, metrics: createMetrics('core-app') });
  const start = (): void => run(relay);
  return { store, outbox, relay, start };
};

type Created = Extract<SubmitResult, { kind: 'created' }>;

const submit = async (store: RequestStore, seed: number): Promise<Created> => {
  const result = await store.submit(submissionOf(seed));
  if (result.kind !== 'created') throw new Error(`${result.kind}, not created`);
  return result;
};

/** Longer than any test here. */
const READ_BACK_MS = 120_000;

/** Every record of the requests topic of this test, and of others before it. */
const startReading = (): LogRecord[] => {
  const records: LogRecord[] = [];
  const tail = busTo(brokers).tail(
    { topics: [TOPICS.requests], fromMs: Date.now() - READ_BACK_MS, groupPrefix: 'core-app-test' },
    (record) => void records.push(record),
  );
  const stop = new AbortController();
  const running = tail.run(stop.signal);
  cleanup.add(() => {
    stop.abort();
    return running;
  });
  return records;
};

describe('a committed request', () => {
  test('is on the log where it was stored to be, as a CloudEvent, and gone from the outbox', async () => {
    const { outbox, relay, start, store } = setup();
    const { request, event, outbox: row } = await submit(store, 1);
    start();
    relay.send(row);
    await until(async () => (await outbox.count()).waiting === 0, 30_000);
    const records = startReading();
    await until(() => records.some(({ key }) => key === request.request_id), 30_000);
    const [record] = records.filter(({ key }) => key === request.request_id);
    expect(record).toMatchObject({
      partition: request.partition,
      headers: { 'content-type': 'application/cloudevents+json', traceparent: row.traceparent },
    });
    expect(request.partition).toBe(partitionFor(request.request_id, partitions));
    expect(decodeEvent(record!.value)).toEqual({ ok: true, event });
  }, 60_000);

  test('whose pod has died is sent by another when its birth claim is over', async () => {
    const { outbox, start, store } = setup();
    const sent = await Promise.all(Array.from({ length: 20 }, (_, seed) => submit(store, seed)));
    start();
    await database.pool.query(`UPDATE outbox SET claimed_until = now() - interval '1 s'`);
    await until(async () => (await outbox.count()).waiting === 0, 30_000);
    const records = startReading();
    const keysOf = (): Set<string> => new Set(records.map(({ key }) => key));
    await until(() => sent.every(({ request }) => keysOf().has(request.request_id)), 30_000);
    for (const { request } of sent) {
      expect(records.filter(({ key }) => key === request.request_id)).toMatchObject([{ partition: request.partition }]);
    }
  }, 60_000);

  test('stays in the outbox while there is no broker', async () => {
    const { outbox, relay, start, store } = setup(['127.0.0.1:9']);
    const { outbox: row } = await submit(store, 1);
    start();
    relay.send(row);
    const isReleased = async (): Promise<boolean> => {
      const { rows } = await database.pool.query('SELECT FROM outbox WHERE id = $1 AND claimed_until <= now()', [row.id]);
      return rows.length === 1;
    };
    await until(isReleased, 30_000);
    expect(await outbox.count()).toMatchObject({ waiting: 1, parked: 0 });
    await outbox.delete([row.id]);
  }, 60_000);
});

/** Rows as commands add them: free to be claimed. Resolves to their ids. */
const insertRows = async (rows: readonly { request_id: string; revision: number; value: Buffer }[]): Promise<string[]> => {
  const inserted = await database.pool.query<{ id: string }>(
    `INSERT INTO outbox (request_id, event_id, topic, partition, value, traceparent, claimed_until)
     SELECT request_id, request_id || ':r' || revision, $4, 1, value, '', now()
     FROM unnest($1::uuid[], $2::integer[], $3::bytea[]) AS given (request_id, revision, value) RETURNING id`,
    [rows.map((row) => row.request_id), rows.map(({ revision }) => revision), rows.map(({ value }) => value), TOPICS.requests],
  );
  return inserted.rows.map(({ id }) => id);
};

test('a row that the broker refuses for good is parked: its request waits behind it, others do not, until it is let go', async () => {
  const { outbox, start } = setup();
  const [poisoned, other] = [randomUUID(), randomUUID()];
  const [poison, behind, free] = await insertRows([
    { request_id: poisoned, revision: 1, value: Buffer.alloc(3_000_000) },
    { request_id: poisoned, revision: 2, value: Buffer.from('behind') },
    { request_id: other, revision: 1, value: Buffer.from('free') },
  ]);
  start();
  await until(async () => (await outbox.count()).parked === 1, 30_000);
  await until(async () => (await outbox.count()).waiting === 1, 30_000);
  const { rows } = await database.pool.query('SELECT id, parked_reason FROM outbox ORDER BY id');
  expect(rows).toEqual([
    { id: poison, parked_reason: expect.stringContaining('publish to osago.requests.v1/1') },
    { id: behind, parked_reason: null },
  ]);
  expect(free).toBeDefined();
  // As `npm run outbox -- redrive` does, after what was wrong is mended.
  await database.pool.query(`UPDATE outbox SET parked_reason = NULL, claimed_until = now(), value = 'mended' WHERE id = $1`, [poison]);
  await until(async () => (await outbox.count()).waiting === 0, 30_000);
  const records = startReading();
  const valuesOf = (key: string): string[] => records.filter((record) => record.key === key).map(({ value }) => String(value));
  await until(() => valuesOf(poisoned).length === 2 && valuesOf(other).length === 1, 30_000);
  expect(valuesOf(poisoned)).toEqual(['mended', 'behind']);
}, 90_000);

test('two relays share the rows, and keep the order of each request through pauses of any length', async () => {
  const REQUESTS = 30;
  const REVISIONS = 12;
  const requests = Array.from({ length: REQUESTS }, () => randomUUID());
  const log1 = new MemoryEventBus({ topics: { [TOPICS.requests]: 2 } });
  const random = seededRandom(1);
  const publishedBy = [0, 0];
  const relayOf = (pod: number): Relay => {
    const publish: EventBus['publish'] = async (records) => {
      await new Promise((resolve) => setTimeout(resolve, random() * 20));
      publishedBy[pod] = (publishedBy[pod] ?? 0) + records.length;
      return log1.publish(records);
    };
    const outbox = new Outbox(database.pool);
    // Claims come with every second of a poll; more of them take less time.
    const time: RelayTime = { ...systemTime, after: (_ms, call) => systemTime.after(random() * 400, call) };
    return new Relay({ outbox, bus: { publish }, log, metrics: createMetrics('core-app') }, time);
  };
  for (let revision = 1; revision <= REVISIONS; revision += 1) {
    await insertRows(requests.map((request_id) => ({ request_id, revision, value: Buffer.from(String(revision)) })));
  }
  run(relayOf(0));
  run(relayOf(1));
  const outbox = new Outbox(database.pool);
  await until(async () => (await outbox.count()).waiting === 0, 60_000);
  for (const request of requests) {
    const revisions = log1.records(TOPICS.requests).filter(({ key }) => key === request).map(({ value }) => Number(String(value)));
    expect(revisions).toEqual(Array.from({ length: REVISIONS }, (_, at) => at + 1));
  }
  for (const count of publishedBy) expect(count).toBeGreaterThan(0);
}, 90_000);
