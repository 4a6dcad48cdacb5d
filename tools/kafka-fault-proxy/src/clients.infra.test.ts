/** Clients of a real broker (KAFKA_BROKERS) do not notice the proxy: one broker looks like three. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { createEventBus, EVENT_BUS_CLIENTS } from '@osago/event-bus';
import { createLog } from '@osago/service-kit';
import { Consumer, Producer, stringDeserializers, stringSerializers } from '@platformatic/kafka';
import { BrokerSetup, busAt, kafkajsAt, readInto, record, TEST_MS } from './broker-setup.ts';
import { until } from './until.ts';

const setup = new BrokerSetup();
beforeAll(() => setup.start(), TEST_MS);
afterEach(() => setup.closeProxies(), TEST_MS);
afterAll(() => setup.stop(), TEST_MS);

describe('through the proxy', () => {
  it('kafkajs sees three brokers that share the partitions, and administers topics', async () => {
    const topic = await setup.topic(4);
    const proxy = await setup.proxy({ nodes: 3 });
    const admin = kafkajsAt(proxy.brokers).admin();
    await admin.connect();
    const { brokers, controller } = await admin.describeCluster();
    expect(brokers.map(({ nodeId, host, port }) => `${nodeId} ${host}:${port}`)).toEqual(
      proxy.brokers.map((address, at) => `${at + 1} ${address}`),
    );
    expect(controller).toBe(1);
    const { topics } = await admin.fetchTopicMetadata({ topics: [topic] });
    const leaders = topics[0]!.partitions.sort((a, b) => a.partitionId - b.partitionId).map(({ leader }) => leader);
    expect(leaders).toEqual([1, 2, 3, 1]);
    await admin.createPartitions({ topicPartitions: [{ topic, count: 5 }] });
    await until(() => proxy.seen({ on: 'CreatePartitions' }).some(({ outcome }) => outcome === 'answered'));
    await admin.deleteTopics({ topics: [topic] });
    await admin.disconnect();
  }, TEST_MS);

  it('kafkajs writes by the leader of each partition, and a group reads everything', async () => {
    const topic = await setup.topic(3);
    const proxy = await setup.proxy({ nodes: 3 });
    const kafka = kafkajsAt(proxy.brokers);
    const producer = kafka.producer();
    await producer.connect();
    const replies = await producer.send({ topic, messages: [0, 1, 2].map((partition) => ({ partition, value: `v${partition}` })) });
    expect(replies.map(({ partition, errorCode }) => [partition, errorCode]).sort()).toEqual([[0, 0], [1, 0], [2, 0]]);
    const wrote = proxy.seen({ on: 'Produce', topic }).map(({ node, partitions }) => [node, partitions?.[0]?.partition]);
    expect(wrote.sort()).toEqual([[1, 0], [2, 1], [3, 2]]);

    const consumer = kafka.consumer({ groupId: `group of ${topic}` });
    const read: string[] = [];
    await consumer.connect();
    await consumer.subscribe({ topic, fromBeginning: true });
    await consumer.run(readInto(read));
    await until(() => read.length === 3);
    expect(read.sort()).toEqual(['v0', 'v1', 'v2']);
    await consumer.disconnect();
    await producer.disconnect();
    expect(proxy.seen({ on: 'OffsetCommit', topic }).every(({ outcome }) => outcome === 'answered')).toBe(true);
    expect(proxy.seen().flatMap(({ partitions }) => partitions ?? []).filter(({ error }) => error)).toEqual([]);
  }, TEST_MS);

  it('the bus publishes, subscribes, tails and knows the offsets', async () => {
    const topic = await setup.topic(4);
    const proxy = await setup.proxy({ nodes: 2 });
    const bus = busAt(proxy.brokers);
    const answers = await bus.publish([0, 1, 2, 3].map((partition) => record(topic, partition, `b${partition}`)));
    expect(answers.every(({ ok }) => ok)).toBe(true);
    expect(await bus.endOffsets(topic)).toEqual([1n, 1n, 1n, 1n]);
    const stop = new AbortController();
    const read: string[] = [];
    const subscription = bus.subscribe(
      { group: `bus of ${topic}`, topics: [topic], inFlightMax: 10 },
      { onRecord: (found) => { read.push(found.value?.toString() ?? ''); subscription.done(found); } },
    );
    const tailed: string[] = [];
    const tail = bus.tail({ topics: [topic], fromMs: 0, groupPrefix: topic }, ({ value }) => tailed.push(value?.toString() ?? ''));
    const running = [subscription.run(stop.signal), tail.run(stop.signal)];
    await tail.caughtUp;
    await until(() => read.length === 4);
    stop.abort();
    await Promise.all(running);
    await bus.close();
    expect([read.sort(), tailed.sort()]).toEqual([['b0', 'b1', 'b2', 'b3'], ['b0', 'b1', 'b2', 'b3']]);
  }, TEST_MS);

  it('@platformatic/kafka, which speaks flexible versions and topic ids, follows a moved leader', async () => {
    const topic = await setup.topic(2);
    const proxy = await setup.proxy({ nodes: 2 });
    const base = { clientId: 'platformatic', bootstrapBrokers: [...proxy.brokers], autocreateTopics: false };
    const producer = new Producer({ ...base, serializers: stringSerializers, retries: 5, retryDelay: 50 });
    const send = (body: string): Promise<unknown> =>
      producer.send({ acks: -1, messages: [0, 1].map((partition) => ({ topic, partition, key: body, value: `${body}${partition}` })) });
    await send('a');
    proxy.moveLeader(topic, 1, 1);
    await send('b');
    expect(await setup.written(topic)).toEqual(['0/0 a0', '0/1 b0', '1/0 a1', '1/1 b1']);

    const consumer = new Consumer({ ...base, groupId: `platformatic-of-${topic}`, deserializers: stringDeserializers });
    const stream = await consumer.consume({ topics: [topic], mode: 'earliest', autocommit: true });
    const read: string[] = [];
    stream.on('data', ({ value }) => void read.push(value));
    await until(() => read.length === 4);
    expect(read.sort()).toEqual(['a0', 'a1', 'b0', 'b1']);
    await stream.close();
    await consumer.close(true);
    await producer.close();
    const fetched = proxy.seen({ on: 'Fetch', topic, partition: 1 });
    expect(fetched.filter(({ node, outcome }) => node === 1 && outcome === 'answered').length).toBeGreaterThan(0);
    expect(Math.max(...fetched.map(({ version }) => version))).toBeGreaterThanOrEqual(13);
  }, TEST_MS);

  it.each(EVENT_BUS_CLIENTS)('a member of the bus on %s leaves before its last fetch is answered', async (client) => {
    const topic = await setup.topic(1);
    const proxy = await setup.proxy({});
    const bus = await createEventBus({ log: createLog('fault-proxy-test', 'silent') }, { client, brokers: proxy.brokers, clientId: 'leaving' });
    const stop = new AbortController();
    const { promise: joined, resolve } = Promise.withResolvers<undefined>();
    const subscription = bus.subscribe(
      { group: topic, topics: [topic], inFlightMax: 1 },
      { onRecord: (found) => subscription.done(found), onAssigned: () => resolve(undefined) },
    );
    const running = subscription.run(stop.signal);
    await joined;
    const slow = proxy.inject({ on: 'Fetch', topic, delay: 'answer', ms: 20_000 });
    await slow.untilHit();
    stop.abort();
    await until(() => proxy.seen({ on: 'LeaveGroup' }).some(({ outcome }) => outcome === 'answered'));
    expect(proxy.seen({ on: 'Fetch', topic }).at(-1)?.outcome).not.toBe('answered');
    slow.lift();
    await running;
    await bus.close();
  }, TEST_MS);
});
