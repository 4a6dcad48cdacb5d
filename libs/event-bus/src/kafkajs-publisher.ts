/**
 * Publishing on kafkajs.
 *
 * The problem: `send` may resolve although a partition was never written (an answer of another broker survives its
 * retries, and a partition that it does not know is left out in silence). So only a reply that names the partition, with
 * no error, counts. The batches of a call share a request; what that leaves open goes once more, each partition in a
 * request of its own: then kafkajs looks for its new leader, and the error is its own.
 *
 * When connections close while leaders move, a producer may hold a broker under the number of another; from then on it
 * sends nothing for some partitions and says so by an empty reply. So a producer that leaves a single partition out is
 * not used again.
 */
import type { Log } from '@osago/service-kit';
import protocolErrors from 'kafkajs/src/protocol/error.js';
import { PublishError, type TopicPartition } from './event-bus.ts';
import { busError, type Kafkajs, type Producer, REQUEST_TIMEOUT_MS, RETRY_BRIEFLY } from './kafkajs-client.ts';
import { PortMessage } from './kafkajs-publisher-encoding.ts';
import { mendProduce } from './kafkajs-publisher-mend.ts';
import type { RecordBatch, Written } from './publishing.ts';

type RecordMetadata = Awaited<ReturnType<Producer['send']>>[number];

export class KafkajsPublisher {
  readonly #kafka: Kafkajs;
  readonly #metadataMaxAgeMs: number;
  readonly #log: Log;
  #producer: Producer | undefined;
  #connected: Promise<Producer> | undefined;
  /** How many sends are under way on each producer. */
  readonly #sending = new Map<Producer, number>();

  constructor({ kafka, log }: { kafka: Kafkajs; log: Log }, { metadataMaxAgeMs }: { metadataMaxAgeMs: number }) {
    mendProduce();
    this.#kafka = kafka;
    this.#log = log;
    this.#metadataMaxAgeMs = metadataMaxAgeMs;
  }

  async write(topic: string, batches: readonly RecordBatch[]): Promise<Written[]> {
    const together = batches.length > 1 ? await this.#writeTogether(topic, batches) : [];
    return Promise.all(batches.map(async (batch, at) => together[at] ?? (await this.#writeAlone(topic, batch))));
  }

  /** Undefined for what is not known to be written, and may be by a request of its own. */
  async #writeTogether(topic: string, batches: readonly RecordBatch[]): Promise<(Written | undefined)[]> {
    try {
      const replies = await this.#send(await this.#connect(), topic, batches);
      return batches.map(({ partition }) => writtenIn(replies, { topic, partition }));
    } catch (error) {
      const { message, retriable } = busError(`publish to ${topic}`, error);
      // One of them may be at fault for all; a broker that is away is so for each.
      if (!retriable) return [];
      return batches.map(() => ({ ok: false, error: new PublishError(message, { retriable, cause: error }) }));
    }
  }

  async #writeAlone(topic: string, batch: RecordBatch): Promise<Written> {
    const { partition } = batch;
    try {
      const producer = await this.#connect();
      const written = writtenIn(await this.#send(producer, topic, [batch]), { topic, partition });
      if (written !== undefined) return written;
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

  async #send(producer: Producer, topic: string, batches: readonly RecordBatch[]): Promise<RecordMetadata[]> {
    this.#sending.set(producer, (this.#sending.get(producer) ?? 0) + 1);
    try {
      return await producer.send({
        topic,
        acks: -1,
        timeout: REQUEST_TIMEOUT_MS,
        messages: batches.flatMap(({ records }) => records.map((record) => new PortMessage(record, batches.length > 1))),
      });
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

/** Undefined when the reply does not name the partition, or with an error that another request may not meet. */
const writtenIn = (replies: readonly RecordMetadata[], { topic, partition }: TopicPartition): Written | undefined => {
  const reply = replies.find((named) => named.partition === partition);
  if (reply === undefined) return undefined;
  const { errorCode, baseOffset } = reply;
  if (errorCode === 0) return baseOffset === undefined ? undefined : { ok: true, base: BigInt(baseOffset) };
  const { message, retriable, cause } = busError(`publish to ${topic}/${partition}`, protocolErrors.createErrorFromCode(errorCode));
  return retriable ? undefined : { ok: false, error: new PublishError(message, { retriable, cause }) };
};
