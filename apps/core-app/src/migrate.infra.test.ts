import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from '@jest/globals';
import pg from 'pg';
import { Cleanup } from './testing-events.ts';
import { createDatabase, migrate } from './testing-parts.ts';

const cleanup = new Cleanup();
afterEach(() => cleanup.run());

const setup = async (): Promise<string> => {
  const { url, drop } = await createDatabase(process.env['DATABASE_URL']!);
  cleanup.add(drop);
  return url;
};

const tablesOf = async (url: string): Promise<string[]> => {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  const { rows } = await client.query<{ name: string }>(
    `SELECT table_name AS name FROM information_schema.tables WHERE table_schema = 'public' ORDER BY 1`,
  );
  await client.end();
  return rows.map(({ name }) => name);
};

describe('migrations', () => {
  test('make every table and view, once', async () => {
    const url = await setup();
    expect(await migrate(url)).toBe('7 migration(s) applied\n');
    expect(await tablesOf(url)).toEqual([
      'drivers', 'fraud_signals', 'fraud_watch_queue', 'idempotency_keys', 'legs', 'migrations', 'outbox', 'platform_epoch', 'request_commands', 'request_offsets', 'requests', 'vehicles',
      'watched_applications',
    ]);
    expect(await migrate(url)).toBe('0 migration(s) applied\n');
  }, 60_000);

  test('wait for each other when several start at once, as the pods of a deployment do', async () => {
    const url = await setup();
    const printed = await Promise.all(Array.from({ length: 4 }, () => migrate(url)));
    expect(printed.sort()).toEqual([...Array<string>(3).fill('0 migration(s) applied\n'), '7 migration(s) applied\n']);
  }, 60_000);

  test.each<[string, Readonly<Record<string, string>>, number, string]>([
    ['no address', {}, 2, 'DATABASE_URL is not set: which Postgres is to be migrated?\n'],
    ['nobody at the address', { DATABASE_URL: 'postgres://x@127.0.0.1:9/x' }, 1, 'Migration failed: connect ECONNREFUSED 127.0.0.1:9\n'],
  ])('end with one sentence and a code when there is %s', async (_, env, code, sentence) => {
    const ended = await new Promise((resolve) => {
      const script = join(import.meta.dirname, 'migrate.ts');
      const child = execFile(process.execPath, ['--no-warnings', script], { env: { PATH: '', ...env } }, (_error, _out, stderr) =>
        resolve({ code: child.exitCode, stderr }),
      );
    });
    expect(ended).toEqual({ code, stderr: sentence });
  }, 60_000);
});
