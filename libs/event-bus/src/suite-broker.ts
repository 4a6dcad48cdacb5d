/** What the suites ask of a real broker beside the bus. On kafkajs, whichever client is under test. */
import { randomBytes } from 'node:crypto';
import { createLog, pause } from '@osago/service-kit';
import { type Admin, createClient, RETRY_BRIEFLY } from './kafkajs-client.ts';
import { Admin as PlatformaticAdmin, optionsOf } from './platformatic-client.ts';

const log = createLog('event-bus-test', 'silent');

/** From the environment of a test: a list with commas. */
export const brokersIn = (address: string | undefined): string[] => {
  if (!address) throw new Error('KAFKA_BROKERS is not set: the infra tests need a broker');
  return address.split(',');
};

export class SuiteBroker {
  readonly brokers: readonly string[];
  readonly #admin: Admin;
  readonly #run = randomBytes(4).toString('hex');
  #names = 0;

  private constructor(brokers: readonly string[], admin: Admin) {
    this.brokers = brokers;
    this.#admin = admin;
  }

  static async connect(brokers: readonly string[]): Promise<SuiteBroker> {
    const admin = createClient({ brokers, clientId: 'event-bus-test' }, log, RETRY_BRIEFLY).admin();
    await admin.connect();
    return new SuiteBroker(brokers, admin);
  }

  /** Of a topic or a group, and of this run alone. */
  newName(): string {
    this.#names += 1;
    return `suite-${this.#run}-${this.#names}`;
  }

  async createTopic(partitions: number, topic = this.newName()): Promise<string> {
    const configEntries = [{ name: 'message.timestamp.type', value: 'LogAppendTime' }];
    const topics = [{ topic, numPartitions: partitions, replicationFactor: 1, configEntries }];
    await this.#admin.createTopics({ topics, waitForLeaders: false });
    await this.#untilLed(topic);
    return topic;
  }

  /** kafkajs' own wait takes a broker that does not know the new topic yet for an error. */
  async #untilLed(topic: string): Promise<void> {
    const deadline = AbortSignal.timeout(20_000);
    for (;;) {
      const found = await this.#admin.fetchTopicMetadata({ topics: [topic] }).catch(() => undefined);
      if (found?.topics.every(({ partitions }) => partitions.every(({ leader }) => leader >= 0))) return;
      deadline.throwIfAborted();
      await pause(50, deadline);
    }
  }

  async grow(topic: string, partitions: number): Promise<void> {
    await this.#admin.createPartitions({ topicPartitions: [{ topic, count: partitions }] });
  }

  async remake(topic: string, partitions: number): Promise<void> {
    await this.#admin.deleteTopics({ topics: [topic] });
    const deadline = AbortSignal.timeout(20_000);
    while ((await this.#admin.listTopics()).includes(topic)) await pause(50, deadline);
    await this.createTopic(partitions, topic);
  }

  /** What retention does. */
  async deleteRecordsBelow(topic: string, offset: bigint): Promise<void> {
    // It also loads the leaders that the next call needs.
    await this.#admin.fetchTopicOffsets(topic);
    await this.#admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: String(offset) }] });
  }

  async committed(groupId: string, topic: string): Promise<(bigint | undefined)[]> {
    const [found] = await this.#admin.fetchOffsets({ groupId, topics: [topic] });
    const partitions = (found?.partitions ?? []).sort((a, b) => a.partition - b.partition);
    return partitions.map(({ offset }) => (Number(offset) < 0 ? undefined : BigInt(offset)));
  }

  /** Of partition 0; the group must have no member. */
  async setCommitted(groupId: string, topic: string, offset: bigint): Promise<void> {
    // kafkajs takes five seconds for it.
    const admin = new PlatformaticAdmin(optionsOf({ brokers: this.brokers, clientId: 'event-bus-test' }));
    await admin.alterConsumerGroupOffsets({ groupId, topics: [{ name: topic, partitionOffsets: [{ partition: 0, offset }] }] });
    await admin.close();
  }

  async groups(prefix: string): Promise<string[]> {
    const { groups } = await this.#admin.listGroups();
    return groups.map(({ groupId }) => groupId).filter((group) => group.startsWith(prefix));
  }

  close(): Promise<void> {
    return this.#admin.disconnect();
  }
}
