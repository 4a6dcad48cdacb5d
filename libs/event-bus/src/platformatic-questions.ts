/** What the bus asks a broker beside records, on @platformatic/kafka. */
import type { Questions } from './client-event-bus.ts';
import {
  busError,
  type Consumer,
  createReader,
  FetchIsolationLevels,
  ListOffsetTimestamps,
  type PlatformaticConnection,
} from './platformatic-client.ts';

export class PlatformaticQuestions implements Questions {
  readonly #reader: Consumer;

  constructor(connection: PlatformaticConnection) {
    // An answer is about now: nothing of an older one is kept.
    this.#reader = createReader(connection, [], { metadataMaxAge: 0 });
  }

  partitions(topic: string): Promise<number> {
    return this.#ask(`partitions of ${topic}`, async () => {
      const { topics } = await this.#reader.metadata({ topics: [topic], forceUpdate: true });
      return topics.get(topic)?.partitionsCount ?? 0;
    });
  }

  endOffsets(topic: string): Promise<bigint[]> {
    return this.#offsets(topic, ListOffsetTimestamps.LATEST);
  }

  startOffsets(topic: string): Promise<bigint[]> {
    return this.#offsets(topic, ListOffsetTimestamps.EARLIEST);
  }

  /** The broker answers −1 where there is no such record. */
  async offsetsAt(topic: string, ms: number): Promise<bigint[]> {
    const found = await this.#offsets(topic, BigInt(ms));
    if (found.every((offset) => offset >= 0n)) return found;
    const ends = await this.endOffsets(topic);
    return found.map((offset, partition) => (offset >= 0n ? offset : (ends[partition] ?? 0n)));
  }

  #offsets(topic: string, timestamp: bigint): Promise<bigint[]> {
    const isolationLevel = FetchIsolationLevels.READ_UNCOMMITTED;
    return this.#ask(`offsets of ${topic}`, async () => {
      const offsets = await this.#reader.listOffsets({ topics: [topic], timestamp, isolationLevel });
      return [...(offsets.get(topic) ?? [])];
    });
  }

  async greet(): Promise<void> {
    await this.#ask('ping', () => this.#reader.metadata({ topics: [], forceUpdate: true }));
  }

  async #ask<T>(doing: string, question: () => Promise<T>): Promise<T> {
    try {
      return await question();
    } catch (error) {
      throw busError(doing, error);
    }
  }

  close(): Promise<void> {
    return this.#reader.close();
  }
}
