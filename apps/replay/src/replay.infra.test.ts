/** Against a real broker and a real Postgres. Other suites write to the same topics at the same time. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { encodeEvent, isLegEvent, type OsagoEvent, REQUEST_TOPICS, type TOPICS, topicOf } from '@osago/contracts';
import { createKafkajsEventBus, type EventBus, KafkajsLogReader, type LogReader, type LogRecord, partitionFor } from '@osago/event-bus';
import { classOf } from '@osago/quotes';
import { createTopics } from '@osago/local-parts';
import { createLog, systemClock } from '@osago/service-kit';
import kafkajs from 'kafkajs';
import pg from 'pg';
import { Database } from './database.ts';
import { readManifest } from './export-manifest.ts';
import { NO_PROGRESS } from './progress.ts';
import { leg, submitted } from './replay-given.ts';
import { readRequest } from './request-log.ts';
import { verify } from './verify.ts';

const MAIN = join(import.meta.dirname, 'main.ts');
const MIGRATIONS = join(import.meta.dirname, '..', '..', 'core-app', 'migrations');

const given = (name: string): string => {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set: the infra tests need it`);
  return value;
};
const brokers = (): string[] => given('KAFKA_BROKERS').split(',');

const withAdmin = async <T>(use: (admin: kafkajs.Admin) => Promise<T>): Promise<T> => {
  const admin = new kafkajs.Kafka({ brokers: brokers(), clientId: 'replay-test', logLevel: kafkajs.logLevel.NOTHING }).admin();
  await admin.connect();
  try {
    return await use(admin);
  } finally {
    await admin.disconnect();
  }
};

const ensureTopics = (): Promise<void> =>
  withAdmin(async (admin) => {
    await createTopics(admin, REQUEST_TOPICS.map((topic) => ({ topic, numPartitions: 4 })));
  });

/** A database of this test's own, as the migrations of core-app make it. */
const createDatabase = async (): Promise<{ url: string; pool: pg.Pool; drop: () => Promise<void> }> => {
  const name = `replay_${randomBytes(6).toString('hex')}`;
  const server = new pg.Client({ connectionString: given('DATABASE_URL') });
  await server.connect();
  await server.query(`CREATE DATABASE ${name}`);
  const url = new URL(given('DATABASE_URL'));
  url.pathname = `/${name}`;
  const pool = new pg.Pool({ connectionString: url.href });
  // The database is dropped while connections are still being closed.
  pool.on('error', () => undefined);
  for (const file of (await readdir(MIGRATIONS)).filter((each) => each.endsWith('.sql')).sort()) {
    const [up = ''] = (await readFile(join(MIGRATIONS, file), 'utf8')).split(/^-- Down Migration/m);
    await pool.query(up);
  }
  const drop = async (): Promise<void> => {
    await pool.end();
    await server.query(`DROP DATABASE ${name} WITH (FORCE)`);
    await server.end();
  };
  return { url: url.href, pool, drop };
};

