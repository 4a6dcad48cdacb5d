/**
 * Rows that wait to be published. A row is claimable only when no earlier row of its request exists, parked ones
 * included, so a request's events stay in order; claims are leases, so a dead pod's rows go to another.
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
}

/** Longer than the longest `publish`, so that a claim never runs out while its row is being sent. */
export const CLAIM_S = 30;
/** A new row belongs to the pod that inserted it for so long; it sends it right after the commit. */
export const BORN_CLAIM_S = CLAIM_S;

const CLAIM = `
  WITH due AS (
    SELECT id FROM outbox AS row
    WHERE parked_reason IS NULL AND claimed_until < now()
      AND NOT EXISTS (SELECT FROM outbox AS earlier
                      WHERE earlier.request_id = row.request_id AND earlier.id < row.id)
    ORDER BY id LIMIT $1 FOR UPDATE SKIP LOCKED
  )
  UPDATE outbox SET claimed_until = now() + interval '${CLAIM_S} s', attempts = attempts + 1
  FROM due WHERE outbox.id = due.id
  RETURNING outbox.id, request_id, event_id, topic, partition, request_id AS key, value, traceparent`;

export class Outbox {
  readonly #pool: Pool;

  constructor(pool: Pool) {
    this.#pool = pool;
  }

  /** At most `rowsMax` rows, oldest first, that nobody else sends now. */
  async claim(rowsMax: number): Promise<OutboxRow[]> {
    const { rows } = await this.#pool.query<OutboxRow>(CLAIM, [rowsMax]);
    return rows.sort((a, b) => Number(BigInt(a.id) - BigInt(b.id)));
  }

  /** They are on the log: gone from here. */
  async delete(ids: readonly string[]): Promise<void> {
    await this.#pool.query('DELETE FROM outbox WHERE id = ANY($1::bigint[])', [ids]);
  }

  /** They may be claimed again at once. */
  async release(ids: readonly string[]): Promise<void> {
    await this.#pool.query(
      'UPDATE outbox SET claimed_until = now() WHERE id = ANY($1::bigint[])',
      [ids],
    );
  }

  /** No try will help: kept aside with the reason; later rows of the same request wait behind it. */
  async park(id: string, reason: string): Promise<void> {
    await this.#pool.query('UPDATE outbox SET parked_reason = $2 WHERE id = $1', [id, reason]);
  }

  async count(): Promise<{ waiting: number; parked: number }> {
    const { rows } = await this.#pool.query<{ waiting: number; parked: number }>(
      `SELECT count(*) FILTER (WHERE parked_reason IS NULL)::integer AS waiting,
              count(parked_reason)::integer AS parked FROM outbox`,
    );
    return rows[0] ?? { waiting: 0, parked: 0 };
  }
}
