/**
 * The door to @platformatic/kafka: how its clients are set up, what its errors mean. No other file imports it, so no
 * error of it leaves this folder. Its streams are not used: they end when a retry fails, hide which answer they wait
 * for, and read ahead into partitions that are gone; its requests are.
 */
import {
  Admin,
  type BaseOptions,
  Consumer,
  FetchIsolationLevels,
  GenericError,
  kGetApi,
  ListOffsetTimestamps,
  type offsetCommitV9,
  ProduceAcks,
  Producer,
  type RecordsBatch,
} from '@platformatic/kafka';
import { EventBusError, type LogRecord, type TopicPartition } from './event-bus.ts';
import type { Commit } from './hand-over.ts';

export { Admin, Consumer, FetchIsolationLevels, ListOffsetTimestamps, ProduceAcks, Producer };
export type { RecordsBatch };
export type FetchResponse = Awaited<ReturnType<Consumer['fetch']>>;

export interface PlatformaticConnection {
  readonly brokers: readonly string[];
  /** Names this process in the broker's logs and quotas. */
  readonly clientId: string;
  readonly tls?: boolean;
  readonly sasl?: { readonly username: string; readonly password: string };
}

/** A broker in the same place answers in milliseconds; 3 s is a lost one, and the next of the list is tried. */
const CONNECT_TIMEOUT_MS = 3_000;
/** The leader waits for all in-sync replicas; 5 s is far above a healthy cluster and below a person's patience. */
export const REQUEST_TIMEOUT_MS = 5_000;
/** A connection answers in the order of the requests: more at once wait in the broker, not here. */
const REQUESTS_IN_FLIGHT_MAX = 100;
const RETRY_MS = 100;

/** Quick and few: whoever calls the bus waits and tries again on its own terms. */
const RETRIES = 2;

export type ClientOptions = Pick<BaseOptions, 'metadataMaxAge' | 'requestTimeout' | 'retries'>;

export const optionsOf = (
  { brokers, clientId, tls, sasl }: PlatformaticConnection,
  options: ClientOptions = {},
): BaseOptions => ({
  clientId,
  bootstrapBrokers: [...brokers],
  ...(tls === true && { tls: {} }),
  ...(sasl && { sasl: { mechanism: 'SCRAM-SHA-512', ...sasl } }),
  connectTimeout: CONNECT_TIMEOUT_MS,
  requestTimeout: REQUEST_TIMEOUT_MS,
  timeout: REQUEST_TIMEOUT_MS,
  maxInflights: REQUESTS_IN_FLIGHT_MAX,
  retries: RETRIES,
  retryDelay: (_client, _operation, attempt) => RETRY_MS * 2 ** Math.min(attempt - 1, 3),
  autocreateTopics: false,
  ...options,
});

/** It asks and reads, and never joins: the library wants the name of a group all the same. */
export const createReader = (connection: PlatformaticConnection, topics: readonly string[], options?: ClientOptions): Consumer => {
  const reader = new Consumer({ ...optionsOf(connection, options), groupId: `${connection.clientId}-reader` });
  reader.on('error', () => undefined);
  reader.topics.trackAll(...topics);
  return reader;
};

/**
 * Commits under a generation and nothing else. The library's own `commit` joins anew when the group has moved on and
 * then commits the same offsets as a member of the new generation, over those of the partition's new owner
 * (2.12.1, clients/consumer/consumer.js, `#commit`).
 */
export const commitOffsets = async (
  consumer: Consumer,
  { memberId, generationId }: { memberId: string; generationId: number },
  commits: readonly Commit[],
): Promise<void> => {
  const byTopic = Map.groupBy(commits, ({ topic }) => topic);
  const topics = [...byTopic].map(([name, offsets]) => ({
    name,
    partitions: offsets.map(({ partition, offset }) => ({
      partitionIndex: partition,
      committedOffset: offset,
      committedLeaderEpoch: -1,
      committedMetadata: null,
    })),
  }));
  const coordinator = await consumer.findGroupCoordinator();
  const connection = (await consumer.connectToBrokers([coordinator])).get(coordinator);
  if (connection === undefined) throw new EventBusError('the coordinator is not known', { retriable: true });
  const api = await offsetCommitApi(consumer);
  await api.async(connection, consumer.groupId, generationId, memberId, null, topics);
};