const until = async (reached: () => Promise<boolean>): Promise<void> => {
  const endMs = performance.now() + 30_000;
  while (!(await reached())) {
    if (performance.now() > endMs) throw new Error(`not reached in 30 s: ${reached.toString()}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
};

const ended = (child: ChildProcess): Promise<unknown> => new Promise((resolve) => child.once('exit', resolve));

describe('replay', () => {
  let bus: EventBus;
  let partitions: number;
  const reader = new KafkajsLogReader({ log: createLog('replay-test', 'silent') }, { brokers: brokers(), clientId: 'osago-replay' });
  const deps = { progress: NO_PROGRESS, signal: new AbortController().signal, findPlace: () => Promise.resolve(undefined) };

  beforeAll(async () => {
    await ensureTopics();
    bus = createKafkajsEventBus({ log: createLog('replay-test', 'silent') }, { brokers: brokers(), clientId: 'replay-test' });
    partitions = await bus.partitions('osago.requests.v1' satisfies typeof TOPICS.requests);
  }, 30_000);
  afterAll(() => bus.close());

  const write = async (events: readonly OsagoEvent[], partition?: number): Promise<void> => {
    const records = events.map((event) => ({
      topic: topicOf(event.type),
      partition: partition ?? partitionFor(event.data.request_id, partitions),
      key: event.subject,
      value: encodeEvent(event),
      headers: {},
    }));
    const answers = await bus.publish(records);
    expect(answers.every(({ ok }) => ok)).toBe(true);
  };
  const requestOf = (id: string, insurers = ['alfa', 'beta', 'gamma']): OsagoEvent[] => [
    submitted(insurers, { id }),
    ...insurers.map((insurer) => leg(insurer, 'submitted', { id, afterMs: 100 })),
    ...insurers.map((insurer) => leg(insurer, insurer === 'gamma' ? 'timeout' : 'quoted', { id, afterMs: insurer === 'gamma' ? 60_000 : 2_000 })),
  ];

  it('reads one partition number only to show one request', async () => {
    const ids = Array.from({ length: 200 }, () => randomUUID());
    await write(ids.flatMap((id) => requestOf(id)));
    const [id = ''] = ids;
    const read: LogRecord[] = [];
    const counting: LogReader = {
      read: (lanes, handlers, signal) =>
        reader.read(lanes, { ...handlers, onRecords: (records) => (read.push(...records), handlers.onRecords(records)) }, signal),
    };
    const log = await readRequest({ ...deps, bus, reader: counting }, id, { fromMs: 0 });
    expect(log.events).toHaveLength(7);
    expect(new Set(read.map(({ partition }) => partition))).toEqual(new Set([partitionFor(id, partitions)]));
    expect(read).toHaveLength(log.recordsRead);
    // Nothing twice, nothing left out.
    expect(new Set(read.map(({ topic, offset }) => `${topic} ${offset}`)).size).toBe(read.length);
  }, 60_000);

  it('exports every record once across a kill', async () => {
    await write(Array.from({ length: 200 }, () => requestOf(randomUUID())).flat());
    const out = await mkdtemp(join(tmpdir(), 'replay-infra-'));
    const args = ['--no-warnings', MAIN, 'export', '--out', out, '--format', 'csv', '--brokers', brokers().join()];
    const env = { PATH: '' };
    const killed = spawn(process.execPath, [...args, '--rate', '700'], { env, stdio: 'ignore' });
    const exit = ended(killed);
    await until(async () => ((await readManifest(out).catch(() => undefined))?.records ?? 0) > 0);
    killed.kill('SIGKILL');
    await exit;
    expect(await readManifest(out)).toMatchObject({ finished: false });
    const { stdout } = await promisify(execFile)(process.execPath, [...args, '--rate', '0', '--json'], { env });
    expect(JSON.parse(stdout)).toMatchObject({ isResumed: true, finished: true });
    const manifest = (await readManifest(out))!;
    const wanted = manifest.positions.flatMap(({ topic, partition, from, to }) =>
      Array.from({ length: to - from }, (_, at) => `${topic.split('.')[1]},${partition},${from + at}`),
    );
    const files = (await readdir(out, { recursive: true })).filter((file) => file.endsWith('.csv'));
    const lines = (await Promise.all(files.map((file) => readFile(join(out, file), 'utf8')))).flatMap((text) => text.trim().split('\n').slice(1));
    expect(lines.map((line) => line.split(',').slice(0, 3).join()).sort()).toEqual(wanted.sort());
    await rm(out, { recursive: true });
  }, 90_000);

  it('ends when nobody reads on, and on Ctrl-C with 130 and no half answer; and takes its group away', async () => {
    await write(Array.from({ length: 100 }, () => requestOf(randomUUID())).flat());
    const allGroups = async (): Promise<string[]> => (await withAdmin((admin) => admin.listGroups())).groups.map(({ groupId }) => groupId);
    // A command that was killed leaves its group to the broker.
    const left = await allGroups();
    const ourGroups = async (): Promise<string[]> =>
      (await allGroups()).filter((group) => group.startsWith('osago-replay-') && !left.includes(group));
    const run = (...args: string[]): ChildProcess =>
      spawn(process.execPath, ['--no-warnings', MAIN, ...args, '--brokers', brokers().join()], {
        env: { PATH: '' },
        stdio: ['ignore', 'pipe', 'pipe'],
      });
    const head = run('list', '--json', '--from', '2026-01-01', '--rate', '100');
    head.stdout!.once('data', () => head.stdout!.destroy());
    expect(await ended(head)).toBe(0);
    expect(await ourGroups()).toEqual([]);

    const verifying = run('verify', '--topics-only', '--from', '2026-01-01', '--rate', '20');
    const said: string[] = [];
    for (const stream of [verifying.stdout!, verifying.stderr!]) stream.on('data', (chunk) => said.push(String(chunk)));
    const exit = ended(verifying);
    await until(async () => (await ourGroups()).length > 0);
    verifying.kill('SIGINT');
    expect(await exit).toBe(130);
    expect(said).toEqual([]);
    expect(await ourGroups()).toEqual([]);
  }, 90_000);

  it('finds what is planted on the topics and in the database, and nothing else', async () => {
    const { url, pool, drop } = await createDatabase();
    const database = new Database(url);
    const fromMs = Date.now();
    const good = randomUUID();
    const stray = randomUUID();
    const lost = randomUUID();
    const leaking = randomUUID();
    await write([...requestOf(good), ...requestOf(stray), ...requestOf(leaking)]);
    await write([leg('alfa', 'estimated', { id: stray, afterMs: 1_900 })], (partitionFor(stray, partitions) + 1) % partitions);
    const reason = { code: 'other', message: 'passport 4512 345678' };
    await write([leg('beta', 'error', { id: leaking, afterMs: 1_000, members: { reason } })]);

    const archive = async (id: string, accepted: Date): Promise<void> => {
      const { events } = await readRequest({ ...deps, bus, reader }, id, { fromMs: 0 });
      await pool.query(
        `INSERT INTO requests (request_id, partition, revision, accepted_at, deadline_at, panel, tariff, owner_mac, application_sealed)
         VALUES ($1, $2, 1, $3, $3, '[]', '{}', '', '')`,
        [id, partitionFor(id, partitions), accepted],
      );
      const offsets = REQUEST_TOPICS.map((topic) => String(events.findLast((logged) => logged.topic === topic)?.offset ?? -1n));
      if (events.length > 0) await pool.query('INSERT INTO request_offsets VALUES ($1, $2, $3, $4)', [id, ...offsets]);
      for (const { event } of events) {
        if (!isLegEvent(event) || event.data.status === 'submitted') continue;
        const { insurer_id, attempt, status, fence, step } = event.data;
        await pool.query(
          `INSERT INTO legs VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING`,
          [id, insurer_id, attempt, classOf(status), fence, step, event.id, JSON.stringify(event)],
        );
      }
    };
    const acceptedAt = new Date(fromMs + 70_000);
    for (const id of [good, stray, leaking, lost]) await archive(id, acceptedAt);
    await pool.query("UPDATE legs SET event_id = 'another' , event = '{}' WHERE request_id = $1 AND insurer_id = 'alfa'", [leaking]);

    // Two minutes later, when nothing is on its way any more.
    const clock = { nowMs: () => systemClock.nowMs() + 120_000 };
    const { violations } = await verify({ ...deps, bus, reader, database, clock }, { fromMs });
    const ours = new Map<string, string>([[good, 'good'], [stray, 'stray'], [leaking, 'leaking'], [lost, 'lost']]);
    const found = violations.flatMap(({ request_id, rule }) => {
      const name = ours.get(request_id ?? '');
      return name === undefined ? [] : [`${name}: ${rule}`];
    });
    expect(found.sort()).toEqual(['leaking: archive', 'leaking: no-personal-data', 'lost: one-request-record', 'stray: one-partition']);
    await database.close();
    await drop();
  }, 90_000);
});
