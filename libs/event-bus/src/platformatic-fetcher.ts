/**
 * Reads partitions from where it is told to, one request at a time for each broker, as long as it lives. A partition
 * that fails holds up no other; what waiting may heal is tried again for ever, at the same place.
 */
import { type Log, pause } from '@osago/service-kit';
import { EventBusError, type LogRecord, type TopicPartition } from './event-bus.ts';
import { type Commit, partitionId } from './hand-over.ts';
import {
  answerIn,
  busError,
  type Consumer,
  FetchIsolationLevels,
  type FetchResponse,
  OFFSET_OUT_OF_RANGE,
  recordsOf,
} from './platformatic-client.ts';

export interface FetchHandlers {
  onRecords(records: readonly LogRecord[]): void;
  onReached(partition: TopicPartition, next: bigint): void;
  /** The broker gave what was asked for, be it nothing. */
  onFetched(): void;
  /** Every partition of every topic; when it is known and each time that there are more. */
  onPartitions(all: readonly TopicPartition[]): void;
  /** The log does not have what is read next. Resolves with where to go on; rejects where there is no going on. */
  onOutOfRange(partition: TopicPartition, next: bigint): Promise<bigint>;
}

interface Position extends TopicPartition {
  next: bigint;
}

/** An empty answer comes after this time; a change of what is read waits for it. */
const FETCH_WAIT_MS = 500;
/** About a thousand of our records of a partition, so that no answer holds the loop for more than some milliseconds. */
const PARTITION_BYTES_MAX = 1_048_576;
const FETCH_BYTES_MAX = 8_388_608;
const RETRY_MS = 100;
/** A broker that is back is noticed within a second. */
const RETRY_MS_MAX = 1_000;

export class PlatformaticFetcher {
  readonly #reader: Consumer;
  readonly #topics: readonly string[];
  readonly #handlers: FetchHandlers;
  readonly #log: Log;
  readonly #asking = new Set<number>();
  #positions = new Map<string, Position>();
  readonly #ids = new Map<string, string>();
  #partitions = 0;
  #paused = false;
  #failures = 0;
  #failure: EventBusError | undefined;
  #wake: () => void = () => undefined;

  constructor(reader: Consumer, topics: readonly string[], handlers: FetchHandlers, log: Log) {
    this.#reader = reader;
    this.#topics = topics;
    this.#handlers = handlers;
    this.#log = log;
  }

