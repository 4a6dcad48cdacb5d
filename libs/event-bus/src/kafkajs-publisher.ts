/**
 * Publishing on kafkajs.
 *
 * The problem: `send` may resolve although a partition was never written (an answer of another broker survives its
 * retries, and a partition that it does not know is left out in silence), and when one partition fails it rejects for
 * all, and writes the others again. So each partition goes in a request of its own, and only a reply that names the
 * partition counts.
 */
import { PublishError, type OutgoingRecord, type TopicPartition } from './event-bus.ts';
import { busError, type Kafkajs, type Producer, REQUEST_TIMEOUT_MS, RETRY_BRIEFLY } from './kafkajs-client.ts';
import type { Written } from './publishing.ts';

export class KafkajsPublisher {
  readonly #kafka: Kafkajs;
  readonly #metadataMaxAgeMs: number;
  #producer: Producer | undefined;
  #connected: Promise<Producer> | undefined;

  constructor(kafka: Kafkajs, metadataMaxAgeMs: number) {
    this.#kafka = kafka;
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

  async close(): Promise<void> {
    await this.#producer?.disconnect();
  }
}
