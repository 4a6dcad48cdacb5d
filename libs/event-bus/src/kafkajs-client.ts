/**
 * The door to kafkajs: how its clients are set up, where its log goes, what its errors mean. No other file imports it
 * (kafkajs-mends.ts apart), so no type or error of it leaves this folder.
 */
import type { Log } from '@osago/service-kit';
import kafkajs, { type Kafka, type LogEntry, type RetryOptions } from 'kafkajs';
import { EventBusError } from './event-bus.ts';
import { mendKafkajs } from './kafkajs-mends.ts';

// CommonJS: not all of its names can be imported by name.
const { AssignerProtocol, Kafka: KafkaClient, KafkaJSError, logLevel } = kafkajs;

export { AssignerProtocol };
export type { Admin, Consumer, ConsumerConfig, EachBatchPayload, PartitionAssigner, Producer } from 'kafkajs';
export type Kafkajs = Kafka;

export interface KafkajsConnection {
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

/** Quick and few: whoever calls the bus waits and tries again on its own terms. */
export const RETRY_BRIEFLY: RetryOptions = {
  initialRetryTime: 100,
  factor: 0.2,
  multiplier: 2,
  maxRetryTime: 1_000,
  retries: 2,
};

/** About ten seconds, as long as a session lasts: until then a membership may be saved. */
export const RETRY_FOR_A_SESSION: RetryOptions = { ...RETRY_BRIEFLY, retries: 13 };

/**
 * `retry` also bounds how long a connection is tried for; what fails then is final for the loops of kafkajs around it.
 * Each consumer needs a client of its own: kafkajs shares the offsets of a group between all consumers of a client.
 */
export const createClient = (connection: KafkajsConnection, log: Log, retry: RetryOptions): Kafka => {
  mendKafkajs();
  const { brokers, clientId, tls, sasl } = connection;
  return new KafkaClient({
    brokers: [...brokers],
    clientId,
    ...(tls === true && { ssl: true }),
    ...(sasl && { sasl: { mechanism: 'scram-sha-512', ...sasl } }),
    connectionTimeout: CONNECT_TIMEOUT_MS,
    requestTimeout: REQUEST_TIMEOUT_MS,
    retry,
    logLevel: logLevel.WARN,
    logCreator: () => (entry) => writeEntry(log, entry),
  });
};

/**
 * kafkajs calls each lost connection an error and each retry a warning; the bus reports once what comes of it, so these
 * lines are for debugging.
 */
const writeEntry = (log: Log, { log: { message, ...extra } }: LogEntry): void => {
  const { topic, partition, groupId } = extra as Record<string, unknown>;
  log.debug({ topic, partition, group: groupId }, `kafkajs: ${message}`);
};

/** What a new connection or a new membership heals, although kafkajs calls it final. */
const HEALS = new Set([
  'KafkaJSMetadataNotLoaded',
  'KafkaJSTopicMetadataNotLoaded',
  'UNKNOWN_MEMBER_ID',
  'ILLEGAL_GENERATION',
  'REBALANCE_IN_PROGRESS',
]);

const rootOf = (error: unknown): unknown =>
  error instanceof KafkaJSError && error.cause instanceof Error ? rootOf(error.cause) : error;

const isRetriable = (error: unknown): boolean => {
  const root = rootOf(error);
  if (!(root instanceof KafkaJSError)) return false;
  const { type } = root as { type?: string };
  return root.retriable || HEALS.has(root.name) || (type !== undefined && HEALS.has(type));
};

/** Any error of kafkajs as one of the port, with what was being done. */
export const busError = (doing: string, error: unknown): EventBusError => {
  if (error instanceof EventBusError) return error;
  const reason = error instanceof Error ? error.message : 'a value that is no Error was thrown';
  return new EventBusError(`${doing}: ${reason}`, { retriable: isRetriable(error), cause: error });
};
