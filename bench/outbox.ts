/**
 * `npm run bench:outbox`: from commit to a consumer's hands, ours beside a direct produce (the floor), a 100 ms poll and
 * LISTEN/NOTIFY, in one run on the same Postgres and broker, in turn, several rounds. `--quick` only proves that it works.
 */
import { fork } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { createKafkajsEventBus } from '@osago/event-bus';
import { seededRandom } from '@osago/quotes';
import { createLog } from '@osago/service-kit';
import pg from 'pg';
import * as variants from './outbox-variants.ts';
import { ROOT, startBenchParts, treeTimeUs } from './parts.ts';
import { median, quantile, report, type Row, spreadOf } from './report.ts';

const isQuick = process.argv.includes('--quick');
const ROUNDS = isQuick ? 1 : 5;
const PHASE_MS = isQuick ? 1_000 : 6_000;
const SATURATION_MS = isQuick ? 500 : 4_000;
const WARM_UP = isQuick ? 200 : 5_000;
const BACKLOG = isQuick ? 2_000 : 200_000;
const IDLE_MS = isQuick ? 1_000 : 8_000;
const RATES = isQuick ? [50, 500] : [50, 500, 2_000];
const CONNECTIONS = 16;
const TOPIC = 'bench.outbox';
/** Nobody reads it: the drain is measured alone. */
const BACKLOG_TOPIC = 'bench.backlog';

const parts = await startBenchParts();
for (const topic of [TOPIC, BACKLOG_TOPIC]) await parts.createTopic(topic, variants.PARTITIONS);
const databaseUrl = parts.postgres.url;
await new Promise<void>((resolve, reject) => {
  fork(join(ROOT, 'apps/core-app/src/migrate.ts'), { env: { ...process.env, DATABASE_URL: databaseUrl }, silent: true }).once(
    'exit',
    (code) => (code === 0 ? resolve() : reject(new Error('migration failed'))),
  );
});
const pool = new pg.Pool({ connectionString: databaseUrl, max: CONNECTIONS + 4 });
await pool.query('CREATE TABLE bench_rows (id uuid PRIMARY KEY, content text NOT NULL)');
const log = createLog('bench', 'error');
const bus = createKafkajsEventBus({ log }, { brokers: parts.kafka.brokers, clientId: 'bench' });
const deps: variants.Deps = { bus, pool, databaseUrl, topic: TOPIC, log };

const consumer = fork(join(import.meta.dirname, 'outbox-consumer.ts'), [parts.kafka.brokers[0] ?? '', TOPIC]);
await new Promise((resolve) => consumer.once('message', resolve));

interface Seen {
  seen: [key: string, atNs: string][];
  cpuUs: number;
}
const askConsumer = (): Promise<Seen> =>
  new Promise((resolve) => {
    consumer.once('message', (seen) => resolve(seen as Seen));
    consumer.send('seen');
  });

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const ownCpuUs = (): number => process.cpuUsage().user + process.cpuUsage().system;

/** All that the consumer saw of these keys; waits until it has them, at most ten seconds. */
const seenOf = async (keys: ReadonlySet<string>): Promise<{ at: Map<string, bigint>; cpuUs: number }> => {
  const at = new Map<string, bigint>();
  for (let tries = 0; ; tries += 1) {
    const { seen, cpuUs } = await askConsumer();
    for (const [key, atNs] of seen) if (keys.has(key) && !at.has(key)) at.set(key, BigInt(atNs));
    if (at.size === keys.size) return { at, cpuUs };
    if (tries > 500) throw new Error(`${keys.size - at.size} of ${keys.size} events were not seen`);
    await pause(20);
  }
};

interface Phase {
  delaysMs: number[];
  writeMs: number[];
  cpuUs: number;
}

/** Open loop at Poisson times that are the same for every variant. */
const phase = async (variant: variants.Variant, rate: number, seed: number): Promise<Phase> => {
  const random = seededRandom(seed);
  const before = { own: ownCpuUs(), postgres: treeTimeUs(parts.postgres.pid ?? 0), consumer: (await askConsumer()).cpuUs };
  const startedAtMs = performance.now();
  const writes: Promise<void>[] = [];
  const startedAt = new Map<string, bigint>();
  const writeMs: number[] = [];
  for (let dueMs = 0; dueMs < PHASE_MS; dueMs += (-Math.log(1 - random.unit()) * 1_000) / rate) {
    const waitMs = startedAtMs + dueMs - performance.now();
    if (waitMs > 0.5) await pause(waitMs);
    const key = randomUUID();
    const atMs = performance.now();
    writes.push(
      variant.write(key).then((ns) => {
        writeMs.push(performance.now() - atMs);
        startedAt.set(key, ns);
      }),
    );
  }
  await Promise.all(writes);
  const { at, cpuUs } = await seenOf(new Set(startedAt.keys()));
  const delaysMs = [...startedAt].map(([key, ns]) => Number((at.get(key) ?? ns) - ns) / 1e6);
  const spent = ownCpuUs() - before.own + treeTimeUs(parts.postgres.pid ?? 0) - before.postgres + cpuUs - before.consumer;
  return { delaysMs, writeMs, cpuUs: spent / startedAt.size };
};