  /** Reads these and no others; an answer to an earlier question is thrown away. */
  read(positions: readonly Commit[]): void {
    this.#positions = new Map(
      positions.map(({ topic, partition, offset }) => [partitionId({ topic, partition }), { topic, partition, next: offset }]),
    );
    this.look();
  }

  setPaused(paused: boolean): void {
    this.#paused = paused;
    this.look();
  }

  /** Looks now whether there is anything to do, new partitions included. */
  look(): void {
    this.#wake();
  }

  /** Ends when `signal` aborts; rejects on what waiting cannot heal. */
  async run(signal: AbortSignal): Promise<void> {
    signal.addEventListener('abort', () => this.look(), { once: true });
    while (!signal.aborted) {
      const { promise: woken, resolve } = Promise.withResolvers<undefined>();
      this.#wake = () => resolve(undefined);
      try {
        await this.#askAll(signal);
        await woken;
      } catch (error) {
        await this.#failed(error, signal);
      }
      if (this.#failure !== undefined) throw this.#failure;
    }
  }

  async #askAll(signal: AbortSignal): Promise<void> {
    const { topics } = await this.#reader.metadata({ topics: [...this.#topics] });
    if (signal.aborted) return;
    this.#expectTheSame(topics);
    const all = this.#topics.flatMap((topic) =>
      Array.from({ length: topics.get(topic)?.partitionsCount ?? 0 }, (_, partition) => ({ topic, partition })),
    );
    if (all.length !== this.#partitions) {
      this.#partitions = all.length;
      this.#handlers.onPartitions(all);
    }
    if (this.#paused) return;
    const leaderOf = ({ topic, partition }: Position): number => topics.get(topic)?.partitions[partition]?.leader ?? -1;
    for (const [node, positions] of Map.groupBy(this.#positions.values(), leaderOf)) {
      if (node < 0 || this.#asking.has(node)) continue;
      const wanted = positions.map((position) => ({ position, topicId: topics.get(position.topic)?.id ?? '' }));
      this.#asking.add(node);
      void this.#ask(node, wanted, signal);
    }
  }

  /** A topic of the same name with another id is another log: what was read says nothing about it. */
  #expectTheSame(topics: ReadonlyMap<string, { readonly id: string }>): void {
    for (const [topic, { id }] of topics) {
      const known = this.#ids.get(topic) ?? id;
      if (known !== id) throw new EventBusError(`${topic} was deleted and made anew`, { retriable: false });
      this.#ids.set(topic, id);
    }
  }

  /** Never rejects. */
  async #ask(node: number, wanted: readonly Wanted[], signal: AbortSignal): Promise<void> {
    try {
      await this.#fetch(node, wanted, signal);
      this.#failures = 0;
    } catch (error) {
      if (!signal.aborted) await this.#failed(error, signal);
    } finally {
      this.#asking.delete(node);
      this.look();
    }
  }

  async #fetch(node: number, wanted: readonly Wanted[], signal: AbortSignal): Promise<void> {
    const asked = wanted.map(({ position }) => position.next);
    let refusal: unknown;
    let answer: FetchResponse | undefined;
    try {
      answer = await this.#reader.fetch(requestOf(node, wanted));
    } catch (error) {
      refusal = error;
      answer = answerIn(error);
    }
    if (signal.aborted) return;
    if (answer === undefined) throw refusal;
    let faults = answer.errorCode === 0 ? 0 : 1;
    for (const { topicId, partitions } of answer.responses) {
      for (const part of partitions) {
        const at = wanted.findIndex(({ position, topicId: id }) => id === topicId && position.partition === part.partitionIndex);
        const position = wanted[at]?.position;
        const isCurrent = position !== undefined && this.#positions.get(partitionId(position)) === position;
        if (!isCurrent || position.next !== asked[at]) continue;
        if (part.errorCode === OFFSET_OUT_OF_RANGE) await this.#beginAgain(position);
        else if (part.errorCode !== 0) faults += 1;
        else this.#take(position, part.records ?? []);
      }
    }
    if (faults > 0) throw refusal;
    this.#handlers.onFetched();
  }

  #take(position: Position, batches: NonNullable<FetchResponse['responses'][0]['partitions'][0]['records']>): void {
    const last = batches.at(-1);
    if (last === undefined) return;
    const records = recordsOf(position, batches, position.next);
    position.next = last.firstOffset + BigInt(last.lastOffsetDelta) + 1n;
    if (records.length > 0) this.#handlers.onRecords(records);
    this.#handlers.onReached(position, position.next);
  }

  async #beginAgain(position: Position): Promise<void> {
    const { topic, partition, next } = position;
    position.next = await this.#handlers.onOutOfRange({ topic, partition }, next);
  }

  /** Waits before the next try, or remembers that there is none. */
  async #failed(thrown: unknown, signal: AbortSignal): Promise<void> {
    const error = busError('read', thrown);
    if (!error.retriable) {
      this.#failure = error;
      this.look();
      return;
    }
    this.#failures += 1;
    const delayMs = Math.min(RETRY_MS * 2 ** (this.#failures - 1), RETRY_MS_MAX);
    this.#log.debug({ delay_ms: delayMs, error }, 'could not read');
    this.#reader.clearMetadata();
    await pause(delayMs, signal);
  }
}

interface Wanted {
  readonly position: Position;
  readonly topicId: string;
}

const requestOf = (node: number, wanted: readonly Wanted[]): Parameters<Consumer['fetch']>[0] => ({
  node,
  minBytes: 1,
  maxBytes: FETCH_BYTES_MAX,
  maxWaitTime: FETCH_WAIT_MS,
  isolationLevel: FetchIsolationLevels.READ_COMMITTED,
  topics: [...Map.groupBy(wanted, ({ topicId }) => topicId)].map(([topicId, parts]) => ({
    topicId,
    partitions: parts.map(({ position: { partition, next } }) => ({
      partition,
      fetchOffset: next,
      partitionMaxBytes: PARTITION_BYTES_MAX,
      currentLeaderEpoch: -1,
      lastFetchedEpoch: -1,
    })),
  })),
});
