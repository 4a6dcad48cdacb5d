/**
 * The bus in memory, with the promises of the port, for tests: no timers, delivery in microtasks, time from a clock
 * that the test gives. What a broker does to its clients (going away, growing a topic) is a method.
 */
import { type Clock, systemClock } from '@osago/service-kit';
import {
  EventBusError,
  PublishError,
  type EventBus,
  type LogRecord,
  type OutgoingRecord,
  type PublishAnswer,
  type SubscribeOptions,
  type Subscription,
  type SubscriptionHandlers,
  type Tail,
  type TailOptions,
  type TopicPartition,
} from './event-bus.ts';
import { partitionId } from './hand-over.ts';
import { MemoryGroup, MemorySubscription } from './memory-subscription.ts';
import { MemoryTail } from './memory-tail.ts';

/** As a broker's `max.message.bytes`: a larger record can never be written. */
const RECORD_BYTES_MAX = 1_000_000;

export interface MemoryEventBusOptions {
  /** The number of partitions of each topic. */
  readonly topics: Readonly<Record<string, number>>;
  readonly clock?: Clock;
}

/** What the consumers of the memory bus read from. */
export interface MemoryLog {
  readonly clock: Clock;
  readonly isAway: boolean;
  partitionsOf(topics: readonly string[]): TopicPartition[];
  read(partition: TopicPartition, from: bigint): readonly LogRecord[];
  end(partition: TopicPartition): bigint;
  offsetAt(partition: TopicPartition, ms: number): bigint;
}

/** Something that reads when there may be something to read. */
export interface MemoryReader {
  readonly group: string;
  wake(): void;
  rejoin(): void;
}

export class MemoryEventBus implements EventBus, MemoryLog {
  readonly clock: Clock;
  readonly #topics = new Map<string, LogRecord[][]>();
  readonly #groups = new Map<string, MemoryGroup>();
  readonly #readers = new Set<MemoryReader>();
  #refusals: PublishError[] = [];
  #away = false;

  constructor({ topics, clock = systemClock }: MemoryEventBusOptions) {
    this.clock = clock;
    for (const [topic, partitions] of Object.entries(topics)) this.createTopic(topic, partitions);
  }

  publish(records: readonly OutgoingRecord[]): Promise<PublishAnswer[]> {
    const answers = records.map((record) => this.#append(record));
    this.#wake();
    return Promise.resolve(answers);
  }

  #append({ topic, partition, key, value, headers }: OutgoingRecord): PublishAnswer {
    const refusal = this.#away ? gone() : this.#refusals.shift();
    if (refusal) return { ok: false, error: refusal };
    const log = this.#topics.get(topic)?.[partition];
    if (log === undefined) {
      const error = new PublishError(`${topic}/${partition} is not there`, { retriable: true });
      return { ok: false, error };
    }
    if (value.length > RECORD_BYTES_MAX) {
      const error = new PublishError('the record is too large', { retriable: false });
      return { ok: false, error };
    }
    const offset = BigInt(log.length);
    const timestampMs = this.clock.nowMs();
    log.push({ topic, partition, offset, key, value, headers: { ...headers }, timestampMs });
    return { ok: true, offset };
  }

  subscribe(options: SubscribeOptions, handlers: SubscriptionHandlers): Subscription {
    let group = this.#groups.get(options.group);
    if (group === undefined) {
      group = new MemoryGroup(this);
      this.#groups.set(options.group, group);
    }
    return new MemorySubscription({ log: this, group, readers: this.#readers }, options, handlers);
  }

  tail(options: TailOptions, onRecord: (record: LogRecord) => void): Tail {
    return new MemoryTail({ log: this, readers: this.#readers }, options, onRecord);
  }

  async partitions(topic: string): Promise<number> {
    return (await this.endOffsets(topic)).length;
  }

  endOffsets(topic: string): Promise<bigint[]> {
    return this.#ask(topic, (partition) => this.end(partition));
  }

  startOffsets(topic: string): Promise<bigint[]> {
    return this.#ask(topic, () => 0n);
  }

  offsetsAt(topic: string, ms: number): Promise<bigint[]> {
    return this.#ask(topic, (partition) => this.offsetAt(partition, ms));
  }

  #ask(topic: string, answer: (partition: TopicPartition) => bigint): Promise<bigint[]> {
    if (this.#away) return Promise.reject(noAnswer());
    const partitions = this.#topics.get(topic);
    if (partitions === undefined) {
      return Promise.reject(new EventBusError(`topic ${topic} is not there`, { retriable: true }));
    }
    return Promise.resolve(partitions.map((_, partition) => answer({ topic, partition })));
  }

  ping(): Promise<void> {
    return this.#away ? Promise.reject(noAnswer()) : Promise.resolve();
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  // ── What a broker does, and what a test looks at ──────────────────────────────────────────────────────────────────

  /** The broker does not answer, or answers again. */
  setAway(away: boolean): void {
    this.#away = away;
    this.#wake();
  }

  get isAway(): boolean {
    return this.#away;
  }

  /** The next records are refused, one with each error; what follows them is written. */
  refuseNext(...errors: readonly PublishError[]): void {
    this.#refusals.push(...errors);
  }

  createTopic(topic: string, partitions: number): void {
    this.#topics.set(topic, Array.from({ length: partitions }, () => []));
  }

  /** More partitions; readers see them at once. */
  grow(topic: string, partitions: number): void {
    const logs = this.#topics.get(topic);
    if (logs === undefined) throw new Error(`topic ${topic} is not there`);
    while (logs.length < partitions) logs.push([]);
    for (const reader of this.#readers) reader.rejoin();
  }

  /** Deletes the topic and makes it anew: its records are gone, and what groups have committed of it. */
  remake(topic: string, partitions: number): void {
    for (const at of this.partitionsOf([topic])) {
      for (const group of this.#groups.values()) group.committed.delete(partitionId(at));
    }
    this.createTopic(topic, partitions);
    for (const reader of this.#readers) reader.rejoin();
  }

  /** Everything of a topic, partition by partition. */
  records(topic: string): LogRecord[] {
    return (this.#topics.get(topic) ?? []).flat();
  }

  committed(group: string, partition: TopicPartition): bigint | undefined {
    return this.#groups.get(group)?.committed.get(partitionId(partition));
  }

  // ── For the consumers ─────────────────────────────────────────────────────────────────────────────────────────────

  partitionsOf(topics: readonly string[]): TopicPartition[] {
    return topics.flatMap((topic) =>
      (this.#topics.get(topic) ?? []).map((_, partition) => ({ topic, partition })),
    );
  }

  read({ topic, partition }: TopicPartition, from: bigint): readonly LogRecord[] {
    if (this.#away) return [];
    return this.#topics.get(topic)?.[partition]?.slice(Number(from)) ?? [];
  }

  end({ topic, partition }: TopicPartition): bigint {
    return BigInt(this.#topics.get(topic)?.[partition]?.length ?? 0);
  }

  offsetAt({ topic, partition }: TopicPartition, ms: number): bigint {
    const log = this.#topics.get(topic)?.[partition] ?? [];
    const at = log.findIndex((record) => record.timestampMs >= ms);
    return BigInt(at < 0 ? log.length : at);
  }

  #wake(): void {
    queueMicrotask(() => {
      for (const reader of this.#readers) reader.wake();
    });
  }
}

const gone = (): PublishError => new PublishError('the broker is away', { retriable: true });
const noAnswer = (): EventBusError => new EventBusError('the broker is away', { retriable: true });
