/** The bus on a Kafka client: what does not depend on which one it is. */
import type { Clock, Log } from '@osago/service-kit';
import { EventBusError, type EventBus } from './event-bus.ts';
import type { ConsumerSession, SessionHandlers, SessionOptions } from './consumer-session.ts';
import { GroupSubscription } from './group-subscription.ts';
import { LogTail } from './log-tail.ts';
import { publishInOrder, type WriteBatches } from './publishing.ts';

/** What a bus asks a broker beside records. All reject with {@link EventBusError}. */
export interface Questions {
  partitions(topic: string): Promise<number>;
  endOffsets(topic: string): Promise<bigint[]>;
  startOffsets(topic: string): Promise<bigint[]>;
  offsetsAt(topic: string, ms: number): Promise<bigint[]>;
  /**
   * Of each topic that is there its id, which no other of the same name has; of a broker that does not say, of none. A
   * client that names the id with each fetch has no need of it.
   */
  topicIds?(topics: readonly string[]): Promise<ReadonlyMap<string, string>>;
  /** Resolves if the broker answers. */
  greet(): Promise<void>;
}

/** One of the two clients. */
export interface BusClient {
  readonly write: WriteBatches;
  readonly questions: Questions;
  openGroup(options: SessionOptions, handlers: SessionHandlers): ConsumerSession;
  /** Reads every partition, alone, from where `onJoined` says; commits nothing. */
  openTail(options: SessionOptions, handlers: SessionHandlers): ConsumerSession;
  /** Deletes what tails left behind on the broker; a client that leaves nothing has none. */
  deleteEmptyGroups?(prefix: string): Promise<void>;
  close(): Promise<void>;
}

const PING_TIMEOUT_MS = 5_000;

export const busOf = (client: BusClient, { log, clock }: { log: Log; clock: Clock }): EventBus => {
  const { questions, write } = client;
  const ping = (): Promise<void> => within(PING_TIMEOUT_MS, questions.greet());
  const parts = { client, ping, log, clock };
  return {
    publish: (records) => publishInOrder(records, write),
    subscribe: (options, handlers) => new GroupSubscription(parts, options, handlers),
    tail: (options, onRecord) => new LogTail(parts, options, onRecord),
    partitions: (topic) => questions.partitions(topic),
    endOffsets: (topic) => questions.endOffsets(topic),
    startOffsets: (topic) => questions.startOffsets(topic),
    offsetsAt: (topic, ms) => questions.offsetsAt(topic, ms),
    ping,
    close: () => client.close(),
  };
};

const within = async <T>(ms: number, answer: Promise<T>): Promise<T> => {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new EventBusError('the broker does not answer', { retriable: true })), ms);
  try {
    return await Promise.race([late, answer]);
  } finally {
    clearTimeout(timer);
  }
};
