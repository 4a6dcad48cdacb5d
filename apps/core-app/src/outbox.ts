/**
 * Rows that wait to be published. Only the first row of each request is claimable, and a parked one stays the first: so a
 * request's events stay in order. Claims are leases, so a dead pod's rows go to another; a pod that wakes up after its
 * lease changes nothing, for each claim has a number.
 */
import type { Pool } from 'pg';

export interface OutboxRow {
  /** A bigint as text. */
  id: string;
  request_id: string;
  event_id: string;
  topic: string;
  partition: number;
  key: string;
  value: Buffer;
  traceparent: string;
  /** The number of the claim, from 1; a row under its born claim has none. */
  attempts?: number;
}

/** What says whose a row is. */
export type ClaimedRow = Pick<OutboxRow, 'id' | 'attempts'>;

export interface OutboxCount {
  waiting: number;
  parked: number;
  /** Since the oldest of those that wait was inserted; 0 when none does. */
  oldest_age_s: number;
}

/** A pod that is dead for so long loses its rows; one that lives and sends for longer extends its claims. */
export const CLAIM_S = 30;
/** A new row belongs to the pod that inserted it for so long; it sends it right after the commit. */
export const BORN_CLAIM_S = CLAIM_S;

/**
 * What Postgres forgets when it crashes right after is done again: a claim is free, a row is sent twice under one event id.
 * So nobody waits for the disk. Of the statement's own transaction alone.
 */
const UNFLUSHED = `(SELECT set_config('synchronous_commit', 'off', true)) = 'off'`;

/**
 * A request's first revision (`requestEventId`) has nothing before it, and most rows are one: they need no look at others.
 * For the rest `min` and not `NOT EXISTS`: one look into the index a row, which no statistics can turn into a join of
 * everything. And all conditions in one CASE, of which Postgres expects half of the rows: of single ones it may, without
 * statistics, expect next to none, and then reads and sorts the whole table instead of going by age until it has enough.
 * Then by place and not by id: a join costs a third of the claim. A row that moved since the statement began is locked,
 * left, and due next time.
 */
const CLAIM = `
  UPDATE outbox SET claimed_until = now() + $2 * interval '1 s', attempts = attempts + 1
  WHERE ${UNFLUSHED} AND ctid = ANY(ARRAY(
    SELECT ctid FROM outbox AS row
    WHERE CASE
      WHEN parked_reason IS NULL AND claimed_until < now() AND topic || '/' || partition <> ALL($3::text[])
      THEN right(event_id, 3) = ':r1'
           OR id = (SELECT min(id) FROM outbox AS first WHERE first.request_id = row.request_id)
      ELSE false
    END
    ORDER BY id LIMIT $1 FOR UPDATE OF row SKIP LOCKED
  ))
  RETURNING id, request_id, event_id, topic, partition, request_id AS key, value, traceparent, attempts`;

const HELD = `
  FROM unnest($1::bigint[], $2::integer[]) AS held (id, attempts)
  WHERE outbox.id = held.id AND outbox.attempts = held.attempts`;

const COUNT = `
  SELECT (SELECT count(*) FROM outbox WHERE parked_reason IS NULL)::integer AS waiting,
         (SELECT count(*) FROM outbox WHERE parked_reason IS NOT NULL)::integer AS parked,
         coalesce((SELECT extract(epoch FROM clock_timestamp() - created_at) FROM outbox
                   WHERE parked_reason IS NULL ORDER BY id LIMIT 1), 0)::float8 AS oldest_age_s`;

export class Outbox {
  readonly #pool: Pool;
  readonly claimS: number;

  constructor(pool: Pool, { claimS = CLAIM_S }: { claimS?: number } = {}) {
    this.#pool = pool;
    this.claimS = claimS;
  }

  /** At most `rowsMax` rows, oldest first, that nobody else sends now; none of the `except` partitions (`topic/number`). */
  async claim(rowsMax: number, except: readonly string[] = []): Promise<OutboxRow[]> {
    const { rows } = await this.#pool.query<OutboxRow>(CLAIM, [rowsMax, this.claimS, except]);
    return rows.sort((a, b) => Number(a.id) - Number(b.id));
  }

  /** They are on the log: gone from here, whoever has claimed them. */
  async delete(ids: readonly string[]): Promise<void> {
    await this.#pool.query(`DELETE FROM outbox WHERE ${UNFLUSHED} AND id = ANY($1::bigint[])`, [ids]);
  }

  /** They may be claimed again at once. Those that another has claimed since stay his; so with the two below. */
  async release(rows: readonly ClaimedRow[]): Promise<void> {
    await this.#pool.query(`UPDATE outbox SET claimed_until = now() ${HELD}`, columnsOf(rows));
  }

  /** They are still being sent. */
  async extend(rows: readonly ClaimedRow[]): Promise<void> {
    const extended = `UPDATE outbox SET claimed_until = now() + $3 * interval '1 s' ${HELD}`;
    await this.#pool.query(extended, [...columnsOf(rows), this.claimS]);
  }

  /** No try will help: kept aside with the reason; later rows of the same request wait behind it. */
  async park(row: ClaimedRow, reason: string): Promise<void> {
    await this.#pool.query(`UPDATE outbox SET parked_reason = $3 ${HELD}`, [...columnsOf([row]), reason]);
  }

  async count(): Promise<OutboxCount> {
    const { rows } = await this.#pool.query<OutboxCount>(COUNT);
    return rows[0] ?? { waiting: 0, parked: 0, oldest_age_s: 0 };
  }
}

const columnsOf = (rows: readonly ClaimedRow[]): [string[], number[]] => [
  rows.map(({ id }) => id),
  rows.map(({ attempts = 0 }) => attempts),
];
