/**
 * `npm run bench:outbox`: from commit to a consumer's hands, ours beside a direct produce (the floor), a 100 ms poll and
 * LISTEN/NOTIFY, in one run on the same Postgres and broker, in turn, several rounds. `--quick` only proves that it works.
 * `--rounds=2 --only=rates,saturation,commits,backlog,idle` runs a part of it, which judges that part.
 */
import { fork } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { createKafkajsEventBus } from '@osago/event-bus';
import { createLog } from '@osago/service-kit';
import pg from 'pg';
import { commits, CONNECTIONS, delays, drained, idle, leaveBacklog, produceBare, Reader, saturation } from './outbox-phases.ts';
import * as variants from './outbox-variants.ts';
import { ROOT, startBenchParts } from './parts.ts';
import { median, quantile, report, type Row, spreadOf } from './report.ts';

const { values: args } = parseArgs({
  options: { quick: { type: 'boolean', default: false }, rounds: { type: 'string' }, only: { type: 'string' } },
});
const isQuick = args.quick;
const ROUNDS = Number(args.rounds ?? (isQuick ? 1 : 5));
const PHASE_MS = isQuick ? 1_000 : 6_000;
const SATURATION_MS = isQuick ? 500 : 4_000;
const WARM_UP = isQuick ? 200 : 5_000;
const BACKLOG = isQuick ? 2_000 : 200_000;
const IDLE_MS = isQuick ? 1_000 : 8_000;
const RATES = isQuick ? [50, 500] : [50, 500, 2_000];
const TOPIC = 'bench.outbox';
/** Nobody reads it: for what is not about reading. */
const UNREAD_TOPIC = 'bench.unread';
const isAsked = (part: string): boolean => args.only?.split(',').includes(part) ?? true;

const parts = await startBenchParts();
for (const topic of [TOPIC, UNREAD_TOPIC]) await parts.createTopic(topic, variants.PARTITIONS);
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
const unread: variants.Deps = { ...deps, topic: UNREAD_TOPIC };
const consumer = fork(join(import.meta.dirname, 'outbox-consumer.ts'), [parts.kafka.brokers[0] ?? '', TOPIC]);
await new Promise((resolve) => consumer.once('message', resolve));
const reader = new Reader(consumer);

const run = async <T>(variant: variants.Variant, work: (variant: variants.Variant) => Promise<T>): Promise<T> => {
  await variant.start();
  try {
    return await work(variant);
  } finally {
    await variant.stop();
    await pool.query('TRUNCATE bench_rows');
  }
};

const KINDS = { floor: variants.direct, ours: variants.ours, poll: variants.polling, notify: variants.notified };
type Kind = keyof typeof KINDS;
const results = new Map<string, number[]>();
const add = (name: string, value: number): void => {
  results.set(name, [...(results.get(name) ?? []), value]);
};
const of = (name: string): number => median(results.get(name) ?? []);
const spread = (name: string): number => spreadOf(results.get(name) ?? []);

const measureRates = async (seed: number): Promise<void> => {
  for (const rate of RATES) {
    for (const kind of Object.keys(KINDS) as Kind[]) {
      const options = { reader, postgresPid: parts.postgres.pid ?? 0, rate, forMs: PHASE_MS, seed };
      const { delaysMs, cpuUsPerEvent } = await run(KINDS[kind](deps), (variant) => delays(variant, options));
      for (const q of [0.5, 0.99, 0.999]) add(`${kind} ${rate} p${q}`, quantile(delaysMs, q));
      add(`${kind} ${rate} cpu`, cpuUsPerEvent);
    }
  }
};

const measureSaturation = async (): Promise<void> => {
  for (const kind of ['ours', 'notify'] as const) {
    add(`${kind} tx`, await run(KINDS[kind](deps), (variant) => saturation(variant, { reader, forMs: SATURATION_MS })));
  }
};

/** Nobody reads: what the relay costs the commits of its own process, at half of what writer and relay together reach. */
const measureCommits = async (seed: number): Promise<void> => {
  const arms = { ours: variants.ours, alone: variants.writerOnly };
  for (const [arm, create] of Object.entries(arms)) {
    add(`${arm} max`, await run(create(unread), (variant) => saturation(variant, { forMs: SATURATION_MS })));
  }
  for (const [arm, create] of Object.entries(arms)) {
    const options = { rate: of('ours max') / 2, forMs: PHASE_MS, seed };
    const tookMs = await run(create(unread), (variant) => commits(variant, options));
    for (const q of [0.5, 0.99]) add(`${arm} commit p${q}`, quantile(tookMs, q));
  }
};

const measureBacklog = async (): Promise<void> => {
  add('bare', await produceBare(parts.kafka.brokers[0] ?? '', UNREAD_TOPIC, BACKLOG));
  await leaveBacklog(pool, UNREAD_TOPIC, BACKLOG);
  const startedMs = performance.now();
  add('drained', await run(variants.ours(unread), () => drained(pool, BACKLOG, startedMs)));
};

