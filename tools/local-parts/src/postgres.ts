/** One Postgres with one database `osago`, on the loopback address only, where everybody is trusted. */
import { existsSync } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';
import { PartError, PartMissingError } from './part-error.ts';
import { type LocalPart, type PartOptions, showNothing } from './part.ts';
import { freePort } from './ports.ts';
import { findPostgres, type PostgresBinaries } from './postgres-binaries.ts';
import { placeOf } from './postgres-place.ts';
import { untilReady } from './readiness.ts';

export interface PostgresPart extends LocalPart {
  readonly url: string;
}

/** Ready in 0.1 s; after a power cut the log is replayed first. */
const READY_TIMEOUT_MS = 60_000;
const PROBE_TIMEOUT_MS = 2000;
const GRACE_MS = 15_000;

/** Three pods with two pools of 20 each, the tools, and room. */
const CONNECTIONS_MAX = 200;

/** A commit survives the death of Postgres, not that of the machine. (`synchronous_commit=off` would lose both.) */
const CARELESS = ['fsync=off', 'full_page_writes=off'];

const settings = (port: number, fast: boolean): string[] =>
  [
    'listen_addresses=127.0.0.1',
    `port=${port}`,
    // TCP only: a socket file has a path of at most 107 bytes and would need a folder of its own.
    'unix_socket_directories=',
    `max_connections=${CONNECTIONS_MAX}`,
    'timezone=UTC',
    'log_timezone=UTC',
    ...(fast ? CARELESS : []),
  ].flatMap((setting) => ['-c', setting]);

const ENVIRONMENT = { PATH: process.env['PATH'], LC_ALL: 'C' };

/** Makes the data folder under another name first, so that a killed start leaves no half of one. */
const initialise = async (options: PartOptions, binaries: PostgresBinaries, data: string): Promise<void> => {
  const partial = `${data}.partial`;
  await rm(partial, { recursive: true, force: true });
  const child = options.children.spawn({
    name: 'postgres-initdb',
    command: binaries.initdb,
    args: [
      `--pgdata=${partial}`,
      '--username=osago',
      '--auth=trust',
      '--encoding=UTF8',
      '--no-locale',
      '--locale-provider=builtin',
      '--builtin-locale=C.UTF-8',
      '--no-instructions',
      ...(options.fast ? ['--no-sync'] : []),
    ],
    env: ENVIRONMENT,
    cwd: '/',
    user: binaries.user,
    graceMs: GRACE_MS,
  });
  const { code, error } = await child.ended;
  // The binary is there and does not run: it was made for another C library.
  if (error) throw new PartMissingError(`Postgres does not run here (${error.message}).`, { cause: error });
  if (code !== 0) {
    throw new PartError(['The Postgres data folder could not be made.', ...child.lastLines(5)].join('\n  '));
  }
  await rename(partial, data);
};

const withClient = async (port: number, database: string, use: (client: pg.Client) => Promise<void>): Promise<void> => {
  const client = new pg.Client({
    host: '127.0.0.1',
    port,
    user: 'osago',
    database,
    connectionTimeoutMillis: PROBE_TIMEOUT_MS,
  });
  client.on('error', () => undefined);
  await client.connect();
  try {
    await use(client);
  } finally {
    await client.end();
  }
};

/** Makes the database when it is missing. Rejects when Postgres does not answer yet. */
const ensureDatabase = (port: number): Promise<void> =>
  withClient(port, 'postgres', async (client) => {
    const { rowCount } = await client.query(`SELECT FROM pg_database WHERE datname = 'osago'`);
    if (rowCount === 0) await client.query('CREATE DATABASE osago');
  });

/** Resolves when the database answers queries. Throws {@link PartError}. */
export const startPostgres = async (options: PartOptions): Promise<PostgresPart> => {
  const { children, fast = false, step = showNothing } = options;
  const binaries = await findPostgres();
  const place = await placeOf(options.dataDir, binaries);
  // Elsewhere than in dataDir, whose owner removes it.
  if (fast && binaries.publicDir !== undefined) children.removeAtEnd(place);
  const data = join(place, 'data');
  const port = options.port ?? (await freePort());
  return step('starting Postgres', async () => {
    if (!existsSync(data)) await initialise(options, binaries, data);
    const child = children.spawn({
      name: 'postgres',
      command: binaries.postgres,
      args: ['-D', data, ...settings(port, fast)],
      env: ENVIRONMENT,
      cwd: '/',
      user: binaries.user,
      // The fast shutdown: it ends connections, SIGTERM would wait for them.
      stopSignal: 'SIGINT',
      graceMs: GRACE_MS,
    });
    const probe = async (): Promise<boolean> => (await ensureDatabase(port), true);
    await untilReady(child, { what: 'Postgres', timeoutMs: READY_TIMEOUT_MS, probe });
    return { ...child, port, url: `postgres://osago@127.0.0.1:${port}/osago` };
  });
};
