/**
 * Publishing on kafkajs.
 *
 * The problem: `send` may resolve although a partition was never written (an answer of another broker survives its
 * retries, and a partition that it does not know is left out in silence), and when one partition fails it rejects for
 * all, and writes the others again. So each partition goes in a request of its own, and only a reply that names the
 * partition counts.
 *
 * When connections close while leaders move, a producer may hold a broker under the number of another; from then on it
 * sends nothing for some partitions and says so by an empty reply. So a producer that leaves the partition out is not
 * used again.
 */
import type { Log } from '@osago/service-kit';
import { PublishError, type OutgoingRecord, type TopicPartition } from './event-bus.ts';
import { busError, type Kafkajs, type Producer, REQUEST_TIMEOUT_MS, RETRY_BRIEFLY } from './kafkajs-client.ts';
import type { Written } from './publishing.ts';

export class KafkajsPublisher {
  readonly #kafka: Kafkajs;
  readonly #metadataMaxAgeMs: number;
  readonly #log: Log;
  #producer: Producer | undefined;
  #connected: Promise<Producer> | undefined;
  /** How many sends are under way on each producer. */
  readonly #sending = new Map<Producer, number>();

  constructor({ kafka, log }: { kafka: Kafkajs; log: Log }, { metadataMaxAgeMs }: { metadataMaxAgeMs: number }) {
    this.#kafka = kafka;
    this.#log = log;
    this.#metadataMaxAgeMs = metadataMaxAgeMs;
  }

  async write(at: TopicPartition, batch: readonly OutgoingRecord[]): Promise<Written> {
    const { topic, partition } = at;
    try {
      const producer = await this.#connect();
      const base = await this.#send(producer, at, batch);
      if (base !== undefined) return { ok: true, base };
      // Not used again; what others still send on it ends first.
      if (this.#producer === producer) this.#producer = this.#connected = undefined;
      this.#letGoWhenIdle(producer);
      const message = `publish to ${topic}/${partition}: the reply does not name the partition`;
      return { ok: false, error: new PublishError(message, { retriable: true }) };
    } catch (error) {
      const { message, retriable } = busError(`publish to ${topic}/${partition}`, error);
      return { ok: false, error: new PublishError(message, { retriable, cause: error }) };
    }
  }

  /** The offset of the first record; undefined when the reply does not name the partition. */
  async #send(
    producer: Producer,
    { topic, partition }: TopicPartition,
    batch: readonly OutgoingRecord[],
  ): Promise<bigint | undefined> {
    this.#sending.set(producer, (this.#sending.get(producer) ?? 0) + 1);
    try {
      const replies = await producer.send({
        topic,
        acks: -1,
        timeout: REQUEST_TIMEOUT_MS,
        messages: batch.map(({ key, value, headers }) => ({ partition, key, value, headers: { ...headers } })),
      });
      const reply = replies.find((named) => named.topicName === topic && named.partition === partition);
      return reply?.errorCode === 0 && reply.baseOffset !== undefined ? BigInt(reply.baseOffset) : undefined;
    } finally {
      this.#sending.set(producer, (this.#sending.get(producer) ?? 1) - 1);
      if (producer !== this.#producer) this.#letGoWhenIdle(producer);
    }
  }

  #connect(): Promise<Producer> {
    this.#producer ??= this.#kafka.producer({
      // The partition is chosen once, by the one who made the request.
      createPartitioner: () => ({ message }) => message.partition ?? 0,
      allowAutoTopicCreation: false,
      metadataMaxAge: this.#metadataMaxAgeMs,
      retry: RETRY_BRIEFLY,
    });
    const producer = this.#producer;
    this.#connected ??= producer.connect().then(
      () => producer,
      (error: unknown) => {
        this.#connected = undefined;
        throw error;
      },
    );
    return this.#connected;
  }

  #letGoWhenIdle(producer: Producer): void {
    if (this.#sending.get(producer) !== 0) return;
    this.#sending.delete(producer);
    producer.disconnect().catch((error: unknown) => {
      this.#log.debug({ error }, 'a producer that is not used any more did not disconnect');
    });
  }

  async close(): Promise<void> {
    await this.#producer?.disconnect();
  }
}
