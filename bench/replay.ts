/**
 * `npm run bench:replay`: what reading the topics costs beside a bare loop of the same client that only parses, in turn,
 * each in a fresh process; and whether memory depends on the length of the window. The client is kafkajs: as it comes from
 * npm in the bare loop, as the bus reads with it in the others. `--quick` only proves that it works;
 * `--records=1000000 --long=5000000 --rounds=3` are the sizes of the whole run.
 */
import { fork } from 'node:child_process';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { REQUEST_TOPICS } from '@osago/contracts';
import { Kafka, logLevel } from 'kafkajs';
import { startBenchParts } from './parts.ts';
import type { ArmResult } from './replay-arm.ts';
import { PARTITIONS, spanMs, writeLog } from './replay-log.ts';
import { median, report, type Row, spreadOf } from './report.ts';

const { values: args } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    records: { type: 'string' },
    long: { type: 'string' },
    rounds: { type: 'string' },
  },
});
const isQuick = args.quick;
const RECORDS = Number(args.records ?? (isQuick ? 5_000 : 1_000_000));
const LONG = Number(args.long ?? (isQuick ? 10_000 : 5_000_000));
const ROUNDS = Number(args.rounds ?? (isQuick ? 1 : 3));

const parts = await startBenchParts();
for (const topic of REQUEST_TOPICS) await parts.createTopic(topic, PARTITIONS);
const kafka = new Kafka({ brokers: parts.kafka.brokers, logLevel: logLevel.NOTHING });
const producer = kafka.producer();
await producer.connect();

const run = (arm: string, of = ''): Promise<ArmResult & { partition?: number }> =>
  new Promise((resolve, reject) => {
    // As the command is run, for all arms.
    const execArgv = ['--max-semi-space-size=64', '--disable-warning=TimeoutNegativeWarning'];
    const child = fork(join(import.meta.dirname, 'replay-arm.ts'), [arm, parts.kafka.brokers[0] ?? '', of], { execArgv });
    child.once('message', (result) => resolve(result as ArmResult));
    child.once('exit', (code) => reject(new Error(`${arm} ended with ${code} and said nothing`)));
  });

/** Long enough ago for the last request to have ended. */
const beginsAtMs = Date.now() - spanMs(LONG) - 600_000;

const rate = ({ records, ms }: ArmResult): number => (records / ms) * 1_000;

const rows: Row[] = [];
try {
  const requestId = await writeLog(producer, { from: 0, to: RECORDS, beginsAtMs });
  const results: Record<string, ArmResult[]> = { bare: [], fold: [], export: [], show: [], window: [] };
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const arm of ['bare', 'fold', 'export']) results[arm]?.push(await run(arm));
    const shown = await run('show', requestId);
    results['show']?.push(shown);
    results['window']?.push(await run('window', String(shown.partition)));
  }
  const rates = (arm: string): number[] => (results[arm] ?? []).map(rate);
  const times = (arm: string): number[] => (results[arm] ?? []).map(({ ms }) => ms);
  const floor = median(rates('bare'));
  const judged = (metric: string, arm: string, goal: number): Row => {
    const ours = median(rates(arm));
    const text = `≥ ${goal} of the bare loop`;
    return { metric, unit: 'records/s', ours, floor, spread: spreadOf(rates(arm)), goal: { text, met: ours >= goal * floor } };
  };
  rows.push(judged('read, decode, fold', 'fold', 0.6), judged('export as Parquet', 'export', 0.4));
  const [show, window] = [median(times('show')), median(times('window'))];
  const shown = { metric: `show, one request of ${RECORDS} records`, unit: 'ms', ours: show, floor: window };
  rows.push({ ...shown, spread: spreadOf(times('show')), goal: { text: '≤ 2 × its partition, bare', met: show <= 2 * window } });
  const read = median((results['show'] ?? []).map(({ records }) => records));
  rows.push({ metric: 'show, records read', unit: 'of the log', ours: read / RECORDS, floor: 1 / PARTITIONS });

  await writeLog(producer, { from: RECORDS, to: LONG, beginsAtMs });
  for (const arm of ['fold', 'export']) {
    const short = median((results[arm] ?? []).map(({ rssMiB }) => rssMiB));
    const long = (await run(arm)).rssMiB;
    const goal = { text: '≤ 1.25 × that of the short window', met: long <= 1.25 * short };
    rows.push({ metric: `memory of ${arm}, ${LONG / RECORDS} × the records`, unit: 'MiB', ours: long, floor: short, goal });
  }
} finally {
  await producer.disconnect();
  await parts.stop();
}
report('replay', rows, { isQuick });
