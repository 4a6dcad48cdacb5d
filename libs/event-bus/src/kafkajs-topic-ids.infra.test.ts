import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createLog } from '@osago/service-kit';
import { createClient, RETRY_BRIEFLY } from './kafkajs-client.ts';
import { KafkajsQuestions } from './kafkajs-questions.ts';
import { brokersIn, SuiteBroker } from './suite-broker.ts';
import { TEST_MS } from './suite-setting.ts';

let broker: SuiteBroker;
let questions: KafkajsQuestions;
beforeAll(async () => {
  broker = await SuiteBroker.connect(brokersIn(process.env['KAFKA_BROKERS']));
  const log = createLog('event-bus-test', 'silent');
  questions = new KafkajsQuestions(createClient({ brokers: broker.brokers, clientId: 'event-bus-test' }, log, RETRY_BRIEFLY));
});
afterAll(async () => {
  await questions.close();
  await broker.close();
});

test('a topic has an id of its own, which stays as it grows and is another one when it is made anew', async () => {
  const [one, other] = [await broker.createTopic(1), await broker.createTopic(3)];
  const before = await questions.topicIds([one, other]);
  expect(before.get(one)).toMatch(/^[0-9a-f]{32}$/);
  expect(new Set(before.values()).size).toBe(2);
  await broker.grow(one, 4);
  expect(await questions.topicIds([other, one])).toEqual(before);
  await broker.remake(one, 1);
  const after = await questions.topicIds([one, other]);
  expect(after.get(one)).not.toBe(before.get(one));
  expect(after.get(other)).toBe(before.get(other));
}, TEST_MS);

test('a topic that is not there is a failure that another try may heal', async () => {
  await expect(questions.topicIds([broker.newName()])).rejects.toMatchObject({ name: 'EventBusError', retriable: true });
}, TEST_MS);
