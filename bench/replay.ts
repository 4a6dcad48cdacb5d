/**
 * `npm run bench:replay`: what reading the topics costs beside a bare loop of the same client that only parses, in turn,
 * each in a fresh process; and whether memory depends on the length of the window. `--quick` only proves that it works;
 * `--records=1000000 --long=5000000 --rounds=3` are the sizes of the whole run.
 */
import { fork } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import {
  encodeEvent, type OsagoEvent, REQUEST_TOPICS, requestEventId, topicOf, type RequestTopic,
} from '@osago/contracts';
import { partitionFor } from '@osago/event-bus';
import { legEvent } from '@osago/quotes';
import { CompressionTypes, Kafka, logLevel, type TopicMessages } from 'kafkajs';
import { startBenchParts } from './parts.ts';
import type { ArmResult } from './replay-arm.ts';
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
const PARTITIONS = 12;
const INSURERS = Array.from({ length: 10 }, (_, at) => `insurer-${at}`);
/** A request and, of each insurer, submitted and quoted. */
const RECORDS_PER_REQUEST = 1 + 2 * INSURERS.length;
const REQUESTS_PER_SEND = 100;
/** Sends at once: the broker, not this loop, is what writing waits for. */
const SENDS = 4;

const parts = await startBenchParts();
for (const topic of REQUEST_TOPICS) await parts.createTopic(topic, PARTITIONS);
const kafka = new Kafka({ brokers: parts.kafka.brokers, logLevel: logLevel.NOTHING });
const producer = kafka.producer();
await producer.connect();

const moment = (ms: number): string => new Date(ms).toISOString();
const TARIFF = {
  category: 'B', power_hp: 98, year: 2019, purpose: 'personal', region: '77', months: 12, policy_start_date: '2026-11-25',
  unlimited_drivers: false, drivers: [{ age: 41, experience_years: 20 }],
} as const;
/** As long as that of a request with two drivers. */
const SEALED = 'x'.repeat(2_600);

/** As they come from the platform: what a person in Moscow with ten quotes leaves on the log. */
const eventsOf = (request_id: string, acceptedAtMs: number): OsagoEvent[] => {
  const deadline_at = moment(acceptedAtMs + 60_000);
  const panel = INSURERS.map((insurer_id) => ({ insurer_id, name: insurer_id.toUpperCase(), deadline_at }));
  const submitted: OsagoEvent = {
    ...({ specversion: '1.0', source: '/osago/core-app', datacontenttype: 'application/json' } as const),
    id: requestEventId(request_id, 1),
    type: 'osago.request.submitted.v1',
    subject: request_id,
    time: moment(acceptedAtMs),
    data: {
      ...{ request_id, revision: 1, accepted_at: moment(acceptedAtMs), deadline_at, panel },
      tariff: { ...TARIFF, drivers: [...TARIFF.drivers] },
      application_sealed: SEALED,
    },
  };
  const legs = panel.flatMap(({ insurer_id, name }, at) => {
    const identity = { request_id, insurer_id, name, attempt: 1, fence: acceptedAtMs, deadline_at, late: false };
    const submittedAtMs = acceptedAtMs + 200 + at;
    const answeredAtMs = submittedAtMs + 2_000 * (at + 1);
    const submitted_at = moment(submittedAtMs);
    return [
      legEvent({ ...identity, step: 1 }, 'submitted', { submitted_at }, submittedAtMs),
      legEvent(
        { ...identity, step: 2 },
        'quoted',
        {
          ...{ submitted_at, answered_at: moment(answeredAtMs), valid_until: moment(answeredAtMs + 86_400_000) },
          ...{ premium_kopecks: 555_199 + at, total_kopecks: 605_199 + at, base_rate_kopecks: 494_200, pool: false },
          coefficients: { kt: 1.8, kbm: 0.91, kvs: 1, ko: 1, km: 1.2, ks: 1 },
          extras: [{ name: 'Помощь на дороге', premium_kopecks: 50_000, mandatory: true }],
        },
        answeredAtMs,
      ),
    ];
  });
  return [submitted, ...legs];
};

/** Writes requests until the log has so many records; answers with one that lies in the middle. */
const write = async (from: number, to: number): Promise<string> => {
  const total = Math.floor((to - from) / RECORDS_PER_REQUEST);
  let begun = 0;
  let middle = '';
  const lane = async (): Promise<void> => {
    while (begun < total) {
      const count = Math.min(REQUESTS_PER_SEND, total - begun);
      begun += count;
      const messages = new Map<RequestTopic, TopicMessages['messages']>(REQUEST_TOPICS.map((topic) => [topic, []]));
      for (let at = 0; at < count; at += 1) {
        const id = randomUUID();
        if (begun - at === Math.floor(total / 2) || middle === '') middle = id;
        const partition = partitionFor(id, PARTITIONS);
        for (const event of eventsOf(id, Date.now() - 300_000)) {
          messages.get(topicOf(event.type))?.push({ key: event.subject, value: encodeEvent(event), partition });
        }
      }
      const topicMessages = [...messages].map(([topic, of]) => ({ topic, messages: of }));
      await producer.sendBatch({ topicMessages, acks: 1, compression: CompressionTypes.None });
    }
  };
  await Promise.all(Array.from({ length: SENDS }, lane));
  return middle;
};

const run = (arm: string, of = ''): Promise<ArmResult & { partition?: number }> =>
  new Promise((resolve, reject) => {
    // As the command is run, for all arms.
    const execArgv = ['--max-semi-space-size=64', '--disable-warning=TimeoutNegativeWarning'];
    const child = fork(join(import.meta.dirname, 'replay-arm.ts'), [arm, parts.kafka.brokers[0] ?? '', of], { execArgv });
    child.once('message', (result) => resolve(result as ArmResult));
    child.once('exit', (code) => reject(new Error(`${arm} ended with ${code} and said nothing`)));
  });

const rate = ({ records, ms }: ArmResult): number => (records / ms) * 1_000;

const rows: Row[] = [];
try {
  const requestId = await write(0, RECORDS);
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

  await write(RECORDS, LONG);
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
