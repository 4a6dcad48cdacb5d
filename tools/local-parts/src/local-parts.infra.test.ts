import { afterEach, expect, test } from '@jest/globals';
import { Redis } from 'ioredis';
import { Kafka, logLevel } from 'kafkajs';
import pg from 'pg';
import { createTopics } from './create-topics.ts';

const { DATABASE_URL, KAFKA_BROKERS = '', REDIS_URL = '' } = process.env;

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

test('Postgres answers a query in the database osago', async () => {
  const client = new pg.Client({ connectionString: DATABASE_URL });
  await client.connect();
  closing.push(() => client.end());
  const { rows } = await client.query(`SELECT current_database() AS name, upper('осаго') AS upper`);
  expect(rows).toEqual([{ name: 'osago', upper: 'ОСАГО' }]);
});

test('Kafka keeps a record and gives it to a group', async () => {
  const kafka = new Kafka({ brokers: KAFKA_BROKERS.split(','), logLevel: logLevel.NOTHING });
  const topic = `local-parts-${crypto.randomUUID()}`;
  const admin = kafka.admin();
  const producer = kafka.producer();
  const consumer = kafka.consumer({ groupId: topic });
  await Promise.all([admin.connect(), producer.connect(), consumer.connect()]);
  closing.push(() => consumer.disconnect(), () => producer.disconnect(), () => admin.disconnect());
  await createTopics(admin, [{ topic, numPartitions: 3 }]);
  await producer.send({ topic, messages: [{ key: 'k', value: 'v' }] });
  await consumer.subscribe({ topic, fromBeginning: true });
  const got = await new Promise((resolve) => {
    void consumer.run({ eachMessage: ({ message }) => Promise.resolve(resolve(message.value?.toString())) });
  });
  expect(got).toBe('v');
});

test('Redis runs a script', async () => {
  const redis = new Redis(REDIS_URL);
  closing.push(() => redis.quit());
  expect(await redis.eval('return redis.call("TIME")', 0)).toHaveLength(2);
});
