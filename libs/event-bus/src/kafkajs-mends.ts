/**
 * Faults of kafkajs 2.2.4 that no option avoids, mended in its classes, once per process and by name: a version in which
 * the methods are gone makes this fail at start, not silently.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import broker from 'kafkajs/src/broker/index.js';
import brokerPool from 'kafkajs/src/cluster/brokerPool.js';
import consumerGroup from 'kafkajs/src/consumer/consumerGroup.js';
import requestQueue from 'kafkajs/src/network/requestQueue/index.js';
import type { TopicPartition } from './event-bus.ts';
import { askForIdsToo } from './kafkajs-topic-ids.ts';
import { mendFetch } from './kafkajs-session-mend.ts';

let isMended = false;

export const mendKafkajs = (): void => {
  if (isMended) return;
  isMended = true;
  mend(requestQueue, 'scheduleCheckPendingRequests', askOnlyWhileSomethingWaits);
  mend(requestQueue, 'scheduleRequestTimeoutCheck', lookForLateAnswersOnceASecond);
  mend(brokerPool, 'removeBroker', keepTheLastBroker);
  mend(broker, 'fetch', waitLongAndEndEarly);
  mend(broker, 'metadata', async (self, original, [topics]) => {
    const answer = original();
    await askForIdsToo(self, answer, topics as readonly string[]);
    return answer;
  });
  mend(consumerGroup, 'recoverFromOffsetOutOfRange', askWhereToGoOn);
  mendFetch(() => reading.getStore() !== undefined);
};

/**
 * Each connection asks itself again and again whether a throttled request may go, and with nothing waiting it asks with
 * a negative delay, which Node turns into 1 ms: a thousand timers a second per connection, and a
 * TimeoutNegativeWarning since Node 24. While something waits, kafkajs computes a positive delay.
 */
const askOnlyWhileSomethingWaits: Mend<RequestQueue> = (queue, original) => {
  if (queue.pending.length > 0) original();
};

/** A late answer is one of more than five seconds: to look for it ten times a second keeps an idle process awake. */
const LOOK_EVERY_MS = 1_000;

const lookForLateAnswersOnceASecond: Mend<RequestQueue> = (queue) => {
  if (!queue.enforceRequestTimeout) return;
  queue.destroy();
  queue.requestTimeoutIntervalId = setInterval(() => {
    for (const request of queue.inflight.values()) {
      if (Date.now() - request.sentAt > request.requestTimeout) request.timeoutRequest();
    }
    if (!queue.isConnected()) queue.destroy();
  }, LOOK_EVERY_MS);
};

/**
 * A broker whose connection broke is forgotten until the next look at the metadata. When it was the only one left, a
 * consumer finds "no broker available" and gives up its membership within a tenth of a second; the group then waits a
 * whole session for the member that is gone. Kept, it is connected to again, and the membership goes on.
 */
const keepTheLastBroker: Mend<BrokerPool> = (pool, original) => {
  if (Object.keys(pool.brokers).length > 1) original();
  else pool.metadataExpireAt = null;
};

/**
 * kafkajs has one time for two things: how long a fetch waits for records, which should be long, for an idle consumer's
 * sake, and how long it sleeps while it has nothing to ask for, which should not. And a consumer stops when its last fetch
 * is answered. So the fetches get a wait of their own, and it can be ended; the loop around it is never torn, for it may
 * be joining.
 */
const waitLongAndEndEarly: Mend<unknown> = async (_broker, original, [request]) => {
  const fetches = reading.getStore();
  if (fetches === undefined) return original();
  const { waitMs: maxWaitTime, end } = fetches;
  const { promise: nothing, resolve } = Promise.withResolvers<unknown>();
  const endEarly = (): void => resolve({ responses: [] });
  if (end.aborted) endEarly();
  end.addEventListener('abort', endEarly, { once: true });
  try {
    return await Promise.race([nothing, original({ ...(request as object), maxWaitTime })]);
  } finally {
    end.removeEventListener('abort', endEarly);
  }
};

/**
 * What is not in the log is answered with a silent commit of the log's beginning, in the name of the group, and with
 * records that the reader takes for repeats of what it has. So the reader is asked.
 */
const askWhereToGoOn: Mend<ConsumerGroup> = async (group, original, [error]) => {
  const fetches = reading.getStore();
  if (fetches === undefined) return original();
  const { topic, partition } = error as TopicPartition;
  const next = BigInt(String(group.offsetManager.nextOffset(topic, partition)));
  const offset = await fetches.onOutOfRange({ topic, partition }, next);
  if (offset !== undefined) group.seek({ topic, partition, offset: String(offset) });
  return undefined;
};

/** Of one consumer. */
export interface Fetches {
  readonly waitMs: number;
  /** Those under way, and later ones, are answered with nothing. */
  readonly end: AbortSignal;
  /** The log does not have `next`. Resolves with where to go on; with undefined where there is no going on. */
  onOutOfRange(at: TopicPartition, next: bigint): Promise<bigint | undefined>;
}

const reading = new AsyncLocalStorage<Fetches>();

/** Runs a consumer whose fetches are these. */
export const withFetches = <T>(fetches: Fetches, run: () => T): T => reading.run(fetches, run);

interface RequestQueue {
  readonly pending: readonly unknown[];
  readonly enforceRequestTimeout: boolean;
  readonly inflight: ReadonlyMap<number, { sentAt: number; requestTimeout: number; timeoutRequest(): void }>;
  requestTimeoutIntervalId: NodeJS.Timeout;
  isConnected(): boolean;
  destroy(): void;
}

interface BrokerPool {
  readonly brokers: Readonly<Record<string, unknown>>;
  metadataExpireAt: number | null;
}

interface ConsumerGroup {
  readonly offsetManager: { nextOffset(topic: string, partition: number): { toString(): string } };
  seek(at: TopicPartition & { offset: string }): void;
}

/** `original` is called with the same arguments, unless others are given. */
type Mend<T> = (self: T, original: (...others: unknown[]) => unknown, args: readonly unknown[]) => unknown;

const mend = <T>(kafkajsClass: unknown, method: string, mended: Mend<T>): void => {
  const { prototype } = kafkajsClass as { prototype: Record<string, unknown> };
  const original = prototype[method];
  if (typeof original !== 'function') throw new Error(`kafkajs has no ${method} any more: see kafkajs-mends.ts`);
  prototype[method] = function (this: T, ...args: unknown[]): unknown {
    return mended(
      this,
      (...others) => Reflect.apply(original, this, others.length > 0 ? others : args) as unknown,
      args,
    );
  };
};
