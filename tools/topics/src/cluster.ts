/** The topics of a real cluster: read, create, grow, configure. The only file that knows kafkajs. */
import kafkajs, { type Admin } from 'kafkajs';
import { pause } from '@osago/service-kit';
import type { ActualCluster, ActualTopic, Change } from './plan.ts';

// CommonJS: not all of its names can be imported by name.
const { ConfigResourceTypes, ConfigSource, Kafka, logLevel } = kafkajs;

/** A broker that is just starting is waited for, about ten seconds. */
const RETRY = { initialRetryTime: 200, maxRetryTime: 2_000, retries: 7 };
const TIMEOUT_MS = 10_000;
const LEADER_PAUSE_MS = 50;

export class Cluster {
  readonly #admin: Admin;

  private constructor(admin: Admin) {
    this.#admin = admin;
  }

  static async connect(brokers: readonly string[]): Promise<Cluster> {
    const kafka = new Kafka({
      brokers: [...brokers],
      clientId: 'osago-topics',
      logLevel: logLevel.NOTHING,
      requestTimeout: TIMEOUT_MS,
      retry: RETRY,
    });
    const admin = kafka.admin();
    await admin.connect();
    return new Cluster(admin);
  }

  /** Of the named topics, those that exist. */
  async read(names: readonly string[]): Promise<ActualCluster> {
    const { clusterId, brokers } = await this.#admin.describeCluster();
    const all = await this.#admin.listTopics();
    const there = names.filter((name) => all.includes(name));
    const topics = there.length === 0 ? [] : await this.#describe(there);
    return { clusterId, brokers: brokers.length, topics };
  }

  async #describe(names: string[]): Promise<ActualTopic[]> {
    const { topics } = await this.#admin.fetchTopicMetadata({ topics: names });
    const { resources } = await this.#admin.describeConfigs({
      resources: names.map((name) => ({ type: ConfigResourceTypes.TOPIC, name })),
      includeSynonyms: false,
    });
    return topics.map(({ name, partitions }) => {
      const entries = resources.find(({ resourceName }) => resourceName === name)?.configEntries ?? [];
      return {
        name,
        partitions: partitions.length,
        replicas: Math.min(...partitions.map(({ replicas }) => replicas.length)),
        config: Object.fromEntries(entries.map(({ configName, configValue }) => [configName, configValue])),
        own: entries.filter(({ configSource }) => configSource === ConfigSource.TOPIC_CONFIG).map(({ configName }) => configName),
      };
    });
  }

  async make(change: Exclude<Change, { kind: 'refuse' }>): Promise<void> {
    const { topic } = change;
    switch (change.kind) {
      case 'create': {
        const { partitions: numPartitions, replicas: replicationFactor } = change;
        const configEntries = entriesOf(change.config);
        const topics = [{ topic, numPartitions, replicationFactor, configEntries }];
        await this.#admin.createTopics({ topics, waitForLeaders: false, timeout: TIMEOUT_MS });
        await this.#untilLed(topic);
        return;
      }
      case 'grow':
        await this.#admin.createPartitions({ topicPartitions: [{ topic, count: change.to }], timeout: TIMEOUT_MS });
        return;
      case 'configure': {
        const resource = { type: ConfigResourceTypes.TOPIC, name: topic, configEntries: entriesOf(change.config) };
        await this.#admin.alterConfigs({ validateOnly: false, resources: [resource] });
        return;
      }
    }
  }

  /**
   * A new topic is known to the controller before every broker knows it. kafkajs' own wait takes that for an error.
   */
  async #untilLed(topic: string): Promise<void> {
    const deadline = AbortSignal.timeout(TIMEOUT_MS);
    for (;;) {
      try {
        const { topics } = await this.#admin.fetchTopicMetadata({ topics: [topic] });
        if (topics.every(({ partitions }) => partitions.every(({ leader }) => leader >= 0))) return;
      } catch (error) {
        if (deadline.aborted) throw error;
      }
      if (deadline.aborted) throw new Error(`${topic}: partitions without a leader after ${TIMEOUT_MS} ms`);
      await pause(LEADER_PAUSE_MS, deadline);
    }
  }

  async close(): Promise<void> {
    await this.#admin.disconnect();
  }
}

const entriesOf = (config: Readonly<Record<string, string>>): { name: string; value: string }[] =>
  Object.entries(config).map(([name, value]) => ({ name, value }));
