/** What the faults do to clients of a real broker (KAFKA_BROKERS), and to what is in the topic in the end. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import type { EventBus } from '@osago/event-bus';
import fc from 'fast-check';
import { BrokerSetup, busAt, kafkajsAt, readInto, record, TEST_MS } from './broker-setup.ts';
import type { FaultProxy, Rule } from './index.ts';
import { until } from './until.ts';

const setup = new BrokerSetup();
beforeAll(() => setup.start(), TEST_MS);
afterEach(() => setup.closeProxies(), TEST_MS);
afterAll(() => setup.stop(), TEST_MS);

const both = (topic: string, body: string) => ({
  topic,
  messages: [0, 1].map((partition) => ({ partition, value: `${body}${partition}` })),
});

/** B refuses its partition when A has acknowledged the other, and A leads both from then on. */
const loseTheLeader = async (proxy: FaultProxy, topic: string): Promise<void> => {
  const [a, b] = [1, 2];
  const acked = (): number => proxy.seen({ on: 'Produce', topic, node: a }).filter(({ outcome }) => outcome === 'answered').length;
  const before = acked();
  proxy.inject({ on: 'Produce', topic, partition: 1, node: b, answerWith: 'NOT_LEADER_OR_FOLLOWER', times: 1 });
  const frozen = proxy.inject({ node: b, connections: 'frozen' });
  await until(() => acked() > before);
  proxy.moveLeader(topic, 1, a);
  frozen.lift();
};

describe('a leader that moves to a broker that has already acknowledged', () => {
  it('makes the send of kafkajs resolve although a partition was never written', async () => {
    const topic = await setup.topic(2);
    const proxy = await setup.proxy({ nodes: 2 });
    const producer = kafkajsAt(proxy.brokers).producer();
    await producer.connect();
    await producer.send(both(topic, 'before'));
    const losing = loseTheLeader(proxy, topic);
    const replies = await producer.send(both(topic, 'after'));
    await losing;
    await producer.disconnect();
    expect(replies.map(({ partition }) => partition)).toEqual([0]);
    expect(await setup.written(topic)).toEqual(['0/0 before0', '0/1 after0', '1/0 before1']);
  }, TEST_MS);

  it('does not deceive the bus: what it calls written is in the topic', async () => {
    const topic = await setup.topic(2);
    const proxy = await setup.proxy({ nodes: 2 });
    const bus = busAt(proxy.brokers);
    await bus.publish([record(topic, 0, 'before0'), record(topic, 1, 'before1')]);
    const losing = loseTheLeader(proxy, topic);
    const answers = await bus.publish([record(topic, 0, 'after0'), record(topic, 1, 'after1')]);
    await losing;
    await bus.close();
    const written = await setup.written(topic);
    expect(answers.map((answer) => !answer.ok || answer.offset === 1n)).toEqual([true, true]);
    expect(answers.flatMap(({ ok }, at) => (ok ? [`${at}/1 after${at}`] : [])).filter((line) => !written.includes(line))).toEqual([]);
  }, TEST_MS);
});

describe('one partition of a request', () => {
  it('is refused while the others are written', async () => {
    const topic = await setup.topic(2);
    const proxy = await setup.proxy({});
    const producer = kafkajsAt(proxy.brokers).producer();
    await producer.connect();
    proxy.inject({ on: 'Produce', topic, partition: 1, answerWith: 'NOT_LEADER_OR_FOLLOWER', times: 1 });
    await producer.send(both(topic, 'x'));
    await producer.disconnect();
    // kafkajs sends all of it again.
    expect(await setup.written(topic)).toEqual(['0/0 x0', '0/1 x0', '1/0 x1']);
    const told = proxy.seen({ on: 'Produce', topic }).map(({ partitions }) => partitions?.map(({ error }) => error));
    expect(told).toEqual([[0, 6], [0, 0]]);
  }, TEST_MS);

  it('is written, and refused all the same', async () => {
    const topic = await setup.topic(2);
    const proxy = await setup.proxy({});
    const bus = busAt(proxy.brokers);
    proxy.inject({ on: 'Produce', topic, partition: 1, answerWith: 'MESSAGE_TOO_LARGE', handled: true });
    const answers = await bus.publish([record(topic, 0, 'x0'), record(topic, 1, 'x1')]);
    await bus.close();
    expect(answers).toMatchObject([{ ok: true }, { ok: false }]);
    expect(await setup.written(topic)).toEqual(['0/0 x0', '1/0 x1']);
  }, TEST_MS);
});

