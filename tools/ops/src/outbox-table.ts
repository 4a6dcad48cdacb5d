/** The outbox of core-app as an operator sees it: how much waits, what is parked and why. Sealed bytes are never read. */
import type { ClientBase } from 'pg';

export interface ParkedRow {
  /** A bigint as text. */
  readonly id: string;
  readonly event_id: string;
  readonly topic: string;
  readonly partition: number;
  readonly attempts: number;
  readonly created_at: string;
  readonly reason: string;
  /** Later rows of the same request, which wait behind it. */
  readonly behind: number;
}

export interface OutboxStats {
  readonly waiting: number;
  readonly parked: number;
  /** Of those that wait: in the hands of a relay now. */
  readonly claimed: number;
  /** 0 when nothing waits. */
  readonly oldest_age_s: number;
  /** With its indexes and what is dead in it. */
  readonly size_bytes: number;
}

const PARKED = `
  SELECT id::text, event_id, topic, partition, attempts, created_at, parked_reason AS reason,
         (SELECT count(*)::integer FROM outbox AS later
          WHERE later.request_id = parked.request_id AND later.id > parked.id) AS behind
  FROM outbox AS parked WHERE parked_reason IS NOT NULL ORDER BY parked.id`;

export const parkedRows = async (client: ClientBase): Promise<ParkedRow[]> => {
  const { rows } = await client.query<ParkedRow & { created_at: Date }>(PARKED);
  return rows.map((row) => ({ ...row, created_at: row.created_at.toISOString() }));
};

/** They may be claimed again; resolves to the ids of those that were parked. */
export const unpark = async (client: ClientBase, ids: readonly string[]): Promise<string[]> => {
  const { rows } = await client.query<{ id: string }>(
    `UPDATE outbox SET parked_reason = NULL, claimed_until = now()
     WHERE parked_reason IS NOT NULL AND id = ANY($1::bigint[]) RETURNING id::text`,
    [ids],
  );
  return rows.map(({ id }) => id);
};

const STATS = `
  SELECT count(*) FILTER (WHERE parked_reason IS NULL)::integer AS waiting,
         count(parked_reason)::integer AS parked,
         count(*) FILTER (WHERE parked_reason IS NULL AND claimed_until > now())::integer AS claimed,
         coalesce(extract(epoch FROM now() - min(created_at) FILTER (WHERE parked_reason IS NULL)), 0)::float8
           AS oldest_age_s,
         pg_total_relation_size('outbox')::float8 AS size_bytes
  FROM outbox`;

export const outboxStats = async (client: ClientBase): Promise<OutboxStats> => {
  const { rows } = await client.query<OutboxStats>(STATS);
  const [stats] = rows;
  if (stats === undefined) throw new Error('Postgres answered a count with nothing');
  return stats;
};
