/**
 * `npm run bench:clients`: the bus on its two clients side by side, on one broker, in turn, several rounds: round trip,
 * bulk, idle. kafkajs, the default, stands as "ours", @platformatic/kafka as the floor. `--quick` only proves that it
 * works.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { EVENT_BUS_CLIENTS, type EventBusClient } from '@osago/event-bus';
import type { Answer, Asked } from './clients-arm.ts';
import { startBenchParts } from './parts.ts';
import { median, quantile, report, type Row, spreadOf } from './report.ts';

const isQuick = process.argv.includes('--quick');
const ROUNDS = isQuick ? 1 : 5;
const ROUND_TRIP_MS = isQuick ? 500 : 4_000;
const IDLE_MS = isQuick ? 1_000 : 5_000;
const PRODUCED = isQuick ? 2_000 : 40_000;
const CONSUMED = isQuick ? 3_000 : 60_000;
const RATES = isQuick ? [500] : [50, 500];
const PARTITIONS = 12;
const TRIP = 'bench.round-trip';
const BULK = 'bench.bulk';
const FULL = 'bench.full';
const IDLE = 'bench.idle';

class Arm {
  readonly client: EventBusClient;
  readonly #child: ChildProcess;

  constructor(client: EventBusClient, broker: string) {
    this.client = client;
    this.#child = fork(join(import.meta.dirname, 'clients-arm.ts'), [client, broker]);
  }

  async ready(): Promise<void> {
    await this.#next();
  }

  async ask(asked: Asked): Promise<Answer> {
    const answer = this.#next();
    this.#child.send(asked);
    return (await answer) as Answer;
  }

  async #next(): Promise<unknown> {
    const ended = once(this.#child, 'exit').then(() => Promise.reject(new Error(`${this.client} has ended`)));
    const [message] = (await Promise.race([once(this.#child, 'message'), ended])) as [unknown];
    return message;
  }

  async stop(): Promise<void> {
    const gone = once(this.#child, 'exit');
    this.#child.send('stop');
    await gone;
  }
}

const parts = await startBenchParts();
for (const topic of [TRIP, BULK, FULL, IDLE]) await parts.createTopic(topic, PARTITIONS);
const broker = parts.kafka.brokers[0] ?? '';
const arms = EVENT_BUS_CLIENTS.map((client) => new Arm(client, broker));
await Promise.all(arms.map((arm) => arm.ready()));

const results = new Map<string, number[]>();
const add = (client: EventBusClient, name: string, value: number): void => {
  const key = `${client} ${name}`;
  results.set(key, [...(results.get(key) ?? []), value]);
};

/** One more batch than is counted: it makes the connections. */
const fill = await arms[0]?.ask({ kind: 'produce', topic: FULL, partitions: PARTITIONS, count: CONSUMED });
if (fill === undefined) throw new Error('there is no client');

// The first round is for the compilers, of the broker too.
for (let round = isQuick ? 1 : 0; round <= ROUNDS; round += 1) {
  const isWarmUp = round === 0;
  process.stderr.write(isWarmUp ? 'warming up\n' : `round ${round} of ${ROUNDS}\n`);
  const inTurn = round % 2 === 0 ? arms : arms.toReversed();
  const each = async (asked: Asked, keep: (client: EventBusClient, answer: Answer) => void): Promise<void> => {
    for (const arm of inTurn) {
      const answer = await arm.ask(asked);
      if (!isWarmUp) keep(arm.client, answer);
    }
  };
  for (const rate of RATES) {
    const ms = isWarmUp ? 1_000 : ROUND_TRIP_MS;
    await each({ kind: 'round trip', topic: TRIP, partitions: PARTITIONS, rate, ms, seed: round }, (client, { delaysMs, cpuUsPerRecord }) => {
      add(client, `${rate} p50`, quantile(delaysMs, 0.5));
      add(client, `${rate} p99`, quantile(delaysMs, 0.99));
      add(client, `${rate} cpu`, cpuUsPerRecord);
    });
  }
  await each({ kind: 'produce', topic: BULK, partitions: PARTITIONS, count: PRODUCED }, (client, answer) => {
    add(client, 'produce', answer.perSecond);
    add(client, 'produce cpu', answer.cpuUsPerRecord);
  });
  await each({ kind: 'consume', topic: FULL, count: CONSUMED }, (client, answer) => {
    add(client, 'consume', answer.perSecond);
    add(client, 'consume cpu', answer.cpuUsPerRecord);
  });
  if (!isWarmUp) await each({ kind: 'idle', topic: IDLE, ms: IDLE_MS }, (client, answer) => add(client, 'idle', answer.cpuPercent));
}

const row = (metric: string, unit: string, name: string): Row => {
  const of = (client: EventBusClient): number[] => results.get(`${client} ${name}`) ?? [];
  return { metric, unit, ours: median(of('kafkajs')), floor: median(of('platformatic')), spread: spreadOf(of('kafkajs')) };
};
const idle = row('idle publisher, member and tail', '% of a core', 'idle');
process.stdout.write('ours: kafkajs; floor: @platformatic/kafka\n');
report(
  'clients',
  [
    ...RATES.flatMap((rate) => [
      row(`round trip at ${rate}/s, p50`, 'ms', `${rate} p50`),
      row(`round trip at ${rate}/s, p99`, 'ms', `${rate} p99`),
      row(`CPU an event at ${rate}/s`, 'µs', `${rate} cpu`),
    ]),
    row('bulk produce, 500 a call', 'records/s', 'produce'),
    row('CPU a record produced', 'µs', 'produce cpu'),
    row('bulk consume, with the join', 'records/s', 'consume'),
    row('CPU a record consumed', 'µs', 'consume cpu'),
    { ...idle, goal: { text: '≤ 1', met: idle.ours <= 1 } },
  ],
  { isQuick },
);

for (const arm of arms) await arm.stop();
await parts.stop();