/** Closed loop over all connections: transactions a second. */
const saturation = async (variant: variants.Variant): Promise<number> => {
  const endMs = performance.now() + SATURATION_MS;
  const keys = new Set<string>();
  const one = async (): Promise<void> => {
    while (performance.now() < endMs) {
      const key = randomUUID();
      await variant.write(key);
      keys.add(key);
    }
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, one));
  if (variant.name !== 'writer only') await seenOf(keys);
  return (keys.size / SATURATION_MS) * 1_000;
};

const run = async <T>(create: (deps: variants.Deps) => variants.Variant, work: (variant: variants.Variant) => Promise<T>): Promise<T> => {
  const variant = create(deps);
  await variant.start();
  try {
    return await work(variant);
  } finally {
    await variant.stop();
    await pool.query('TRUNCATE bench_rows');
  }
};

/** The bare client with the same bytes and batches, then the backlog through the relay: records a second. */
const backlog = async (): Promise<{ ours: number; floor: number }> => {
  const row = { topic: BACKLOG_TOPIC, key: randomUUID(), value: Buffer.alloc(640, 'x'), headers: { 'content-type': 'application/cloudevents+json', traceparent: 'x' } };
  const batch = Array.from({ length: 500 }, (_, at) => ({ ...row, partition: at % variants.PARTITIONS }));
  const bareMs = performance.now();
  for (let sent = 0; sent < BACKLOG; sent += batch.length) await bus.publish(batch);
  const floor = (BACKLOG / (performance.now() - bareMs)) * 1_000;
  await pool.query(
    `INSERT INTO outbox (request_id, event_id, topic, partition, value, traceparent, claimed_until)
     SELECT gen_random_uuid(), 'e' || n, $1, n % ${variants.PARTITIONS}, decode(repeat('78', 640), 'hex'), 'x', now()
     FROM generate_series(1, $2) AS n`,
    [BACKLOG_TOPIC, BACKLOG],
  );
  await pool.query('ANALYZE outbox');
  const startedMs = performance.now();
  await run(variants.ours, async () => {
    for (;;) {
      const { rows } = await pool.query('SELECT FROM outbox LIMIT 1');
      if (rows.length === 0) return;
      await pause(20);
    }
  });
  return { ours: (BACKLOG / (performance.now() - startedMs)) * 1_000, floor };
};

const KINDS = { floor: variants.direct, ours: variants.ours, poll: variants.polling, notify: variants.notified };
type Kind = keyof typeof KINDS;
const results = new Map<string, number[]>();
const add = (name: string, value: number): void => {
  results.set(name, [...(results.get(name) ?? []), value]);
};
const of = (name: string): number => median(results.get(name) ?? []);

for (const create of Object.values(KINDS)) {
  await run(create, async (variant) => {
    await Promise.all(Array.from({ length: WARM_UP / 10 }, () => variant.write(randomUUID())));
  });
}
for (let round = 1; round <= ROUNDS; round += 1) {
  process.stderr.write(`round ${round} of ${ROUNDS}\n`);
  for (const rate of RATES) {
    for (const kind of Object.keys(KINDS) as Kind[]) {
      const { delaysMs, cpuUs } = await run(KINDS[kind], (variant) => phase(variant, rate, round));
      for (const q of [0.5, 0.99, 0.999]) add(`${kind} ${rate} p${q}`, quantile(delaysMs, q));
      add(`${kind} ${rate} cpu`, cpuUs);
    }
  }
  for (const [name, create] of Object.entries({ ours: variants.ours, notify: variants.notified, writer: variants.writerOnly })) {
    add(`${name} tx`, await run(create, saturation));
  }
  const half = of('writer tx') / 2;
  for (const [name, create] of Object.entries({ ours: variants.ours, writer: variants.writerOnly })) {
    const { writeMs } = await run(create, name === 'writer' ? (variant) => writesAlone(variant, half, round) : (variant) => phase(variant, half, round));
    for (const q of [0.5, 0.99]) add(`${name} commit p${q}`, quantile(writeMs, q));
  }
}

