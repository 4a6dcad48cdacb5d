import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createLog } from '@osago/service-kit';
import type { EventBus } from './event-bus.ts';
import { createKafkajsEventBus } from './kafkajs-event-bus.ts';
import { KafkajsLogReader } from './kafkajs-log-reader.ts';
import type { Lane } from './log-reader.ts';
import { brokersIn, SuiteBroker } from './suite-broker.ts';
import { TEST_MS } from './suite-setting.ts';

const log = createLog('event-bus-test', 'silent');
let broker: SuiteBroker;
let bus: EventBus;
beforeAll(async () => {
  broker = await SuiteBroker.connect(brokersIn(process.env['KAFKA_BROKERS']));
  bus = createKafkajsEventBus({ log }, { brokers: broker.brokers, clientId: 'event-bus-test' });
});
afterAll(async () => {
  await bus.close();
  await broker.close();
});

/** A topic of that many partitions, with as many records in each. */
const topicOf = async (partitions: number, records: number): Promise<string> => {
  const topic = await broker.createTopic(partitions);
  for (let partition = 0; partition < partitions; partition += 1) {
    const value = Buffer.alloc(2_000, 'x');
    const batch = Array.from({ length: records }, (_, at) => ({ topic, partition, key: `key-${at}`, value, headers: {} }));
    const answers = await bus.publish(batch);
    expect(answers.every(({ ok }) => ok)).toBe(true);
  }
  return topic;
};

const placesOf = (topic: string, partition: number, from: number, to: number): string[] =>
  Array.from({ length: to - from }, (_, at) => `${topic}/${partition} ${from + at} key-${from + at}`);

/** What was handed over, and the ends of lanes between. */
const read = async (lanes: readonly Lane[], signal = new AbortController().signal): Promise<string[]> => {
  const clientId = broker.newName();
  const seen: string[] = [];
  const reader = new KafkajsLogReader({ log }, { brokers: broker.brokers, clientId });
  await reader.read(
    lanes,
    {
      onRecords: (records) => void seen.push(...records.map(({ topic, partition, offset, key }) => `${topic}/${partition} ${offset} ${key}`)),
      onLaneEnd: (lane) => void seen.push(`end of ${lane}`),
    },
    signal,
  );
  expect(await broker.groups(clientId)).toEqual([]);
  return seen;
};

test('each range is read once and in order, lane after lane, also where lanes share a partition', async () => {
  const topic = await topicOf(2, 6_000);
  const range = (partition: number, from: number, to: number) => ({ topic, partition, from: BigInt(from), to: BigInt(to) });
  // Far shorter than what one fetch brings, as long as that, and with a gap between.
  const spans = [[3, 10], [10, 11], [11, 2_500], [2_600, 2_601], [2_601, 6_000]] as const;
  const lanes = [0, 1].flatMap((partition) => spans.map(([from, to]) => [range(partition, from, to)]));
  const wanted = lanes.flatMap(([of], lane) =>
    of === undefined ? [] : [...placesOf(topic, of.partition, Number(of.from), Number(of.to)), `end of ${lane}`],
  );
  expect(await read(lanes)).toEqual(wanted);
}, TEST_MS);

test('the ranges of a lane are read side by side, and the lane ends with the last of them', async () => {
  const topic = await topicOf(3, 2_000);
  const range = (partition: number, from: number, to: number) => ({ topic, partition, from: BigInt(from), to: BigInt(to) });
  const cuts = [0, 40, 900, 901, 2_000];
  const lanes = cuts.slice(1).map((to, at) => [range(0, cuts[at] ?? 0, to), range(1, cuts[at] ?? 0, to), range(2, cuts[at] ?? 0, to)]);
  const seen = await read(lanes);
  for (const partition of [0, 1, 2]) {
    expect(seen.filter((place) => place.startsWith(`${topic}/${partition} `))).toEqual(placesOf(topic, partition, 0, 2_000));
  }
  cuts.slice(1).forEach((to, lane) => {
    const before = seen.slice(0, seen.indexOf(`end of ${lane}`)).filter((place) => !place.startsWith('end'));
    expect(before).toHaveLength(3 * to);
  });
}, TEST_MS);

test('what retention took is left out, and a range of which nothing is left ends', async () => {
  const topic = await topicOf(1, 100);
  await broker.deleteRecordsBelow(topic, 60n);
  const lanes = [[0n, 20n], [20n, 50n], [50n, 80n], [80n, 100n]].map(([from = 0n, to = 0n]) => [{ topic, partition: 0, from, to }]);
  expect(await read(lanes)).toEqual(
    ['end of 0', 'end of 1', ...placesOf(topic, 0, 60, 80), 'end of 2', ...placesOf(topic, 0, 80, 100), 'end of 3'],
  );
}, TEST_MS);

test('a log that is shorter than the range is an error, for it was made anew', async () => {
  const topic = await topicOf(1, 10);
  await expect(read([[{ topic, partition: 0, from: 50n, to: 60n }]])).rejects.toMatchObject({ name: 'EventBusError', retriable: false });
}, TEST_MS);

test('it ends early when it is stopped, and with the error of a handler', async () => {
  const topic = await topicOf(1, 3_000);
  const lanes = [[{ topic, partition: 0, from: 0n, to: 3_000n }]];
  const reader = new KafkajsLogReader({ log }, { brokers: broker.brokers, clientId: broker.newName(), rateMax: 100 });
  const stop = new AbortController();
  const ended: number[] = [];
  await reader.read(lanes, { onRecords: () => stop.abort(), onLaneEnd: (lane) => void ended.push(lane) }, stop.signal);
  expect(ended).toEqual([]);
  const failing = reader.read(lanes, { onRecords: () => Promise.reject(new Error('the disk is full')) }, new AbortController().signal);
  await expect(failing).rejects.toThrow('the disk is full');
}, TEST_MS);