for (const create of Object.values(KINDS)) {
  await run(create(deps), async (variant) => {
    await Promise.all(Array.from({ length: WARM_UP / 10 }, () => variant.write(randomUUID())));
  });
}
for (let round = 1; round <= ROUNDS; round += 1) {
  process.stderr.write(`round ${round} of ${ROUNDS}\n`);
  if (isAsked('rates')) await measureRates(round);
  if (isAsked('saturation')) await measureSaturation();
  if (isAsked('commits')) await measureCommits(round);
  if (isAsked('backlog')) await measureBacklog();
}
if (isAsked('idle')) add('idle', await run(variants.ours(deps), () => idle(reader, IDLE_MS)));

/** `most`: ours ÷ floor is to be no more; `least`: no less. */
const judged = (ours: string, floor: string, goal: { most: number } | { least: number }): Pick<Row, 'ours' | 'floor' | 'spread' | 'goal'> => ({
  ours: of(ours),
  floor: of(floor),
  spread: spread(ours),
  goal:
    'most' in goal
      ? { text: `≤ ${goal.most} ×`, met: of(ours) <= goal.most * of(floor) }
      : { text: `≥ ${goal.least} ×`, met: of(ours) >= goal.least * of(floor) },
});

const rowsOfRate = (rate: number): Row[] => {
  const name = (kind: Kind, what: string): string => `${kind} ${rate} ${what}`;
  const p50: Row = { metric: `commit → consumer at ${rate}/s, p50`, unit: 'ms', ours: of(name('ours', 'p0.5')), floor: of(name('floor', 'p0.5')), spread: spread(name('ours', 'p0.5')) };
  const most = { 50: 1.2, 500: 1.7 }[rate];
  const p99 = of(name('floor', 'p0.99'));
  return [
    most === undefined ? p50 : { ...p50, ...judged(name('ours', 'p0.5'), name('floor', 'p0.5'), { most }) },
    {
      metric: `commit → consumer at ${rate}/s, p99`, unit: 'ms', ours: of(name('ours', 'p0.99')), floor: p99, spread: spread(name('ours', 'p0.99')),
      goal: { text: '≤ 2 × or + 5 ms', met: of(name('ours', 'p0.99')) <= Math.max(2 * p99, p99 + 5) },
    },
    { metric: `commit → consumer at ${rate}/s, p99.9`, unit: 'ms', ours: of(name('ours', 'p0.999')), floor: of(name('floor', 'p0.999')) },
    { metric: '  the same by a 100 ms poll, p50', unit: 'ms', ours: of(name('poll', 'p0.5')), floor: of(name('floor', 'p0.5')) },
    { metric: '  the same by LISTEN/NOTIFY, p50', unit: 'ms', ours: of(name('notify', 'p0.5')), floor: of(name('floor', 'p0.5')) },
    { metric: '  the same by LISTEN/NOTIFY, p99', unit: 'ms', ours: of(name('notify', 'p0.99')), floor: p99 },
    { metric: `CPU an event at ${rate}/s (floor: LISTEN/NOTIFY)`, unit: 'µs', ...judged(name('ours', 'cpu'), name('notify', 'cpu'), { most: 0.85 }) },
    { metric: '  the same by a direct produce, without Postgres', unit: 'µs', ours: of(name('floor', 'cpu')) },
  ];
};

const rows: Row[] = [
  ...(isAsked('rates') ? RATES.flatMap(rowsOfRate) : []),
  ...(isAsked('saturation') ? [{ metric: 'saturated transactions (floor: LISTEN/NOTIFY)', unit: '1/s', ...judged('ours tx', 'notify tx', { least: 1.3 }) }] : []),
  ...(isAsked('commits')
    ? [
        { metric: 'saturated transactions, nobody reads (floor: no relay)', unit: '1/s', ours: of('ours max'), floor: of('alone max') },
        ...[0.5, 0.99].map((q): Row => ({
          metric: `commit at half of the writer's maximum, p${q * 100} (floor: no relay)`, unit: 'ms',
          ...judged(`ours commit p${q}`, `alone commit p${q}`, { most: 1.15 }),
        })),
      ]
    : []),
  ...(isAsked('backlog') ? [{ metric: `${BACKLOG} backlog rows drained (floor: bare client)`, unit: '1/s', ...judged('drained', 'bare', { least: 0.5 }) }] : []),
  ...(isAsked('idle') ? [{ metric: 'idle relay + consumer', unit: '% of a core', ours: of('idle'), goal: { text: '≤ 1', met: of('idle') <= 1 } }] : []),
];
report('outbox', rows, { isQuick });

await reader.stop();
await bus.close();
await pool.end();
await parts.stop();
