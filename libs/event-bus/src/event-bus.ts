/**
 * The log as the platform sees it: topics with numbered partitions, records with offsets. Delivery is at least once and
 * in order per partition. What a record means is its reader's business: values are bytes here.
 */
import type { Closeable, Service } from '@osago/service-kit';

export interface TopicPartition {
  readonly topic: string;
  readonly partition: number;
}

export interface OutgoingRecord extends TopicPartition {
  readonly key: string;
  readonly value: Buffer;
  readonly headers: Readonly<Record<string, string>>;
}

export interface LogRecord extends TopicPartition {
  readonly offset: bigint;
  readonly key: string;
  readonly value: Buffer | null;
  readonly headers: Readonly<Record<string, string>>;
  /** When the broker wrote it. */
  readonly timestampMs: number;
}

/** The broker could not be asked, or refused. `retriable`: the same call may succeed later. */
export class EventBusError extends Error {
  override readonly name: string = 'EventBusError';
  readonly retriable: boolean;

  constructor(message: string, options: { retriable: boolean; cause?: unknown }) {
    super(message, options);
    this.retriable = options.retriable;
  }
}

/** A record is not known to be written. It may be there all the same: publish it again under the same id. */
export class PublishError extends EventBusError {
  override readonly name = 'PublishError';
}

export type PublishAnswer =
  | { readonly ok: true; readonly offset: bigint }
  | { readonly ok: false; readonly error: PublishError };

export interface SubscribeOptions {
  readonly group: string;
  readonly topics: readonly string[];
  /** No more than this many records are handed over and not done; the rest stays in the log. */
  readonly inFlightMax: number;
  /** A member that is silent for so long loses its partitions. Default 10 s: the work of a killed pod moves by then. */
  readonly sessionTimeoutMs?: number;
}

export interface SubscriptionHandlers {
  /** Returns at once; the work goes on elsewhere and ends with {@link Subscription.done}. If it throws, `run` rejects. */
  onRecord(record: LogRecord): void;
  /** Partitions gained. Those that stayed are in neither call. `generation` grows with every join of this member. */
  onAssigned?(partitions: readonly TopicPartition[], generation: number): void;
  /** Partitions lost: `done` of their records is ignored from now on, another member will get what is not done. */
  onRevoked?(partitions: readonly TopicPartition[], generation: number): void;
}

export interface SubscriptionHealth {
  readonly phase: 'joining' | 'live' | 'stopped';
  readonly assigned: readonly TopicPartition[];
  /** Handed over and not done. */
  readonly unfinished: number;
  /** At the bound: nothing is read until something is done. */
  readonly full: boolean;
  /**
   * When the broker last answered this member, both to its heartbeats and, while it may read, to its requests for
   * records: the older of the two. More than some seconds ago means that it is dead. 0 before the first time.
   */
  readonly lastHeardAtMs: number;
}

/**
 * One member of a consumer group. `run` resolves after its signal aborted and the last commit is made; it waits for an
 * absent broker as long as it takes, and rejects on what waiting cannot heal.
 */
export interface Subscription extends Service {
  /** The record needs no redelivery. In any order; once. A record of a lost partition is ignored. */
  done(record: LogRecord): void;
  health(): SubscriptionHealth;
}

export interface TailOptions {
  readonly topics: readonly string[];
  /** The first record of each partition is the earliest one written at this moment or later; 0 reads all. */
  readonly fromMs: number;
  /** Names the reader to the broker; each incarnation adds its own suffix. */
  readonly groupPrefix: string;
}

export interface TailPosition extends TopicPartition {
  /** The offset that is read next. */
  readonly next: bigint;
  /** The end of the partition when the tail started; 0 for a partition that came later. */
  readonly goal: bigint;
}

export interface TailHealth {
  readonly phase: 'catching-up' | 'live' | 'stopped';
  /** When the broker last answered a request for records; 0 before the first time. */
  readonly lastFetchAtMs: number;
}

/** Every partition of some topics, read by this process alone. Nothing is committed. `run` as in {@link Subscription}. */
export interface Tail extends Service {
  /**
   * Every partition has reached the end that it had at the start; an empty one has at once. Stays pending when `run`
   * ends before.
   */
  readonly caughtUp: Promise<void>;
  /** Empty until the start offsets are known. */
  positions(): readonly TailPosition[];
  health(): TailHealth;
}

export interface EventBus extends Closeable {
  /**
   * One answer per record, in order; `ok` means that all in-sync replicas have it. Never rejects, and takes a bounded
   * time. Records of one partition in one call are written in order: after one that may succeed later, none of the
   * following is tried. Calls in flight together may overtake each other.
   */
  publish(records: readonly OutgoingRecord[]): Promise<PublishAnswer[]>;

  /**
   * Hands over the records of the partitions that the group gives to this member. The lowest record of a partition that
   * is not done is committed, at the latest a second later and when the partition goes; a later member starts there,
   * the first one at the beginning. A record of a partition that stays is not handed over twice.
   */
  subscribe(options: SubscribeOptions, handlers: SubscriptionHandlers): Subscription;

  /**
   * Calls `onRecord` for each record once, in order per partition; partitions that are added later are read from their
   * beginning within 30 s. If it throws, `run` rejects; so it does, within 10 s, when a topic was deleted and made anew.
   */
  tail(options: TailOptions, onRecord: (record: LogRecord) => void): Tail;

  /** How many partitions the topic has. Rejects with {@link EventBusError}, as all below. */
  partitions(topic: string): Promise<number>;
  /** Per partition, the offset that the next record gets. */
  endOffsets(topic: string): Promise<bigint[]>;
  /** Per partition, the offset of the earliest record that is still there. */
  startOffsets(topic: string): Promise<bigint[]>;
  /** Per partition, the offset of the earliest record written at `ms` or later; the end where there is none. */
  offsetsAt(topic: string, ms: number): Promise<bigint[]>;
  /** Resolves if the broker answers within five seconds. */
  ping(): Promise<void>;
  /** Ends what `publish` and the questions use. Subscriptions and tails end by their own signals, before. */
  close(): Promise<void>;
}
