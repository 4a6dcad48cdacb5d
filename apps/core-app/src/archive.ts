/**
 * The legs in Postgres: all pods together consume the three topics as one group and keep the effective event of each
 * leg by the showcase's own order, so a request older than the showcase is shown the same. Offsets are committed only
 * after the rows are. What cannot be decoded, and what Postgres refuses for its content, is buried among the dead letters
 * and holds nothing up.
 */
import { decodeEvent, isLegEvent, type LegEvent, legKey, type OsagoEvent, REQUEST_TOPICS } from '@osago/contracts';
import type { DeadLetters, EventBus, LogRecord, Subscription } from '@osago/event-bus';
import { classOf, compareLegEvents, NO_OFFSETS, type Offsets } from '@osago/quotes';
import { Counter, type Log, pause, type Registry, type Service } from '@osago/service-kit';
import type { Pool } from 'pg';

/** Records between two writes; read a little ahead of Postgres, no more. */
const IN_FLIGHT_MAX = 2_000;
const FLUSH_MS = 200;
const FAILED_PAUSE_MS = 1_000;

const UPSERT_LEGS = `
  INSERT INTO legs (request_id, insurer_id, attempt, class, fence, step, event_id, event)
  SELECT * FROM unnest($1::uuid[], $2::text[], $3::integer[], $4::integer[], $5::bigint[], $6::integer[],
                       $7::text[], $8::json[])
  ON CONFLICT (request_id, insurer_id) DO UPDATE
  SET attempt = excluded.attempt, class = excluded.class, fence = excluded.fence, step = excluded.step,
      event_id = excluded.event_id, event = excluded.event
  WHERE (excluded.attempt, excluded.class, excluded.fence, excluded.step, excluded.event_id)
      > (legs.attempt, legs.class, legs.fence, legs.step, legs.event_id)`;

const UPSERT_OFFSETS = `
  INSERT INTO request_offsets (request_id, requests_offset, quotes_offset, errors_offset)
  SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::bigint[])
  ON CONFLICT (request_id) DO UPDATE
  SET requests_offset = greatest(request_offsets.requests_offset, excluded.requests_offset),
      quotes_offset = greatest(request_offsets.quotes_offset, excluded.quotes_offset),
      errors_offset = greatest(request_offsets.errors_offset, excluded.errors_offset)`;

/**
 * SQLSTATE classes that mean the statement's data: 21 cardinality, 22 data, 23 constraints, 54 limits. Whatever else
 * Postgres says (it is away, a table is missing) is healed by time or by an operator.
 */
const CONTENT_CODE = /^(21|22|23|54)...$/;

/** A record that was decoded and waits to be written. */
interface Readable {
  readonly record: LogRecord;
  readonly event: OsagoEvent;
}

export interface ArchiveDeps {
  bus: EventBus;
  pool: Pool;
  deadLetters: Pick<DeadLetters, 'bury'>;
  log: Log;
  metrics: Registry;
}

export class Archive implements Service {
  readonly name = 'archive';
  readonly #pool: Pool;
  readonly #deadLetters: Pick<DeadLetters, 'bury'>;
  readonly #log: Log;
  readonly #records: Counter;
  readonly #subscription: Subscription;
  #waiting: LogRecord[] = [];
  /** Of the batch that is being written, what is neither written nor buried yet. */
  #inHand = new Set<LogRecord>();

