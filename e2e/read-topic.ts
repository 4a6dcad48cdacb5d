/** A reader of topics that knows nothing of the platform. */
import { randomUUID } from 'node:crypto';
import { Kafka, logLevel } from 'kafkajs';
import { until } from './platform.ts';

export interface LogRecord {
  partition: number;
  key: string;
  value: Record<string, unknown>;
  headers: Record<string, string>;
}

const READ_MS = 60_000;

/** All records of a topic up to now. */
export const readTopic = async (brokers: string[], topic: string): Promise<LogRecord[]> => {
  const kafka = new Kafka({ brokers, clientId: 'e2e', logLevel: logLevel.NOTHING });
  const admin = kafka.admin();
  await admin.connect();
  const ends = await admin.fetchTopicOffsets(topic);
  await admin.disconnect();
  const consumer = kafka.consumer({ groupId: `e2e-${randomUUID()}` });
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  const records: LogRecord[] = [];
  const wanted = ends.reduce((sum, { low, high }) => sum + Number(high) - Number(low), 0);
  await consumer.run({
    autoCommit: false,
    eachMessage: ({ partition, message }) => {
      records.push({
        partition,
        key: String(message.key),
        value: JSON.parse(String(message.value)) as Record<string, unknown>,
        headers: Object.fromEntries(
          Object.entries(message.headers ?? {}).map(([name, value]) => [name, String(value)]),
        ),
      });
      return Promise.resolve();
    },
  });
  await until(`${topic} is read`, () => (records.length >= wanted ? true : undefined), READ_MS);
  await consumer.disconnect();
  return records;
};
