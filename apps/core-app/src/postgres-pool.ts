/**
 * Connections to Postgres that may break at any moment without taking the process with them. A pool listens to its idle
 * connections only: one that is lent out and broken between two queries would end the process as an unhandled error.
 */
import type { Log } from '@osago/service-kit';
import pg from 'pg';

/** A caller that waits longer has gone; a Postgres that takes longer is as good as away. */
const POSTGRES_TIMEOUT_MS = 5_000;

export interface PostgresPoolOptions {
  databaseUrl: string;
  connectionsMax: number;
}

export const createPostgresPool = ({ log }: { log: Log }, options: PostgresPoolOptions): pg.Pool => {
  const pool = new pg.Pool({
    connectionString: options.databaseUrl,
    max: options.connectionsMax,
    connectionTimeoutMillis: POSTGRES_TIMEOUT_MS,
    query_timeout: POSTGRES_TIMEOUT_MS,
  });
  pool.on('error', (error) => {
    log.warn({ error }, 'an idle Postgres connection broke');
  });
  pool.on('connect', (client) => {
    client.on('error', (error) => {
      // Whoever has it learns by its next query.
      log.debug({ error }, 'a Postgres connection broke');
    });
  });
  return pool;
};
