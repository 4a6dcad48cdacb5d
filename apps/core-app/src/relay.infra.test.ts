/** From the commit to the topic, on a real Postgres and a real broker. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { decodeEvent, TOPICS } from '@osago/contracts';
import { createKafkajsEventBus, type EventBus, type LogRecord, partitionFor } from '@osago/event-bus';
import { createLog, createMetrics } from '@osago/service-kit';
import { Outbox } from './outbox.ts';
import { Relay } from './relay.ts';
import { RequestStore, type SubmitResult } from './request-store.ts';
import { Cleanup, until } from './testing-events.ts';
import { createKeys, ensureTopics, migratedDatabase, submissionOf, type TestDatabase, type TestKeys } from './testing-parts.ts';

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

const setup = (addresses = brokers) => {
  const store = new RequestStore({ pool: database.pool, logKeys: keys.log, storeKeys: keys.store });
  const outbox = new Outbox(database.pool);
  const relay = new Relay({ outbox, bus: busTo(addresses), log, metrics: createMetrics('core-app') });
  const stop = new AbortController();
  const start = (): void => {
    const running = relay.run(stop.signal);
    cleanup.add(() => {
      stop.abort();
      return running;
    });
  };
  return { store, outbox, relay, start };
};

type Created = Extract<SubmitResult, { kind: 'created' }>;

const submit = async (store: RequestStore, seed: number): Promise<Created> => {
  const result = await store.submit(submissionOf(seed));
  if (result.kind !== 'created') throw new Error(`${result.kind}, not created`);
  return result;
};

/** Every record of the requests topic from now on. */
const startReading = (): LogRecord[] => {
  const records: LogRecord[] = [];
  const tail = busTo(brokers).tail(
    { topics: [TOPICS.requests], fromMs: Date.now() - 5_000, groupPrefix: 'core-app-test' },
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
    expect(await outbox.count()).toEqual({ waiting: 1, parked: 0 });
    await outbox.delete([row.id]);
  }, 60_000);
});
