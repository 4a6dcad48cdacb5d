/**
 * `npm run bench:showcase`: how fast a pod that starts catches up, beside a bare loop of the same client, as it comes from
 * npm, that consumes the same records and parses them (the floor), and beside the same loop on the bus, in turn, each in a
 * process of its own; and what a held quote costs.
 * `--quick` only proves that it works; `--records=200000` is a log of another length than that of a million quotes.
 */
import { fork } from 'node:child_process';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { REQUEST_TOPICS } from '@osago/contracts';
import { createEventBus } from '@osago/event-bus';
import { createLog } from '@osago/service-kit';
import { startBenchParts } from './parts.ts';
import { median, report, type Row, spreadOf } from './report.ts';
import { INSURERS, PARTITIONS, writeLog } from './showcase-log.ts';
import type { Arm, Reading } from './showcase-reader.ts';

const { values: { quick: isQuick, records: wanted } } = parseArgs({
  options: { quick: { type: 'boolean', default: false }, records: { type: 'string', default: '1100000' } },
});
const ROUNDS = isQuick ? 1 : 3;
/** Of each one submitted event and the legs. */
const REQUESTS = isQuick ? 1_000 : Math.ceil(Number(wanted) / (INSURERS + 1));
const QUOTES = REQUESTS * INSURERS;
/** Of a million quotes: no limit of the heap is part of what is measured. The young generation is that of a pod. */
const NODE_FLAGS = [
  '--expose-gc',
  '--max-old-space-size=8192',
  '--max-semi-space-size=64',
  '--disable-warning=ExperimentalWarning',
];

const parts = await startBenchParts();
for (const topic of REQUEST_TOPICS) await parts.createTopic(topic, PARTITIONS);
const log = createLog('bench', 'error');
const writer = await createEventBus({ log }, { client: 'platformatic', brokers: parts.kafka.brokers, clientId: 'bench' });
const { records, bytes } = await writeLog(writer, REQUESTS);
await writer.close();
process.stderr.write(`${records} records, ${Math.round(bytes / 1e6)} MB\n`);

const read = (arm: Arm): Promise<Reading> =>
  new Promise((resolve, reject) => {
    const reader = join(import.meta.dirname, 'showcase-reader.ts');
    const args = [arm, parts.kafka.brokers.join(), String(records), String(REQUESTS)];
    const child = fork(reader, args, { execArgv: NODE_FLAGS });
    child.once('message', (reading) => resolve(reading as Reading));
    child.once('exit', (code) => reject(new Error(`the reader ended with ${code}`)));
  });

const ARMS: readonly Arm[] = ['floor', 'ours', 'bus'];
const readings: Record<Arm, Reading[]> = { floor: [], ours: [], bus: [] };
for (let round = 1; round <= ROUNDS; round += 1) {
  for (const arm of round % 2 === 1 ? ARMS : ARMS.toReversed()) {
    const reading = await read(arm);
    if (reading.records !== records) throw new Error(`${arm} read ${reading.records} of ${records} records`);
    readings[arm].push(reading);
    process.stderr.write(`round ${round} of ${ROUNDS}: ${arm} ${Math.round(reading.readMs)} ms, CPU ${Math.round(reading.cpuMs)} ms\n`);
  }
}

const rates = (arm: Arm): number[] => readings[arm].map(({ readMs }) => (records / readMs) * 1_000);
const of = (arm: Arm, value: (reading: Reading) => number): number => median(readings[arm].map(value));
const cpuUs = (arm: Arm): number => of(arm, ({ cpuMs }) => (cpuMs * 1_000) / records);
const [ours, floor, bus] = [median(rates('ours')), median(rates('floor')), median(rates('bus'))];
const rows: Row[] = [
  {
    metric: `catch-up with ${QUOTES} quotes of ${REQUESTS} requests (floor: bare loop)`, unit: 'records/s', ours, floor,
    spread: spreadOf(rates('ours')), goal: { text: '≥ 0.7 ×', met: ours >= 0.7 * floor },
  },
  { metric: 'CPU a record', unit: 'µs', ours: cpuUs('ours'), floor: cpuUs('floor') },
  { metric: 'the same beside a bare loop on the bus', unit: 'records/s', ours, floor: bus },
  { metric: 'its CPU a record', unit: 'µs', ours: cpuUs('ours'), floor: cpuUs('bus') },
  { metric: 'time to ready, joining included', unit: 's', ours: of('ours', ({ readyMs }) => readyMs / 1_000), floor: of('floor', ({ readyMs }) => readyMs / 1_000) },
  { metric: 'memory of a quote held, its share of the request included', unit: 'bytes', ours: of('ours', ({ heldBytes }) => heldBytes / QUOTES) },
  { metric: 'value of a record on the log', unit: 'bytes', ours: bytes / records },
];
report('showcase', rows, { isQuick });
await parts.stop();
