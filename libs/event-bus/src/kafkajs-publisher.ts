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

  constructor({ kafka, log }: { kafka: Kafkajs; log: Log }, { metadataMaxAgeMs }: { metadataMaxAgeMs: number }) {
    this.#kafka = kafka;
    this.#log = log;
    this.#metadataMaxAgeMs = metadataMaxAgeMs;
  }

  async write({ topic, partition }: TopicPartition, batch: readonly OutgoingRecord[]): Promise<Written> {
    try {
      const producer = await this.#connect();
      const replies = await producer.send({
        topic,
        acks: -1,
        timeout: REQUEST_TIMEOUT_MS,
        messages: batch.map(({ key, value, headers }) => ({ partition, key, value, headers: { ...headers } })),
      });
      const reply = replies.find((named) => named.topicName === topic && named.partition === partition);
      if (reply?.errorCode === 0 && reply.baseOffset !== undefined) {
        return { ok: true, base: BigInt(reply.baseOffset) };
      }
      this.#drop(producer);
      const message = `publish to ${topic}/${partition}: the reply does not name the partition`;
      return { ok: false, error: new PublishError(message, { retriable: true }) };
    } catch (error) {
      const { message, retriable } = busError(`publish to ${topic}/${partition}`, error);
      return { ok: false, error: new PublishError(message, { retriable, cause: error }) };
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

  /** What is still in flight on it fails and is published again: at least once, as ever. */
  #drop(producer: Producer): void {
    if (this.#producer !== producer) return;
    this.#producer = undefined;
    this.#connected = undefined;
    producer.disconnect().catch((error: unknown) => {
      this.#log.debug({ error }, 'a dropped producer did not disconnect');
    });
  }

  async close(): Promise<void> {
    await this.#producer?.disconnect();
  }
}