describe('a group of kafkajs', () => {
  it('gets over one error of each kind, and reads everything', async () => {
    const topic = await setup.topic(2);
    const proxy = await setup.proxy({ nodes: 2 });
    const kafka = kafkajsAt(proxy.brokers);
    const producer = kafka.producer();
    await producer.connect();
    await producer.send(both(topic, 'x'));
    await producer.disconnect();
    const at = { topic, partition: 1, times: 1 };
    const faults = [
      proxy.inject({ on: 'Metadata', topic, answerWith: 'LEADER_NOT_AVAILABLE', times: 1 }),
      proxy.inject({ on: 'FindCoordinator', answerWith: 'COORDINATOR_NOT_AVAILABLE', times: 1 }),
      proxy.inject({ on: 'JoinGroup', answerWith: 'COORDINATOR_LOAD_IN_PROGRESS', times: 1 }),
      proxy.inject({ on: 'SyncGroup', answerWith: 'REBALANCE_IN_PROGRESS', times: 1 }),
      proxy.inject({ on: 'Heartbeat', answerWith: 'REBALANCE_IN_PROGRESS', times: 1 }),
      proxy.inject({ on: 'OffsetFetch', answerWith: 'COORDINATOR_LOAD_IN_PROGRESS', times: 1 }),
      proxy.inject({ on: 'ListOffsets', ...at, answerWith: 'NOT_LEADER_OR_FOLLOWER' }),
      proxy.inject({ on: 'Fetch', ...at, answerWith: 'NOT_LEADER_OR_FOLLOWER' }),
      proxy.inject({ on: 'OffsetCommit', ...at, answerWith: 'COORDINATOR_LOAD_IN_PROGRESS' }),
    ];
    const consumer = kafka.consumer({ groupId: `group-of-${topic}`, heartbeatInterval: 50, maxWaitTimeInMs: 100 });
    const read: string[] = [];
    await consumer.connect();
    await consumer.subscribe({ topic, fromBeginning: true });
    await consumer.run({ ...readInto(read), autoCommitThreshold: 1 });
    await until(() => new Set(read).size === 2 && faults.every(({ hits }) => hits === 1));
    await consumer.disconnect();
  }, TEST_MS);

  it('notices a leader that moves while it reads', async () => {
    const topic = await setup.topic(2);
    const proxy = await setup.proxy({ nodes: 2 });
    const kafka = kafkajsAt(proxy.brokers);
    const producer = kafka.producer();
    await producer.connect();
    await producer.send(both(topic, 'a'));
    const consumer = kafka.consumer({ groupId: `group-of-${topic}`, maxWaitTimeInMs: 100 });
    const read: string[] = [];
    await consumer.connect();
    await consumer.subscribe({ topic, fromBeginning: true });
    await consumer.run(readInto(read));
    await until(() => read.length === 2);
    proxy.moveLeader(topic, 0, 2);
    // One partition a request: sent together, the moved one would be lost, as above.
    for (const message of both(topic, 'b').messages) await producer.send({ topic, messages: [message] });
    // Each at least once: what was not committed when the leader moved may come again.
    await until(() => ['b0', 'b1'].every((body) => read.includes(body)));
    await consumer.disconnect();
    await producer.disconnect();
  }, TEST_MS);
});

type Step = { kind: 'publish'; partitions: number[] } | { kind: 'move'; partition: number; node: number } | { kind: 'fault'; rule: Rule };

const steps = (topic: string): fc.Arbitrary<Step[]> => {
  const partition = fc.nat(3);
  const times = fc.integer({ min: 1, max: 3 });
  const place = { on: fc.constant('Produce' as const), topic: fc.constant(topic), partition, times };
  const rule: fc.Arbitrary<Rule> = fc.oneof(
    fc.record({
      ...place,
      answerWith: fc.constantFrom('NOT_LEADER_OR_FOLLOWER' as const, 'NOT_ENOUGH_REPLICAS' as const, 'REQUEST_TIMED_OUT' as const, 'MESSAGE_TOO_LARGE' as const),
      handled: fc.boolean(),
    }),
    fc.record({ ...place, close: fc.constantFrom('before handling' as const, 'after handling' as const) }),
    fc.record({ ...place, delay: fc.constantFrom('request' as const, 'answer' as const), ms: fc.nat(50) }),
  );
  const step: fc.Arbitrary<Step> = fc.oneof(
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('publish' as const), partitions: fc.array(partition, { minLength: 1, maxLength: 6 }) }) },
    fc.record({ kind: fc.constant('move' as const), partition, node: fc.integer({ min: 1, max: 3 }) }),
    fc.record({ kind: fc.constant('fault' as const), rule }),
  );
  return fc.array(step, { minLength: 6, maxLength: 12 });
};

