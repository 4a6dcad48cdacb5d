/** What Postgres of core-app knows of requests, read in read-only transactions. The only file that imports pg. */
import pg from 'pg';
import type { LegEvent } from '@osago/contracts';
import { ReplayError } from './replay-error.ts';
import type { RequestPlace } from './request-log.ts';

export interface ArchivedRequest {
  readonly request_id: string;
  readonly partition: number;
  readonly acceptedAtMs: number;
  readonly revision: number;
  /** Rows of the outbox that are still to be published. */
  readonly unpublished: number;
  /** Of the three topics; undefined when the archive has seen nothing of it. */
  readonly offsets: readonly [bigint, bigint, bigint] | undefined;
  readonly legs: readonly ArchivedLeg[];
}

export interface ArchivedLeg {
  readonly insurer_id: string;
  readonly event_id: string;
  readonly event: LegEvent;
}

/** A question that takes longer is stopped: the database serves people first. */
const STATEMENT_TIMEOUT_MS = 30_000;
/** Requests in one question. */
export const REQUESTS_MAX = 1_000;

interface RequestRow {
  request_id: string;
  partition: number;
  accepted_at: Date;
  revision: number;
  unpublished: string;
  requests_offset: string | null;
  quotes_offset: string | null;
  errors_offset: string | null;
}

const REQUESTS = `
  SELECT r.request_id, r.partition, r.accepted_at, r.revision, o.requests_offset, o.quotes_offset, o.errors_offset,
         (SELECT count(*) FROM outbox WHERE outbox.request_id = r.request_id) AS unpublished
  FROM requests r LEFT JOIN request_offsets o USING (request_id)
  WHERE r.request_id = ANY($1::uuid[])`;

export class Database {
  readonly #pool: pg.Pool;

  constructor(connectionString: string) {
    this.#pool = new pg.Pool({
      connectionString,
      max: 2,
      application_name: 'osago-replay',
      options: `-c default_transaction_read_only=on -c statement_timeout=${STATEMENT_TIMEOUT_MS}`,
    });
    // A connection that breaks while idle: the next question says so.
    this.#pool.on('error', () => undefined);
  }

  async #ask<T extends pg.QueryResultRow>(statement: string, values: readonly unknown[]): Promise<T[]> {
    try {
      return (await this.#pool.query<T>(statement, [...values])).rows;
    } catch (error) {
      throw new ReplayError(`the database cannot be asked: ${(error as Error).message}`, { cause: error });
    }
  }

  async findPlace(requestId: string): Promise<RequestPlace | undefined> {
    const [row] = await this.#ask<RequestRow>('SELECT partition, accepted_at FROM requests WHERE request_id = $1', [requestId]);
    return row && { partition: row.partition, acceptedAtMs: row.accepted_at.getTime() };
  }

  /** The requests that were accepted in a window, by id. */
  async acceptedIn(fromMs: number, toMs: number): Promise<string[]> {
    const rows = await this.#ask<{ request_id: string }>(
      'SELECT request_id FROM requests WHERE accepted_at >= $1 AND accepted_at < $2 ORDER BY request_id',
      [new Date(fromMs), new Date(toMs)],
    );
    return rows.map(({ request_id }) => request_id);
  }

  async requests(ids: readonly string[]): Promise<ArchivedRequest[]> {
    const found: ArchivedRequest[] = [];
    for (let at = 0; at < ids.length; at += REQUESTS_MAX) {
      found.push(...(await this.#someRequests(ids.slice(at, at + REQUESTS_MAX))));
    }
    return found;
  }

  async #someRequests(ids: readonly string[]): Promise<ArchivedRequest[]> {
    const rows = await this.#ask<RequestRow>(REQUESTS, [ids]);
    // Legs are written before offsets and so are read after them: no offset is named whose leg is missing.
    const legs = await this.#ask<ArchivedLeg & { request_id: string }>(
      'SELECT request_id, insurer_id, event_id, event FROM legs WHERE request_id = ANY($1::uuid[])',
      [ids],
    );
    const legsOf = Map.groupBy(legs, ({ request_id }) => request_id);
    return rows.map((row) => ({
      request_id: row.request_id,
      partition: row.partition,
      acceptedAtMs: row.accepted_at.getTime(),
      revision: row.revision,
      unpublished: Number(row.unpublished),
      offsets:
        row.requests_offset === null
          ? undefined
          : [BigInt(row.requests_offset), BigInt(row.quotes_offset ?? -1), BigInt(row.errors_offset ?? -1)],
      legs: legsOf.get(row.request_id) ?? [],
    }));
  }

  async close(): Promise<void> {
    await this.#pool.end();
  }
}
