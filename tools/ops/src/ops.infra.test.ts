/** The commands as an operator runs them: processes, on a real broker and a real Postgres. */
import { execFile } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { TOPICS } from '@osago/contracts';
import { createKafkajsEventBus, DeadLetters, type EventBus } from '@osago/event-bus';
import { createTopics } from '@osago/local-parts';
import { createLog, createMetrics, systemClock } from '@osago/service-kit';
import kafkajs from 'kafkajs';
import { Client } from 'pg';

const TEST_MS = 60_000;
const ROOT = join(import.meta.dirname, '..', '..', '..');
const log = createLog('ops-test', 'silent');

const address = (name: string): string => {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set: the infra tests need a broker and a database`);
  return value;
};

interface Ended {
  code: number | null;
  out: string;
  err: string;
}

const run = (program: string, args: readonly string[], env: Record<string, string>): Promise<Ended> =>
  new Promise((resolve) => {
    const argv = ['--no-warnings', join(ROOT, program), ...args];
    const child = execFile(process.execPath, argv, { env: { PATH: '', ...env } }, (_error, out, err) =>
      resolve({ code: child.exitCode, out, err }),
    );
  });

const ensureTopics = async (brokers: string[]): Promise<void> => {
  const { Kafka, logLevel } = kafkajs;
  const admin = new Kafka({ brokers, clientId: 'ops-test', logLevel: logLevel.NOTHING }).admin();
  await admin.connect();
  await createTopics(admin, [TOPICS.deadLetters, TOPICS.errors].map((topic) => ({ topic, numPartitions: 4 })));
  await admin.disconnect();
};

describe('npm run dead-letters', () => {
  let bus: EventBus;
  let brokers: string;

  beforeAll(async () => {
    brokers = address('KAFKA_BROKERS');
    await ensureTopics(brokers.split(','));
    bus = createKafkajsEventBus({ log }, { brokers: brokers.split(','), clientId: 'ops-test' });
  }, TEST_MS);
  afterAll(() => bus.close(), TEST_MS);

  const letters = (...args: string[]): Promise<Ended> =>
    run('tools/ops/src/dead-letters-main.ts', args, { KAFKA_BROKERS: brokers });
  /** A record that nobody else has buried. Resolves to its id. */
  const bury = async (key: string): Promise<string> => {
    const offset = BigInt(`0x${randomBytes(6).toString('hex')}`);
    const record = { topic: TOPICS.errors, partition: 1, offset, key, headers: {}, timestampMs: 1 };
    const value = Buffer.from(JSON.stringify({ type: 'unknown', who: 'Иванов' }));
    const box = new DeadLetters({ bus, clock: systemClock, log, metrics: createMetrics('test') }, { source: '/osago/test' });
    await box.bury({ ...record, value }, 'the event type is unknown');
    return `${TOPICS.errors}-1-${offset}`;
  };

  test('lists place and reason and no content, says what a redrive would do, and does it with --yes', async () => {
    const key = randomUUID();
    const id = await bury(key);
    const listed = await letters('list');
    expect(listed).toMatchObject({ code: 0, err: '' });
    expect(listed.out).toMatch(new RegExp(`^${id} .*the event type is unknown$`, 'm'));
    const asJson = await letters('list', '--json');
    expect(JSON.parse(asJson.out)).toContainEqual(expect.objectContaining({ id, partition: 1, cut: false }));
    expect(listed.out + asJson.out).not.toContain('Иванов');

    const end = async (): Promise<bigint> => (await bus.endOffsets(TOPICS.errors))[1] ?? 0n;
    const before = await end();
    expect(await letters('redrive', id)).toEqual({
      code: 2,
      out: `${id}: would publish 39 bytes to osago.errors.v1/1\nnothing was published: --yes does it\n`,
      err: '',
    });
    const done = await letters('redrive', id, '--yes');
    expect(done).toMatchObject({ code: 0, out: expect.stringMatching(`^${id}: published at offset \\d+\n$`), err: '' });
    // Others may write to the topic meanwhile.
    expect(await end()).toBeGreaterThan(before);
  }, TEST_MS);

  test('ends with one sentence when an id is unknown, no broker is there, or the usage is another', async () => {
    expect(await letters('redrive', 'nobody', '--yes')).toEqual({ code: 1, out: '', err: 'nobody is not among the dead letters\n' });
    const away = await run('tools/ops/src/dead-letters-main.ts', ['list'], { KAFKA_BROKERS: '127.0.0.1:9' });
    expect(away).toMatchObject({ code: 1, out: '', err: expect.stringMatching(/^[^\n]+\n$/) });
    expect(await letters('bury')).toMatchObject({ code: 1, err: expect.stringMatching(/^"bury" is none of[^\n]*\nusage: [^\n]*\n$/) });
  }, TEST_MS);
});

describe('npm run outbox', () => {
  const name = `ops_${randomBytes(6).toString('hex')}`;
  let server: Client;
  let client: Client;
  let url: string;

  beforeAll(async () => {
    server = new Client({ connectionString: address('DATABASE_URL') });
    await server.connect();
    await server.query(`CREATE DATABASE ${name}`);
    const made = new URL(address('DATABASE_URL'));
    made.pathname = `/${name}`;
    url = made.href;
    const migrate = [join(ROOT, 'apps/core-app/src/migrate.ts')];
    await promisify(execFile)(process.execPath, ['--no-warnings', ...migrate], { env: { PATH: '', DATABASE_URL: url } });
    client = new Client({ connectionString: url });
    await client.connect();
  }, TEST_MS);
  afterAll(async () => {
    await client.end();
    await server.query(`DROP DATABASE ${name} WITH (FORCE)`);
    await server.end();
  }, TEST_MS);

  const outbox = (...args: string[]): Promise<Ended> => run('tools/ops/src/outbox-main.ts', args, { DATABASE_URL: url });
  const insert = async (requestId: string, revision: number, parkedReason: string | null): Promise<string> => {
    const { rows } = await client.query<{ id: string }>(
      `INSERT INTO outbox (request_id, event_id, topic, partition, value, traceparent, claimed_until, parked_reason)
       VALUES ($1, $2, 'osago.requests.v1', 3, 'sealed', '', now() + interval '1 h', $3) RETURNING id::text`,
      [requestId, `${requestId}:r${revision}`, parkedReason],
    );
    return rows[0]!.id;
  };

  test('lists what is parked and what waits behind it, counts, and lets it be tried again', async () => {
    const [request, other] = [randomUUID(), randomUUID()];
    const id = await insert(request, 1, 'the record is too large');
    const behind = await insert(request, 2, null);
    await insert(other, 1, null);

    const listed = await outbox('list');
    expect(listed).toMatchObject({ code: 0, err: '' });
    expect(listed.out).toMatch(new RegExp(`^${id} +${request}:r1 +osago\\.requests\\.v1/3 .* 1 +the record is too large$`, 'm'));
    expect(JSON.parse((await outbox('list', '--json')).out)).toMatchObject([{ id, behind: 1, attempts: 0 }]);
    expect(JSON.parse((await outbox('stats', '--json')).out)).toMatchObject({ waiting: 2, parked: 1, claimed: 2 });
    expect((await outbox('stats')).out).toMatch(/^waiting 2, of these claimed 2, the oldest for [\d.]+ s\nparked {2}1\nsize {4}\d+ KB\n$/);

    expect(await outbox('redrive', '--all')).toEqual({
      code: 2,
      out: `${id}: would try ${request}:r1 again, and 1 row(s) behind it\nnothing was changed: --yes does it\n`,
      err: '',
    });
    expect(await outbox('redrive', behind, '--yes')).toEqual({ code: 1, out: '', err: `${behind} is not parked\n` });
    expect(await outbox('redrive', id, '--yes')).toEqual({ code: 0, out: `${id}: is tried again\n`, err: '' });
    const { rows } = await client.query('SELECT parked_reason, claimed_until <= now() AS free FROM outbox WHERE id = $1', [id]);
    expect(rows).toEqual([{ parked_reason: null, free: true }]);
    expect(await outbox('list')).toEqual({ code: 0, out: 'no row is parked\n', err: '' });
  }, TEST_MS);

  test('ends with one sentence when Postgres is away or an id is none', async () => {
    const away = await run('tools/ops/src/outbox-main.ts', ['stats'], { DATABASE_URL: 'postgres://x@127.0.0.1:9/x' });
    expect(away).toEqual({ code: 1, out: '', err: 'connect ECONNREFUSED 127.0.0.1:9\n' });
    expect(await outbox('redrive', 'one')).toMatchObject({ code: 1, err: expect.stringContaining('"one" is no id of a row\n') });
  }, TEST_MS);
});
