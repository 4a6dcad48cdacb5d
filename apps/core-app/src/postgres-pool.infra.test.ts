import { afterEach, expect, test } from '@jest/globals';
import pg from 'pg';
import { createPostgresPool } from './postgres-pool.ts';
import { Cleanup, rememberingLog, until } from './testing-events.ts';

const cleanup = new Cleanup();
afterEach(() => cleanup.run());

test('a connection that breaks while it is lent out fails its next query, and nothing else', async () => {
  const url = process.env['DATABASE_URL'] ?? '';
  const log = rememberingLog();
  const pool = createPostgresPool({ log }, { databaseUrl: url, connectionsMax: 1 });
  cleanup.add(() => pool.end());
  const client = await pool.connect();
  const { rows } = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
  const operator = new pg.Client({ connectionString: url });
  await operator.connect();
  await operator.query('SELECT pg_terminate_backend($1)', [rows[0]?.pid]);
  await operator.end();
  await until(() => log.lines.length > 0);
  expect(log.lines[0]).toMatchObject({ level: 'debug', message: 'a Postgres connection broke' });
  await expect(client.query('SELECT 1')).rejects.toThrow();
  client.release(true);
  expect((await pool.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
});
