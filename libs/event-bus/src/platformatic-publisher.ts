/**
 * Publishing on @platformatic/kafka.
 *
 * The problem: it waits for the leader alone unless told otherwise, and it takes the partition number modulo the number
 * of partitions, so that a record for a partition that is not there lands in another one. So all in-sync replicas are
 * asked for with each request, and the partition must be in the metadata before.
 */
import { PublishError, type OutgoingRecord, type TopicPartition } from './event-bus.ts';
import { busError, optionsOf, type PlatformaticConnection, ProduceAcks, Producer } from './platformatic-client.ts';
import type { RecordBatch, Written } from './publishing.ts';

export class PlatformaticPublisher {
  readonly #producer: Producer;

  constructor(connection: PlatformaticConnection, metadataMaxAgeMs: number) {
    this.#producer = new Producer({ ...optionsOf(connection, { metadataMaxAge: metadataMaxAgeMs }), idempotent: false });
  }

  /** Each in a request of its own: when one partition fails, this client does not say what became of the others. */
  write(topic: string, batches: readonly RecordBatch[]): Promise<Written[]> {
    return Promise.all(batches.map(({ partition, records }) => this.#write({ topic, partition }, records)));
  }

  async #write(at: TopicPartition, batch: readonly OutgoingRecord[]): Promise<Written> {
    const { topic, partition } = at;
    try {
      if (!(await this.#isThere(at))) return failed(at, 'the topic has no such partition');
      const { offsets = [] } = await this.#producer.send({
        acks: ProduceAcks.ALL,
        autocreateTopics: false,
        messages: batch.map(({ key, value, headers }) => ({
          topic,
          partition,
          key: Buffer.from(key),
          value,
          headers: new Map(Object.entries(headers).map(([name, text]) => [Buffer.from(name), Buffer.from(text)])),
        })),
      });
      const reply = offsets.find((named) => named.topic === topic && named.partition === partition);
      if (reply !== undefined && reply.offset >= 0n) return { ok: true, base: reply.offset };
      return failed(at, 'the reply does not name the partition');
    } catch (error) {
      const { message, retriable } = busError(`publish to ${topic}/${partition}`, error);
      return { ok: false, error: new PublishError(message, { retriable, cause: error }) };
    }
  }

  /** Looks again before it says no: the topic may have grown since. */
  async #isThere({ topic, partition }: TopicPartition): Promise<boolean> {
    for (const forceUpdate of [false, true]) {
      const { topics } = await this.#producer.metadata({ topics: [topic], forceUpdate, retries: 0 });
      if (topics.get(topic)?.partitions[partition] !== undefined) return true;
    }
    return false;
  }

  close(): Promise<void> {
    return this.#producer.close();
  }
}

const failed = ({ topic, partition }: TopicPartition, reason: string): Written => ({
  ok: false,
  error: new PublishError(`publish to ${topic}/${partition}: ${reason}`, { retriable: true }),
});
