/** The suite against a real broker, and what only a real broker can show. Its address: KAFKA_BROKERS. */
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createLog } from '@osago/service-kit';
import { describeEventBus } from './event-bus-suite.ts';
import { Member, messages, until } from './suite-readers.ts';
import { createKafkajsEventBus, type EventBus } from './index.ts';
import { type Admin, createClient, RETRY_BRIEFLY } from './kafkajs-client.ts';

const log = createLog('event-bus-test', 'silent');
const run = randomBytes(4).toString('hex');
/** Growth is seen by the next look at the metadata; a test does not wait 30 s for it. */
const METADATA_MAX_AGE_MS = 200;

/** The port of "discard", which nobody serves. */
const NOBODY = '127.0.0.1:9';

const brokersUnderTest = (): string[] => {
  const address = process.env['KAFKA_BROKERS'];
  if (!address) throw new Error('KAFKA_BROKERS is not set: the infra tests need a broker');
  return address.split(',');
};

const connect = (): EventBus =>
  createKafkajsEventBus(
    { log },
    { brokers: brokersUnderTest(), clientId: 'event-bus-test', metadataMaxAgeMs: METADATA_MAX_AGE_MS },
  );

const connectAdmin = async (): Promise<Admin> => {
  const admin = createClient({ brokers: brokersUnderTest(), clientId: 'event-bus-test' }, log, RETRY_BRIEFLY).admin();
  await admin.connect();
  return admin;
};

describeEventBus('kafkajs', async () => {
  const bus = connect();
  const admin = await connectAdmin();
  let topics = 0;
  return {
    bus,
    createTopic: async (partitions) => {
      const topic = `suite-${run}-${(topics += 1)}`;
      await admin.createTopics({ topics: [{ topic, numPartitions: partitions, replicationFactor: 1 }], waitForLeaders: true });
      return topic;
    },
    grow: async (topic, partitions) => {
      await admin.createPartitions({ topicPartitions: [{ topic, count: partitions }] });
    },
    committed: async (groupId, topic) => {
      const [found] = await admin.fetchOffsets({ groupId, topics: [topic] });
      const partitions = (found?.partitions ?? []).sort((a, b) => a.partition - b.partition);
      return partitions.map(({ offset }) => (Number(offset) < 0 ? undefined : BigInt(offset)));
    },
    groups: async (prefix) => {
      const { groups } = await admin.listGroups();
      return groups.map(({ groupId }) => groupId).filter((group) => group.startsWith(prefix));
    },
    close: async () => {
      await bus.close();
      await admin.disconnect();
    },
  };
});

describe('kafkajs adapter', () => {
  let admin: Admin;
  let bus: EventBus;

  beforeAll(async () => {
    admin = await connectAdmin();
    bus = connect();
  }, 30_000);
  afterAll(async () => {
    await bus.close();
    await admin.disconnect();
  }, 30_000);

  const newTopic = async (name: string, partitions: number): Promise<string> => {
    const topic = `suite-${run}-${name}`;
    await admin.createTopics({ topics: [{ topic, numPartitions: partitions, replicationFactor: 1 }], waitForLeaders: true });
    return topic;
  };

  it('rejects on what waiting cannot heal', async () => {
    const topic = await newTopic('refused', 1);
    const subscription = bus.subscribe(
      { group: `refused-${run}`, topics: [topic], inFlightMax: 1, sessionTimeoutMs: 30 },
      { onRecord: () => undefined },
    );
    await expect(subscription.run(new AbortController().signal)).rejects.toMatchObject({
      name: 'EventBusError',
      retriable: false,
    });
    expect(subscription.health().phase).toBe('stopped');
  }, 30_000);

  it('waits for a topic that is not there yet', async () => {
    const group = `early-${run}`;
    const member = new Member(bus, { group, topics: [`suite-${run}-early`], inFlightMax: 1 });
    await until(() => member.subscription.health().phase === 'joining');
    const topic = await newTopic('early', 1);
    await bus.publish(messages(topic, 0, ['a1']));
    await until(() => member.records.length === 1);
    await member.stop();
  }, 30_000);

  it('begins again at the earliest record when retention has taken the committed one, and reads on', async () => {
    const topic = await newTopic('cut', 1);
    const group = `cut-${run}`;
    await bus.publish(messages(topic, 0, ['a1', 'a2', 'a3', 'a4']));
    const first = new Member(bus, { group, topics: [topic], inFlightMax: 10 });
    await until(() => first.records.length === 4);
    first.finish((body) => body === 'a1');
    await first.stop();
    // It also loads the leaders that the next call needs.
    await admin.fetchTopicOffsets(topic);
    await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: '3' }] });
    const second = new Member(bus, { group, topics: [topic], inFlightMax: 10 });
    await until(() => second.records.length === 1);
    expect(second.records[0]?.offset).toBe(3n);
    await second.stop();
  }, 60_000);

  it('answers and stops in bounded time while the broker is away', async () => {
    const away = createKafkajsEventBus({ log }, { brokers: [NOBODY], clientId: 'event-bus-test' });
    const startedAtMs = performance.now();
    const [answer] = await away.publish(messages('anything', 0, ['a']));
    expect(answer).toMatchObject({ ok: false, error: { name: 'PublishError', retriable: true } });
    await expect(away.ping()).rejects.toMatchObject({ name: 'EventBusError', retriable: true });
    const member = new Member(away, { group: 'anything', topics: ['anything'], inFlightMax: 1 });
    await member.stop();
    await away.close();
    expect(performance.now() - startedAtMs).toBeLessThan(10_000);
  }, 30_000);

  it('makes fewer than 50 timers a second when idle, and no warning', async () => {
    const topic = await newTopic('idle', 12);
    const probe = join(import.meta.dirname, 'idle-timers.probe.ts');
    const args = [probe, brokersUnderTest().join(), topic];
    const { stdout, stderr } = await promisify(execFile)(process.execPath, args, { env: {} });
    const { timersPerSecond } = JSON.parse(stdout) as { timersPerSecond: number };
    expect(timersPerSecond).toBeLessThan(50);
    expect(stderr).not.toContain('TimeoutNegativeWarning');
    expect(stderr).toBe('');
  }, 60_000);
});