/** As a phase, but nobody reads what is written. */
async function writesAlone(variant: variants.Variant, rate: number, seed: number): Promise<Phase> {
  const random = seededRandom(seed);
  const startedAtMs = performance.now();
  const writeMs: number[] = [];
  const writes: Promise<void>[] = [];
  for (let dueMs = 0; dueMs < PHASE_MS; dueMs += (-Math.log(1 - random.unit()) * 1_000) / rate) {
    const waitMs = startedAtMs + dueMs - performance.now();
    if (waitMs > 0.5) await pause(waitMs);
    const atMs = performance.now();
    writes.push(variant.write(randomUUID()).then(() => void writeMs.push(performance.now() - atMs)));
  }
  await Promise.all(writes);
  return { delaysMs: [], writeMs, cpuUs: 0 };
}

const drained = await backlog();
const idle = await run(variants.ours, async () => {
  await pause(1_000);
  const before = ownCpuUs() + (await askConsumer()).cpuUs;
  await pause(IDLE_MS);
  return (ownCpuUs() + (await askConsumer()).cpuUs - before) / (IDLE_MS * 10);
});

const rows: Row[] = RATES.flatMap((rate): Row[] => {
  const [p50, p99] = [of(`floor ${rate} p0.5`), of(`floor ${rate} p0.99`)];
  const p50Max = rate === 50 ? 1.2 : rate === 500 ? 1.7 : undefined;
  const p99Max = Math.max(2 * p99, p99 + 5);
  return [
    {
      metric: `commit → consumer at ${rate}/s, p50`, unit: 'ms', ours: of(`ours ${rate} p0.5`), floor: p50,
      spread: spreadOf(results.get(`ours ${rate} p0.5`) ?? []),
      ...(p50Max !== undefined && { goal: { text: `≤ ${p50Max} ×`, met: of(`ours ${rate} p0.5`) <= p50Max * p50 } }),
    },
    {
      metric: `commit → consumer at ${rate}/s, p99`, unit: 'ms', ours: of(`ours ${rate} p0.99`), floor: p99,
      spread: spreadOf(results.get(`ours ${rate} p0.99`) ?? []),
      goal: { text: '≤ 2 × or + 5 ms', met: of(`ours ${rate} p0.99`) <= p99Max },
    },
    { metric: `commit → consumer at ${rate}/s, p99.9`, unit: 'ms', ours: of(`ours ${rate} p0.999`), floor: of(`floor ${rate} p0.999`) },
    { metric: `  the same by a 100 ms poll, p50`, unit: 'ms', ours: of(`poll ${rate} p0.5`), floor: p50 },
    { metric: `  the same by LISTEN/NOTIFY, p50`, unit: 'ms', ours: of(`notify ${rate} p0.5`), floor: p50 },
    { metric: `  the same by LISTEN/NOTIFY, p99`, unit: 'ms', ours: of(`notify ${rate} p0.99`), floor: p99 },
    {
      metric: `CPU an event at ${rate}/s (floor: LISTEN/NOTIFY)`, unit: 'µs', ours: of(`ours ${rate} cpu`), floor: of(`notify ${rate} cpu`),
      goal: { text: '≤ 0.85 ×', met: of(`ours ${rate} cpu`) <= 0.85 * of(`notify ${rate} cpu`) },
    },
  ];
});
rows.push(
  { metric: 'saturated transactions (floor: LISTEN/NOTIFY)', unit: '1/s', ours: of('ours tx'), floor: of('notify tx'), spread: spreadOf(results.get('ours tx') ?? []), goal: { text: '≥ 1.3 ×', met: of('ours tx') >= 1.3 * of('notify tx') } },
  { metric: 'saturated transactions, no relay at all', unit: '1/s', ours: of('writer tx') },
  ...[0.5, 0.99].map((q): Row => ({
    metric: `commit at half of the writer's maximum, p${q * 100} (floor: no relay)`, unit: 'ms', ours: of(`ours commit p${q}`), floor: of(`writer commit p${q}`),
    goal: { text: '≤ 1.15 ×', met: of(`ours commit p${q}`) <= 1.15 * of(`writer commit p${q}`) },
  })),
  { metric: `${BACKLOG} backlog rows drained (floor: bare client)`, unit: '1/s', ours: drained.ours, floor: drained.floor, goal: { text: '≥ 0.5 ×', met: drained.ours >= 0.5 * drained.floor } },
  { metric: 'idle relay + consumer', unit: '% of a core', ours: idle, goal: { text: '≤ 1', met: idle <= 1 } },
);
report('outbox', rows, { isQuick });

consumer.send('stop');
await new Promise((resolve) => consumer.once('exit', resolve));
await bus.close();
await pool.end();
await parts.stop();
