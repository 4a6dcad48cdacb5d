/** What the infra tests share: the real broker, topics of their own, and what is really in them. */
import { randomBytes } from 'node:crypto';
import { createKafkajsEventBus, type EventBus, type OutgoingRecord } from '@osago/event-bus';
import { createTopics } from '@osago/local-parts';
import { createLog } from '@osago/service-kit';
import kafkajs, { type Admin, type ConsumerRunConfig, type Kafka, type KafkaConfig } from 'kafkajs';
import { type FaultProxy, type FaultProxyOptions, startFaultProxy } from './index.ts';

// CommonJS: not all of its names can be imported by name.
const { Kafka: KafkaClient, logLevel } = kafkajs;

export const TEST_MS = 120_000;

export const realBroker = (): string => {
  const [address] = (process.env['KAFKA_BROKERS'] ?? '').split(',');
  if (!address) throw new Error('KAFKA_BROKERS is not set: the infra tests need a broker');
  return address;
};

export const kafkajsAt = (brokers: readonly string[], change: Partial<KafkaConfig> = {}): Kafka =>
  new KafkaClient({
    brokers: [...brokers],
    logLevel: logLevel.NOTHING,
    retry: { initialRetryTime: 20, retries: 5 },
    ...change,
  });

export const busAt = (brokers: readonly string[]): EventBus =>
  createKafkajsEventBus({ log: createLog('fault-proxy-test', 'silent') }, { brokers, clientId: 'fault-proxy-test' });

export const record = (topic: string, partition: number, body: string): OutgoingRecord => ({
  topic,
  partition,
  key: body,
  value: Buffer.from(body),
  headers: {},
});

/** A consumer of kafkajs that remembers what it read. */
export const readInto = (bodies: string[]): Required<Pick<ConsumerRunConfig, 'eachMessage'>> => ({
  eachMessage: ({ message }) => {
    bodies.push(message.value?.toString() ?? '');
    return Promise.resolve();
  },
});

export class BrokerSetup {
  readonly #run = randomBytes(4).toString('hex');
  readonly #admin: Admin = kafkajsAt([realBroker()]).admin();
  readonly #proxies: FaultProxy[] = [];
  readonly #bus = busAt([realBroker()]);
  #topics = 0;

  async start(): Promise<void> {
    await this.#admin.connect();
  }

  async proxy(options: Omit<FaultProxyOptions, 'upstream'>): Promise<FaultProxy> {
    const proxy = await startFaultProxy({ upstream: realBroker(), ...options });
    this.#proxies.push(proxy);
    return proxy;
  }

  async topic(numPartitions: number): Promise<string> {
    const topic = `fault-proxy-${this.#run}-${(this.#topics += 1)}`;
    await createTopics(this.#admin, [{ topic, numPartitions }]);
    return topic;
  }

  /** Past the proxy: `partition/offset body`, in order. */
  async written(topic: string): Promise<string[]> {
    const found: string[] = [];
    const stop = new AbortController();
    const tail = this.#bus.tail({ topics: [topic], fromMs: 0, groupPrefix: topic }, ({ partition, offset, value }) => {
      found.push(`${partition}/${offset} ${value?.toString() ?? ''}`);
    });
    const running = tail.run(stop.signal);
    await Promise.race([tail.caughtUp, running]);
    stop.abort();
    await running;
    return found.sort();
  }

  /** Between tests: proxies do not outlive the test that made them. */
  async closeProxies(): Promise<void> {
    await Promise.all(this.#proxies.splice(0).map((proxy) => proxy.close()));
  }

  async stop(): Promise<void> {
    await this.#bus.close();
    await this.#admin.disconnect();
  }
}
