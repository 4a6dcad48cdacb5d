/**
 * The legs in Postgres: all pods together consume the three topics as one group and keep the effective event of each
 * leg by the showcase's own order, so a request older than the showcase is shown the same. Offsets are committed only
 * after the rows are.
 */
import { decodeEvent, isLegEvent, type LegEvent, REQUEST_TOPICS } from '@osago/contracts';
import type { EventBus, LogRecord, Subscription } from '@osago/event-bus';
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

export class Archive implements Service {
  readonly name = 'archive';
  readonly #pool: Pool;
  readonly #log: Log;
  readonly #records: Counter;
  readonly #subscription: Subscription;
  #waiting: LogRecord[] = [];

  constructor(deps: { bus: EventBus; pool: Pool; log: Log; metrics: Registry }) {
    this.#pool = deps.pool;
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
        await this.#write(records);
        for (const record of records) this.#subscription.done(record);
      } catch (error) {
        this.#log.warn({ error, records: records.length }, 'archive could not write, it tries again');
        this.#waiting.unshift(...records);
        await pause(FAILED_PAUSE_MS, signal);
      }
    }
  }

  async #write(records: readonly LogRecord[]): Promise<void> {
    const legs = new Map<string, LegEvent>();
    const offsets = new Map<string, [number, number, number]>();
    for (const { topic, partition, offset, value } of records) {
      const decoded = decodeEvent(value);
      this.#records.inc({ topic, result: decoded.ok ? 'archived' : 'undecodable' });
      if (!decoded.ok) {
        this.#log.warn({ topic, partition, offset: String(offset), reason: decoded.reason }, 'record passed over');
        continue;
      }
      const { event } = decoded;
      const known = offsets.get(event.data.request_id) ?? [...NO_OFFSETS];
      known[REQUEST_TOPICS.findIndex((name) => name === topic)] = Number(offset);
      offsets.set(event.data.request_id, known);
      if (!isLegEvent(event)) continue;
      const held = legs.get(event.subject);
      if (held === undefined || compareLegEvents(event, held) > 0) legs.set(event.subject, event);
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

/**
 * What the archive holds of one request. Legs are written before offsets and so are read after them: no offset is named
 * whose leg is missing.
 */
export const findLegs = async (
  pool: Pool,
  requestId: string,
): Promise<{ events: LegEvent[]; offsets: Offsets }> => {
  const offsets = await pool.query<{ requests_offset: string; quotes_offset: string; errors_offset: string }>(
    'SELECT requests_offset, quotes_offset, errors_offset FROM request_offsets WHERE request_id = $1',
    [requestId],
  );
  const legs = await pool.query<{ event: LegEvent }>('SELECT event FROM legs WHERE request_id = $1', [
    requestId,
  ]);
  const [row] = offsets.rows;
  return {
    events: legs.rows.map(({ event }) => event),
    offsets: row
      ? [Number(row.requests_offset), Number(row.quotes_offset), Number(row.errors_offset)]
      : NO_OFFSETS,
  };
};
