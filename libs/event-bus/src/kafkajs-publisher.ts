/**
 * Publishing on kafkajs.
 *
 * The problem: `send` may resolve although a partition was never written (an answer of another broker survives its
 * retries, and a partition that it does not know is left out in silence), and when one partition fails it rejects for
 * all, and writes the others again. So each partition goes in a request of its own, and only a reply that names the
 * partition counts.
 */
import { PublishError, type OutgoingRecord, type PublishAnswer, type TopicPartition } from './event-bus.ts';
import { partitionId } from './hand-over.ts';
import { busError, type Kafkajs, type Producer, REQUEST_TIMEOUT_MS, RETRY_BRIEFLY } from './kafkajs-client.ts';

/** kafkajs makes one batch of a request, and a broker refuses batches over 1 MB: half of it leaves room for estimates. */
const BATCH_BYTES_MAX = 500_000;
/** More than the frame of a record takes. */
const FRAME_BYTES = 100;

interface Numbered {
  readonly record: OutgoingRecord;
  readonly at: number;
}

type Written = { ok: true; base: bigint } | { ok: false; error: PublishError };

export class KafkajsPublisher {
  readonly #kafka: Kafkajs;
  readonly #metadataMaxAgeMs: number;
  #producer: Producer | undefined;
  #connected: Promise<Producer> | undefined;

  constructor(kafka: Kafkajs, metadataMaxAgeMs: number) {
    this.#kafka = kafka;
    this.#metadataMaxAgeMs = metadataMaxAgeMs;
  }

  async publish(records: readonly OutgoingRecord[]): Promise<PublishAnswer[]> {
    const byPartition = Map.groupBy(
      records.map((record, at) => ({ record, at })),
      ({ record }) => partitionId(record),
    );
    const answers: PublishAnswer[] = [];
    const writes = [...byPartition.values()].map(async (group) => {
      const [first] = group;
      if (first) await this.#writeInOrder(first.record, group, answers);
    });
    await Promise.all(writes);
    return answers;
  }

  async #writeInOrder(
    partition: TopicPartition,
    group: readonly Numbered[],
    answers: PublishAnswer[],
  ): Promise<void> {
    let stopped: PublishError | undefined;
    for (const batch of batches(group)) {
      const written: Written = stopped ? { ok: false, error: stopped } : await this.#write(partition, batch);
      if (!written.ok && written.error.retriable) stopped = written.error;
      batch.forEach(({ at }, index) => {
        answers[at] = written.ok ? { ok: true, offset: written.base + BigInt(index) } : written;
      });
    }
  }

  async #write({ topic, partition }: TopicPartition, batch: readonly Numbered[]): Promise<Written> {
    try {
      const producer = await this.#connect();
      const replies = await producer.send({
        topic,
        acks: -1,
        timeout: REQUEST_TIMEOUT_MS,
        messages: batch.map(({ record: { key, value, headers } }) => ({ partition, key, value, headers: { ...headers } })),
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

const bytesOf = ({ record: { key, value, headers } }: Numbered): number =>
  Object.entries(headers).reduce(
    (bytes, [name, content]) => bytes + name.length + content.length,
    FRAME_BYTES + 3 * key.length + value.length,
  );

/** In order; a record that is larger than a batch goes alone, so that its refusal is its own. */
const batches = (group: readonly Numbered[]): Numbered[][] => {
  const all: Numbered[][] = [];
  let bytes = Infinity;
  for (const numbered of group) {
    const size = bytesOf(numbered);
    if (bytes + size > BATCH_BYTES_MAX) {
      all.push([]);
      bytes = 0;
    }
    all.at(-1)?.push(numbered);
    bytes += size;
  }
  return all;
};
