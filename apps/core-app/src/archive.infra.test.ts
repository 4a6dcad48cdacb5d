/** The archive on a real Postgres; its log is in memory, so that every order of arrival can be tried. */
import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { decodeDeadLetter, type LegEvent, type OsagoEvent, type PublishedStatus, REQUEST_TOPICS, TOPICS } from '@osago/contracts';
import { DeadLetters, MemoryEventBus } from '@osago/event-bus';
import { fold, type RequestState } from '@osago/quotes';
import { createMetrics, systemClock } from '@osago/service-kit';
import fc from 'fast-check';
import { Archive, type Archived, findArchived, findArchivedOffsets } from './archive.ts';
import { QuotesBodies } from './quotes-body.ts';
import { RequestReader } from './request-reader.ts';
import { RequestStore } from './request-store.ts';
import { Showcase, SHOWCASE_TTL_MS } from './showcase.ts';
import { ShowcaseEviction } from './showcase-eviction.ts';
import { asRecord, Cleanup, leg, PARTITION, rememberingLog, until } from './testing-events.ts';
import { createKeys, migratedDatabase, submissionOf, type TestDatabase } from './testing-parts.ts';

const PARTITIONS = 4;
const cleanup = new Cleanup();
afterEach(() => cleanup.run());

let database: TestDatabase;
beforeAll(async () => {
  database = await migratedDatabase(process.env['DATABASE_URL'], { partitions: PARTITIONS });
}, 60_000);
afterAll(() => database.close());

const setup = () => {
  const bus = new MemoryEventBus({ topics: Object.fromEntries(Object.values(TOPICS).map((topic) => [topic, PARTITIONS])) });
  const log = rememberingLog();
  const start = (): (() => Promise<void>) => {
    const metrics = createMetrics('core-app');
    const deadLetters = new DeadLetters({ bus, clock: systemClock, log, metrics }, { source: '/osago/test' });
    const archive = new Archive({ bus, pool: database.pool, deadLetters, log, metrics });
    const abort = new AbortController();
    const running = archive.run(abort.signal);
    const stop = (): Promise<void> => {
      abort.abort();
      return running;
    };
    cleanup.add(stop);
    return stop;
  };
  const publish = async (events: readonly OsagoEvent[], partition = PARTITION): Promise<void> => {
    for (const event of events) await bus.publish([asRecord(event, partition)]);
  };
  /** All that is on the log is in Postgres, and committed. */
  const isArchived = (partition = PARTITION): boolean =>
    REQUEST_TOPICS.every((topic) => {
      const written = bus.records(topic).filter((record) => record.partition === partition).length;
      return written === 0 || bus.committed('osago-archive', { topic, partition }) === BigInt(written);
    });
  const archived = (partition?: number): Promise<void> => until(() => isArchived(partition));
  /** `id: reason` of what was buried. */
  const buried = (): string[] =>
    bus.records(TOPICS.deadLetters).map(({ value }) => {
      const decoded = decodeDeadLetter(value);
      return decoded.ok ? `${decoded.value.id}: ${decoded.value.data.reason}` : 'no dead letter';
    });
  return { bus, log, start, publish, archived, buried };
};

const findLegs = async (pool: TestDatabase['pool'], requestId: string): Promise<Archived> => {
  const archived = (await findArchived(pool, [requestId])).get(requestId);
  if (archived === undefined) throw new Error('every request that is asked for is answered');
  return archived;
};

/** What the log has of one request, in the order in which it was published to each topic. */
const recordsOf = (bus: MemoryEventBus, requestId: string): { event: OsagoEvent; offset: number }[] =>
  REQUEST_TOPICS.flatMap((topic) => bus.records(topic))
    .filter(({ key }) => key.startsWith(requestId))
    .map(({ value, offset }) => ({ event: JSON.parse(String(value)) as OsagoEvent, offset: Number(offset) }));