  constructor(deps: ArchiveDeps) {
    this.#pool = deps.pool;
    this.#deadLetters = deps.deadLetters;
    this.#log = deps.log;
    this.#records = new Counter({
      name: 'osago_archive_records_total',
      help: 'Records the archive has read, by topic and result',
      labelNames: ['topic', 'result'],
      registers: [deps.metrics],
    });
    this.#subscription = deps.bus.subscribe(
      { group: 'osago-archive', topics: REQUEST_TOPICS, inFlightMax: IN_FLIGHT_MAX },
      {
        onRecord: (record) => {
          this.#waiting.push(record);
        },
      },
    );
  }

  async run(signal: AbortSignal): Promise<void> {
    await Promise.all([this.#subscription.run(signal), this.#flushUntil(signal)]);
  }

  async #flushUntil(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await pause(FLUSH_MS, signal);
      const records = this.#waiting.splice(0);
      if (records.length === 0) continue;
      try {
        await this.#archive(records, signal);
      } catch (error) {
        this.#log.warn({ error, records: records.length }, 'archive could not write, it tries again');
        this.#waiting.unshift(...this.#inHand);
        await pause(FAILED_PAUSE_MS, signal);
      }
    }
  }

  async #archive(records: readonly LogRecord[], signal: AbortSignal): Promise<void> {
    this.#inHand = new Set(records);
    const readable: Readable[] = [];
    const burials: Promise<void>[] = [];
    for (const record of records) {
      const decoded = decodeEvent(record.value);
      if (decoded.ok) readable.push({ record, event: decoded.event });
      else burials.push(this.#bury(record, decoded.reason, { result: 'undecodable', signal }));
    }
    const [written] = await Promise.allSettled([this.#writeOrBury(readable, signal), ...burials]);
    if (written.status === 'rejected') throw written.reason;
  }

  /** A batch that is refused for its content is halved, down to the records that are to blame. */
  async #writeOrBury(batch: readonly Readable[], signal: AbortSignal): Promise<void> {
    const [first] = batch;
    if (first === undefined) return;
    try {
      await this.#write(batch);
    } catch (error) {
      const { code = '' } = error as { code?: string };
      if (!CONTENT_CODE.test(code)) throw error;
      if (batch.length === 1) {
        // Not the message: it may quote the record.
        const reason = `Postgres refuses its content (SQLSTATE ${code})`;
        return this.#bury(first.record, reason, { result: 'refused', signal });
      }
      const half = batch.length >> 1;
      await this.#writeOrBury(batch.slice(0, half), signal);
      return this.#writeOrBury(batch.slice(half), signal);
    }
    for (const { record } of batch) this.#settle(record, 'archived');
  }

  async #bury(record: LogRecord, reason: string, { result, signal }: { result: string; signal: AbortSignal }): Promise<void> {
    if (await this.#deadLetters.bury(record, reason, signal)) this.#settle(record, result);
  }

  #settle(record: LogRecord, result: string): void {
    this.#inHand.delete(record);
    this.#records.inc({ topic: record.topic, result });
    this.#subscription.done(record);
  }

  async #write(batch: readonly Readable[]): Promise<void> {
    const legs = new Map<string, LegEvent>();
    const offsets = new Map<string, [number, number, number]>();
    for (const { record, event } of batch) {
      // As Postgres sees a uuid: one statement must not meet the same row twice.
      const requestId = event.data.request_id.toLowerCase();
      const known = offsets.get(requestId) ?? [...NO_OFFSETS];
      const at = REQUEST_TOPICS.findIndex((name) => name === record.topic);
      known[at] = Math.max(known[at] ?? 0, Number(record.offset));
      offsets.set(requestId, known);
      if (!isLegEvent(event)) continue;
      const leg = legKey(requestId, event.data.insurer_id);
      const held = legs.get(leg);
      if (held === undefined || compareLegEvents(event, held) > 0) legs.set(leg, event);
    }
    const events = [...legs.values()];
    const column = <T>(of: (event: LegEvent) => T): T[] => events.map(of);
    await this.#pool.query(UPSERT_LEGS, [
      column(({ data }) => data.request_id),
      column(({ data }) => data.insurer_id),
      column(({ data }) => data.attempt),
      column(({ data }) => classOf(data.status)),
      column(({ data }) => data.fence),
      column(({ data }) => data.step),
      column(({ id }) => id),
      column((event) => JSON.stringify(event)),
    ]);
    await this.#pool.query(UPSERT_OFFSETS, [
      [...offsets.keys()],
      ...[0, 1, 2].map((at) => [...offsets.values()].map((known) => known[at])),
    ]);
  }
}

export interface Archived {
  events: LegEvent[];
  offsets: Offsets;
}

/** How far the archive is with each of these requests, by id in lower case; without those it has nothing of. */
export const findArchivedOffsets = async (
  pool: Pick<Pool, 'query'>,
  requestIds: readonly string[],
): Promise<Map<string, Offsets>> => {
  const { rows } = await pool.query<{ request_id: string; requests_offset: string; quotes_offset: string; errors_offset: string }>(
    'SELECT request_id, requests_offset, quotes_offset, errors_offset FROM request_offsets WHERE request_id = ANY($1::uuid[])',
    [requestIds],
  );
  return new Map(
    rows.map(({ request_id, requests_offset, quotes_offset, errors_offset }) => [
      request_id,
      [Number(requests_offset), Number(quotes_offset), Number(errors_offset)],
    ]),
  );
};

/**
 * What the archive holds of these requests, by id in lower case; all of them are there. Legs are written before offsets
 * and so are read after them: no offset is named whose leg is missing.
 */
export const findArchived = async (pool: Pool, requestIds: readonly string[]): Promise<ReadonlyMap<string, Archived>> => {
  const offsets = await findArchivedOffsets(pool, requestIds);
  const archived = new Map(
    requestIds.map((id): [string, Archived] => [id.toLowerCase(), { events: [], offsets: offsets.get(id.toLowerCase()) ?? NO_OFFSETS }]),
  );
  const legs = await pool.query<{ request_id: string; event: LegEvent }>(
    'SELECT request_id, event FROM legs WHERE request_id = ANY($1::uuid[])',
    [requestIds],
  );
  for (const { request_id, event } of legs.rows) archived.get(request_id)?.events.push(event);
  return archived;
};