type OffsetCommitApi = typeof offsetCommitV9.api;

const offsetCommitApi = (consumer: Consumer): Promise<OffsetCommitApi> => {
  const { promise, resolve, reject } = Promise.withResolvers<OffsetCommitApi>();
  consumer[kGetApi]<Parameters<typeof offsetCommitV9.createRequest>, ReturnType<typeof offsetCommitV9.parseResponse>>(
    'OffsetCommit',
    (error, api) => {
      if (api) resolve(api);
      else reject(error ?? new Error('the broker knows no OffsetCommit'));
    },
  );
  return promise;
};

/** The bit of a batch whose records all have the time at which the broker wrote them. */
const LOG_APPEND_TIME = 0b1000;
/** The bit of a batch that holds a marker of a transaction, and no record. */
const CONTROL = 0b10_0000;

/** What was asked for, without what a batch holds before it. */
export const recordsOf = (
  { topic, partition }: TopicPartition,
  batches: readonly RecordsBatch[],
  from: bigint,
): LogRecord[] =>
  batches
    .filter(({ attributes }) => (attributes & CONTROL) === 0)
    .flatMap(({ attributes, firstOffset, firstTimestamp, maxTimestamp, records }) =>
      records.map(({ offsetDelta, timestampDelta, key, value, headers }) => ({
        topic,
        partition,
        offset: firstOffset + BigInt(offsetDelta),
        key: key?.toString() ?? '',
        value,
        headers: Object.fromEntries(headers.map(([name, content]) => [String(name ?? ''), String(content ?? '')])),
        timestampMs: Number((attributes & LOG_APPEND_TIME) === 0 ? firstTimestamp + timestampDelta : maxTimestamp),
      })),
    )
    .filter(({ offset }) => offset >= from);

/** The answer of a fetch in which some partitions failed and others did not. */
export const answerIn = (error: unknown): FetchResponse | undefined => {
  const { response } = (error ?? {}) as { response?: FetchResponse };
  return response?.responses === undefined ? undefined : response;
};

export const OFFSET_OUT_OF_RANGE = 1;

/** What a new connection or a new membership heals, although the library calls it final. */
const HEALS = new Set([
  'BROKER_NOT_AVAILABLE',
  'UNKNOWN_SERVER_ERROR',
  'UNKNOWN_MEMBER_ID',
  'ILLEGAL_GENERATION',
  'REBALANCE_IN_PROGRESS',
  'MEMBER_ID_REQUIRED',
  'PLT_KFK_UNEXPECTED_CORRELATION_ID',
]);
const HEALING_MESSAGES = /^(Unknown topic|Client closed while|Client is closed|Connection pool is closed|Cannot find broker)/;

/** Several errors in one are as final as the most final of them. */
const isRetriable = (error: unknown): boolean => {
  if (error instanceof EventBusError) return error.retriable;
  if (error instanceof AggregateError) return error.errors.length > 0 && error.errors.every(isRetriable);
  if (!(error instanceof Error) || !GenericError.isGenericError(error)) return false;
  const { apiId, code, canRetry, message } = error as Error & { apiId?: string; code: string; canRetry?: boolean };
  return canRetry === true || HEALS.has(apiId ?? code) || HEALING_MESSAGES.test(message);
};

/** What went wrong in the end, for what failed several times. */
const reasonOf = (error: unknown): string => {
  const last: unknown = error instanceof AggregateError ? error.errors.at(-1) : undefined;
  if (last !== undefined) return reasonOf(last);
  return error instanceof Error ? error.message : 'a value that is no Error was thrown';
};

/** Any error of the library as one of the port, with what was being done. */
export const busError = (doing: string, error: unknown): EventBusError =>
  error instanceof EventBusError
    ? error
    : new EventBusError(`${doing}: ${reasonOf(error)}`, { retriable: isRetriable(error), cause: error });