/** What a showcase holds that has read the same log. */
const folded = (bus: MemoryEventBus, requestId: string): RequestState | undefined =>
  recordsOf(bus, requestId).reduce<RequestState | undefined>((state, { event, offset }) => fold(state, event, offset), undefined);

const legsByInsurer = (events: readonly LegEvent[]): Record<string, LegEvent> =>
  Object.fromEntries(events.map((event) => [event.data.insurer_id, event]));

/** Those that a showcase goes by, whole. */
const effectiveEvents = (bus: MemoryEventBus, requestId: string): LegEvent[] => {
  const legs = Object.values(folded(bus, requestId)?.legs ?? {});
  const events = recordsOf(bus, requestId).map(({ event }) => event as LegEvent);
  return legs.flatMap(({ id }) => events.find((event) => event.id === id) ?? []);
};

const STATUSES: readonly PublishedStatus[] = ['submitted', 'estimated', 'quoted', 'declined', 'needs_data', 'error', 'timeout', 'skipped'];

interface Sketch {
  insurer_id: string;
  status: PublishedStatus;
  attempt: number;
  fence: number;
  step: number;
}

/** Legs of one request, each id once, wilder than life. */
const sketches: fc.Arbitrary<Sketch[]> = fc.uniqueArray(
  fc.record({
    insurer_id: fc.constantFrom('alpha', 'beta', 'gamma'),
    status: fc.constantFrom(...STATUSES),
    attempt: fc.integer({ min: 1, max: 3 }),
    // A fence is a server's time in milliseconds: beyond what 32 bits hold.
    fence: fc.constantFrom(0, 1, 1_795_251_600_000),
    step: fc.integer({ min: 0, max: 3 }),
  }),
  { selector: ({ insurer_id, attempt, fence, step }) => `${insurer_id} ${attempt} ${fence} ${step}`, minLength: 1, maxLength: 12 },
);

/** Each at least once, in any order, cut in two batches. */
const readings = sketches.chain((all) =>
  fc.record({
    reading: fc
      .subarray(all)
      .chain((again) => fc.shuffledSubarray([...all, ...again], { minLength: all.length + again.length })),
    cut: fc.nat({ max: all.length }),
  }),
);

