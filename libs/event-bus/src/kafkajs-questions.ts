/** What the bus asks a broker beside records: partitions, offsets, groups, whether it is there. */
import type { Questions } from './client-event-bus.ts';
import { type Admin, busError, type Kafkajs, RETRY_BRIEFLY } from './kafkajs-client.ts';
import { type TopicIds, topicIdsOf } from './kafkajs-topic-ids.ts';

export class KafkajsQuestions implements Questions {
  readonly #admin: Admin;
  #connected: Promise<void> | undefined;

  constructor(kafka: Kafkajs) {
    this.#admin = kafka.admin({ retry: RETRY_BRIEFLY });
  }

  async #ask<T>(doing: string, question: (admin: Admin) => Promise<T>): Promise<T> {
    try {
      this.#connected ??= this.#admin.connect();
      await this.#connected.catch((error: unknown) => {
        this.#connected = undefined;
        throw error;
      });
      return await question(this.#admin);
    } catch (error) {
      throw busError(doing, error);
    }
  }

  async partitions(topic: string): Promise<number> {
    return this.#ask(`partitions of ${topic}`, async (admin) => {
      const { topics } = await admin.fetchTopicMetadata({ topics: [topic] });
      return topics[0]?.partitions.length ?? 0;
    });
  }

  async endOffsets(topic: string): Promise<bigint[]> {
    return (await this.#offsets(topic)).map(({ high }) => BigInt(high));
  }

  async startOffsets(topic: string): Promise<bigint[]> {
    return (await this.#offsets(topic)).map(({ low }) => BigInt(low));
  }

  async offsetsAt(topic: string, ms: number): Promise<bigint[]> {
    return this.#ask(`offsets of ${topic} by time`, async (admin) => {
      const offsets = await admin.fetchTopicOffsetsByTimestamp(topic, ms);
      return offsets.sort(byPartition).map(({ offset }) => BigInt(offset));
    });
  }

  topicIds(topics: readonly string[]): Promise<TopicIds> {
    return this.#ask(`ids of ${topics.join(', ')}`, (admin) =>
      topicIdsOf(() => admin.fetchTopicMetadata({ topics: [...topics] })),
    );
  }

  #offsets(topic: string): Promise<{ partition: number; high: string; low: string }[]> {
    return this.#ask(`offsets of ${topic}`, async (admin) =>
      (await admin.fetchTopicOffsets(topic)).sort(byPartition),
    );
  }

  async deleteEmptyGroups(prefix: string): Promise<void> {
    await this.#ask('delete old groups', async (admin) => {
      const { groups } = await admin.listGroups();
      const ours = groups.map(({ groupId }) => groupId).filter((group) => group.startsWith(prefix));
      if (ours.length === 0) return;
      const described = await admin.describeGroups(ours);
      const empty = described.groups.filter(({ state }) => state === 'Empty' || state === 'Dead');
      if (empty.length > 0) await admin.deleteGroups(empty.map(({ groupId }) => groupId));
    });
  }

  async greet(): Promise<void> {
    await this.#ask('ping', (admin) => admin.describeCluster());
  }

  async close(): Promise<void> {
    await this.#admin.disconnect();
  }
}

const byPartition = (a: { partition: number }, b: { partition: number }): number => a.partition - b.partition;