describe('whatever happens to the requests', () => {
  it('the bus calls nothing written that is not in the topic under that offset, and writes again when it is over', async () => {
    const topic = await setup.topic(4);
    const proxy = await setup.proxy({ nodes: 3 });
    let bodies = 0;
    const acked: string[] = [];
    const failed: string[] = [];
    const publish = async (bus: EventBus, partitions: readonly number[]): Promise<void> => {
      const records = partitions.map((partition) => record(topic, partition, `r${(bodies += 1)}`));
      const answers = await bus.publish(records);
      expect(answers).toHaveLength(records.length);
      answers.forEach((answer, at) => {
        const { partition, key } = records[at]!;
        if (answer.ok) acked.push(`${partition}/${answer.offset} ${key}`);
        else failed.push(key);
      });
    };
    const missing = async (): Promise<string[]> => {
      const written = new Set(await setup.written(topic));
      return acked.filter((line) => !written.has(line));
    };
    // One for all schedules: kafkajs may be left with brokers mixed up, and the bus must get over it.
    const bus = busAt(proxy.brokers);
    const recovered = async (): Promise<void> => {
      const all = [0, 1, 2, 3].map((partition) => record(topic, partition, `r${(bodies += 1)}`));
      for (let tries = 1; ; tries += 1) {
        const answers = await bus.publish(all);
        if (answers.every(({ ok }) => ok)) return;
        expect(tries).toBeLessThan(10);
      }
    };
    const property = fc.asyncProperty(steps(topic), async (schedule) => {
      const publishing: Promise<void>[] = [];
      for (const step of schedule) {
        if (step.kind === 'publish') publishing.push(publish(bus, step.partitions));
        else if (step.kind === 'move') proxy.moveLeader(topic, step.partition, step.node);
        else proxy.inject(step.rule);
      }
      await Promise.all(publishing);
      for (const rule of proxy.rules()) rule.lift();
      expect(await missing()).toEqual([]);
      await recovered();
    });
    await fc.assert(property, { numRuns: 20, seed: 4, endOnFailure: true });
    await bus.close();
    // The faults were real, and so was the work.
    expect(failed.length).toBeGreaterThan(0);
    expect(acked.length).toBeGreaterThan(50);
  }, 2 * TEST_MS);

  it('an answer that is lost with its connection is a failure, and the record may be there', async () => {
    const topic = await setup.topic(1);
    const proxy = await setup.proxy({});
    const bus = busAt(proxy.brokers);
    const closing = proxy.inject({ on: 'Produce', topic, close: 'after handling' });
    const [answer] = await bus.publish([record(topic, 0, 'once or more')]);
    expect(answer).toMatchObject({ ok: false, error: { retriable: true } });
    expect(await setup.written(topic)).toHaveLength(closing.hits);
    await bus.close();
  }, TEST_MS);

  it('a request that is lost with its connection is a failure, and nothing is written', async () => {
    const topic = await setup.topic(1);
    const proxy = await setup.proxy({});
    const bus = busAt(proxy.brokers);
    proxy.inject({ on: 'Produce', topic, close: 'before handling' });
    expect(await bus.publish([record(topic, 0, 'never')])).toMatchObject([{ ok: false, error: { retriable: true } }]);
    expect(await setup.written(topic)).toEqual([]);
    await bus.close();
  }, TEST_MS);

  it('an answer that never comes takes the bus a bounded time, and it tries again', async () => {
    const topic = await setup.topic(1);
    const proxy = await setup.proxy({});
    const bus = busAt(proxy.brokers);
    proxy.inject({ on: 'Produce', topic, drop: 'answer', times: 1 });
    const startedAtMs = performance.now();
    expect(await bus.publish([record(topic, 0, 'again')])).toMatchObject([{ ok: true, offset: 1n }]);
    expect(performance.now() - startedAtMs).toBeLessThan(45_000);
    expect(await setup.written(topic)).toEqual(['0/0 again', '0/1 again']);
    await bus.close();
  }, TEST_MS);
});