describe('the archive', () => {
  test('holds what a showcase holds, whatever the order, the repeats and the batches', async () => {
    const { archived, bus, publish, start } = setup();
    start();
    const property = fc.asyncProperty(readings, async ({ reading, cut }) => {
      const request_id = randomUUID();
      const events = reading.map(({ insurer_id, status, ...sketch }) => leg(insurer_id, status, { ...sketch, request_id }));
      await publish(events.slice(0, cut));
      await archived();
      await publish(events.slice(cut));
      await archived();
      const held = await findLegs(database.pool, request_id);
      const state = folded(bus, request_id);
      expect(legsByInsurer(held.events)).toEqual(legsByInsurer(effectiveEvents(bus, request_id)));
      expect(held.offsets).toEqual(state?.offsets);
    });
    await fc.assert(property, { numRuns: 12 });
  }, 60_000);

  test('raises each offset on its own and never lowers one', async () => {
    const request_id = randomUUID();
    const first = setup();
    const stop = first.start();
    await first.publish([leg('alpha', 'submitted', { request_id }), leg('alpha', 'quoted', { request_id, step: 2 })]);
    await first.archived();
    expect((await findLegs(database.pool, request_id)).offsets).toEqual([-1, 1, -1]);
    await stop();
    // As after a redelivery: the same leg once more, from an earlier place in the log.
    const second = setup();
    second.start();
    await second.publish([leg('alpha', 'submitted', { request_id }), leg('beta', 'error', { request_id })]);
    await second.archived();
    const held = await findLegs(database.pool, request_id);
    expect(held.offsets).toEqual([-1, 1, 0]);
    expect(legsByInsurer(held.events)).toMatchObject({ alpha: { data: { status: 'quoted' } }, beta: { data: { status: 'error' } } });
  }, 60_000);

  test('buries what it cannot decode, and goes on', async () => {
    const { archived, buried, bus, publish, start } = setup();
    start();
    const request_id = randomUUID();
    await bus.publish([{ ...asRecord(leg('alpha', 'quoted', { request_id }), PARTITION), value: Buffer.from('{') }]);
    await publish([leg('beta', 'quoted', { request_id })]);
    await archived();
    expect(Object.keys(legsByInsurer((await findLegs(database.pool, request_id)).events))).toEqual(['beta']);
    expect(buried()).toEqual(['osago.quotes.v1-3-0: the value is no JSON']);
  }, 60_000);

  test('buries what Postgres refuses for its content, and writes the others of the batch', async () => {
    const { archived, buried, publish, start } = setup();
    const [good, bad] = [randomUUID(), randomUUID()];
    const poisoned = (insurer_id: string): LegEvent => {
      const event = leg(insurer_id, 'quoted', { request_id: bad });
      // Text of Postgres holds no NUL.
      return { ...event, id: 'nul \u0000' };
    };
    const insurers = Array.from({ length: 20 }, (_, at) => `insurer-${at}`);
    await publish(insurers.flatMap((name, at) => (at % 7 === 3 ? [poisoned(name)] : [leg(name, 'quoted', { request_id: good })])));
    start();
    await archived();
    const reason = 'Postgres refuses its content (SQLSTATE 22021)';
    expect(buried().sort()).toEqual([10, 17, 3].map((offset) => `osago.quotes.v1-3-${offset}: ${reason}`));
    expect((await findLegs(database.pool, good)).events).toHaveLength(17);
    expect((await findLegs(database.pool, bad)).events).toEqual([]);
  }, 60_000);

  test('takes two spellings of one request for one', async () => {
    const { archived, buried, publish, start } = setup();
    const request_id = randomUUID();
    await publish([
      leg('alpha', 'submitted', { request_id, step: 1 }),
      leg('alpha', 'quoted', { request_id: request_id.toUpperCase(), step: 2 }),
    ]);
    start();
    await archived();
    const held = await findLegs(database.pool, request_id);
    expect(held.events.map(({ data }) => data.status)).toEqual(['quoted']);
    expect(held.offsets).toEqual([-1, 1, -1]);
    expect(buried()).toEqual([]);
  }, 60_000);

  test('commits nothing that is not written, and writes it when Postgres is back', async () => {
    const { buried, bus, log, publish, start, archived } = setup();
    const request_id = randomUUID();
    await database.pool.query('ALTER TABLE legs RENAME TO legs_away');
    start();
    await publish([leg('alpha', 'quoted', { request_id })]);
    await until(() => log.lines.some(({ message }) => message.includes('could not write')));
    expect(bus.committed('osago-archive', { topic: TOPICS.quotes, partition: PARTITION }) ?? 0n).toBe(0n);
    await database.pool.query('ALTER TABLE legs_away RENAME TO legs');
    await archived();
    expect((await findLegs(database.pool, request_id)).events).toHaveLength(1);
    expect(buried()).toEqual([]);
  }, 60_000);

  test('names no offset to a reader whose leg it has not given, even when it writes in between', async () => {
    const { archived, publish, start } = setup();
    start();
    const request_id = randomUUID();
    let reads = 0;
    const pool = Object.create(database.pool, {
      query: {
        value: async (text: string, values: unknown[]) => {
          const result = await database.pool.query(text, values);
          reads += 1;
          if (reads === 1) {
            await publish([leg('alpha', 'quoted', { request_id })]);
            await archived();
          }
          return result;
        },
      },
    }) as typeof database.pool;
    const held = await findLegs(pool, request_id);
    expect(held.offsets[1] >= 0 && held.events.length === 0).toBe(false);
    expect((await findLegs(database.pool, request_id)).offsets[1]).toBeGreaterThanOrEqual(0);
  }, 60_000);
});

describe('a request that only Postgres remembers', () => {
  /** One that was stored and whose legs are on the log. */
  const answered = async ({ publish }: ReturnType<typeof setup>, seed: number) => {
    const keys = await createKeys();
    const store = new RequestStore({ pool: database.pool, logKeys: keys.log, storeKeys: keys.store });
    const result = await store.submit(submissionOf(seed));
    if (result.kind !== 'created') throw new Error(`${result.kind}, not created`);
    const { request } = result;
    const { request_id, partition } = request;
    const price = { premium_kopecks: 500_000, total_kopecks: 520_000, extras: [{ name: 'Помощь', premium_kopecks: 20_000, mandatory: true }] };
    await publish([result.event], partition);
    await publish(
      [
        leg('alpha', 'submitted', { request_id, step: 1, members: { submitted_at: request.accepted_at } }),
        leg('alpha', 'quoted', { request_id, step: 2, members: { submitted_at: request.accepted_at, ...price, pool: true } }),
        leg('beta', 'error', { request_id, step: 2, members: { reason: { code: 'failed' }, retryable: true } }),
      ],
      partition,
    );
    const readWith = (showcase: Showcase) => new RequestReader({ showcase, store, pool: database.pool }).read(request_id);
    const bodies = new QuotesBodies({ epoch: { epoch: 'e1' }, feed: { isStale: () => false }, clock: { nowMs: () => Date.parse(request.deadline_at) } });
    return { request, readWith, bodies };
  };

  test('has the same body, to the byte, as on a pod whose feed has shown it', async () => {
    const given = setup();
    const { archived, bus, start } = given;
    start();
    const { request: { request_id, partition }, readWith, bodies } = await answered(given, 1);
    await archived(partition);

    const fed = new Showcase();
    for (const { event, offset } of recordsOf(bus, request_id)) fed.apply(event, partition, offset);
    const empty = new Showcase();
    const fromArchive = await readWith(empty);
    const [ofFeed, ofArchive] = [fed.get(request_id), fromArchive].map((shown) => bodies.render(shown!));
    expect(JSON.stringify(ofArchive?.body)).toBe(JSON.stringify(ofFeed?.body));
    expect(ofArchive?.etag).toBe(ofFeed?.etag);
    expect(ofArchive?.body.status).toBe('partial');
    expect(empty.size).toBe(1);
  }, 60_000);

  test('was in the showcase until the archive had all of it, so no reader misses a quote meanwhile', async () => {
    const given = setup();
    const { archived, bus, log, start } = given;
    const { request: { request_id, partition, deadline_at }, readWith, bodies } = await answered(given, 2);
    const showcase = new Showcase();
    for (const { event, offset } of recordsOf(bus, request_id)) showcase.apply(event, partition, offset);
    const eviction = new ShowcaseEviction({
      showcase,
      archivedOffsets: (ids) => findArchivedOffsets(database.pool, ids),
      clock: { nowMs: () => Date.parse(deadline_at) + SHOWCASE_TTL_MS },
      log,
      metrics: createMetrics('core-app'),
    });
    const etag = async (): Promise<string | undefined> => {
      const shown = await readWith(showcase);
      return shown && bodies.render(shown).etag;
    };
    const before = await etag();
    expect(await eviction.evict()).toBe(0);
    expect(await etag()).toBe(before);
    start();
    await archived(partition);
    expect(await eviction.evict()).toBe(1);
    expect(showcase.size).toBe(0);
    expect(await etag()).toBe(before);
  }, 60_000);

  test('is undefined when there is no such request', async () => {
    const keys = await createKeys();
    const store = new RequestStore({ pool: database.pool, logKeys: keys.log, storeKeys: keys.store });
    const reader = new RequestReader({ showcase: new Showcase(), store, pool: database.pool });
    expect(await reader.read(randomUUID())).toBeUndefined();
  });
});
