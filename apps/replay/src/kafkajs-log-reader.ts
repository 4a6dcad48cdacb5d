/**
 * Bounded reading on kafkajs, the only file here that imports it. Read-only: nothing is committed, and the group, which
 * kafkajs cannot do without, is deleted at the end.
 *
 * The problem: a consumer of kafkajs is given partitions by its group, all of a topic. We are the only member and so the
 * group's leader, and our own assigner gives us the partitions that we want and no other: no other is ever fetched.
 */
import { randomUUID } from 'node:crypto';
import { EventBusError, type LogRecord, type TopicPartition } from '@osago/event-bus';
import { pause } from '@osago/service-kit';
import kafkajs, { type Consumer, type EachBatchPayload, type KafkaConfig, type PartitionAssigner } from 'kafkajs';
import type { Lane, LogReader, PartitionRange, ReadHandlers } from './log-reader.ts';

// CommonJS: not all of its names can be imported by name.
const { AssignerProtocol, Kafka, logLevel } = kafkajs;

export interface KafkajsLogReaderOptions {
  readonly brokers: readonly string[];
  readonly tls?: boolean;
  readonly sasl?: { readonly username: string; readonly password: string };
  /** Where we are: with it, a broker that offers it has us read from a follower there. */
  readonly rack?: string | undefined;
  /** Records a second, at most; production has the rest of the broker. Undefined: as fast as it goes. */
  readonly rateMax?: number | undefined;
}

const GROUP_PREFIX = 'osago-replay-';
/** A handler may write to a slow disk for some seconds between two heartbeats. */
const SESSION_TIMEOUT_MS = 30_000;
const FETCH_WAIT_MS = 250;
/**
 * About ten thousand of our records in one answer. The next one is asked for when they have been taken: a lane of one
 * partition would wait for the broker as often as for all of these, were its answers as small as those of the bus.
 */
const FETCH_BYTES_MAX = 8_388_608;
const PARTITION_BYTES_MAX = 4_194_304;
/** A join takes up to 20 s; who has no record for a minute will have none. */
const SILENT_MS_MAX = 60_000;
const SILENCE_CHECK_MS = 1_000;
/** Longer pauses are cut, so that heartbeats go on. */
const PACE_PAUSE_MS_MAX = 1_000;
/** A coordinator that is still loading, or a leader that moves, takes some seconds: these wait ten. */
const ATTEMPTS_MAX = 7;
const ATTEMPT_PAUSE_MS = 500;

export class KafkajsLogReader implements LogReader {
  readonly #options: KafkajsLogReaderOptions;

  constructor(options: KafkajsLogReaderOptions) {
    this.#options = options;
  }

  /** A consumer that broke is replaced by a fresh one, which goes on where it stopped. */
  async read(lanes: readonly Lane[], handlers: ReadHandlers, signal: AbortSignal): Promise<void> {
    const reading = new Reading(lanes, { handlers, signal, rateMax: this.#options.rateMax });
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.#readOnce(reading, lanes);
      } catch (error) {
        // What is no error of kafkajs is one of the handlers, and theirs to deal with.
        if (!(error instanceof Error && error.name.startsWith('KafkaJS'))) throw error;
        if (attempt === ATTEMPTS_MAX || signal.aborted) {
          throw new EventBusError(`reading the topics: ${error.message}`, { retriable: true, cause: error });
        }
        await pause(attempt * ATTEMPT_PAUSE_MS, signal);
      }
    }
  }

  async #readOnce(reading: Reading, lanes: readonly Lane[]): Promise<void> {
    const groupId = `${GROUP_PREFIX}${randomUUID()}`;
    // A client of its own: kafkajs shares the offsets of a group between all consumers of a client.
    const kafka = new Kafka(this.#clientConfig());
    const { rack } = this.#options;
    const consumer = kafka.consumer({
      groupId,
      partitionAssigners: [assignerOf(lanes.flat())],
      allowAutoTopicCreation: false,
      sessionTimeout: SESSION_TIMEOUT_MS,
      maxWaitTimeInMs: FETCH_WAIT_MS,
      maxBytesPerPartition: PARTITION_BYTES_MAX,
      maxBytes: FETCH_BYTES_MAX,
      ...(rack !== undefined && { rackId: rack }),
      retry: { retries: 8, restartOnFailure: () => Promise.resolve(false) },
    });
    try {
      await reading.run(consumer);
    } finally {
      await consumer.disconnect().catch(() => undefined);
      await deleteGroup(kafka, groupId);
    }
  }

  #clientConfig(): KafkaConfig {
    const { brokers, tls, sasl } = this.#options;
    return {
      brokers: [...brokers],
      clientId: 'osago-replay',
      ...(tls === true && { ssl: true }),
      ...(sasl && { sasl: { mechanism: 'scram-sha-512' as const, ...sasl } }),
      connectionTimeout: 3_000,
      // What comes of it is reported once, by who called.
      logLevel: logLevel.NOTHING,
    };
  }
}

/** An empty group that stays would be removed by the broker some days later: not worth failing for. */
const deleteGroup = async (kafka: InstanceType<typeof Kafka>, groupId: string): Promise<void> => {
  const admin = kafka.admin({ retry: { retries: 2 } });
  try {
    await admin.connect();
    await admin.deleteGroups([groupId]);
  } catch {
    // The broker went away, or never had the group.
  } finally {
    await admin.disconnect().catch(() => undefined);
  }
};

const assignerOf = (ranges: readonly TopicPartition[]): PartitionAssigner => {
  const name = 'osago-replay';
  const assignment: Record<string, number[]> = {};
  for (const { topic, partition } of ranges) (assignment[topic] ??= []).push(partition);
  const userData = Buffer.alloc(0);
  return () => ({
    name,
    version: 0,
    protocol: ({ topics }) => ({ name, metadata: AssignerProtocol.MemberMetadata.encode({ version: 0, topics, userData }) }),
    assign: ({ members }) =>
      Promise.resolve(
        members.map(({ memberId }) => ({
          memberId,
          memberAssignment: AssignerProtocol.MemberAssignment.encode({ version: 0, assignment, userData }),
        })),
      ),
  });
};

const idOf = ({ topic, partition }: TopicPartition): string => `${topic}/${partition}`;
const named = ({ topic, partition }: TopicPartition): { topic: string; partitions: number[] } => ({
  topic,
  partitions: [partition],
});

interface ReadingOptions {
  readonly handlers: ReadHandlers;
  readonly signal: AbortSignal;
  readonly rateMax: number | undefined;
}

/** One pass over the lanes, by one consumer after the other where it must be. */
class Reading {
  readonly #lanes: readonly Lane[];
  readonly #options: ReadingOptions;
  readonly #next = new Map<string, bigint>();
  readonly #startedAtMs = performance.now();
  #consumer!: Consumer;
  #end = Promise.withResolvers<undefined>();
  #lane = 0;
  #records = 0;
  #heardAtMs = performance.now();
  #busy = false;

  constructor(lanes: readonly Lane[], options: ReadingOptions) {
    this.#lanes = lanes.filter((lane) => lane.length > 0);
    this.#options = options;
    for (const range of this.#lanes.flat()) this.#next.set(idOf(range), range.from);
  }

  async run(consumer: Consumer): Promise<void> {
    const { signal } = this.#options;
    if (this.#lanes[this.#lane] === undefined || signal.aborted) return;
    this.#consumer = consumer;
    this.#end = Promise.withResolvers<undefined>();
    this.#end.promise.catch(() => undefined);
    this.#heardAtMs = performance.now();
    const stop = (): void => this.#end.resolve(undefined);
    signal.addEventListener('abort', stop, { once: true });
    const watch = setInterval(() => this.#failIfSilent(), SILENCE_CHECK_MS);
    try {
      consumer.on(consumer.events.CRASH, ({ payload }) => this.#end.reject(payload.error));
      consumer.on(consumer.events.GROUP_JOIN, () => this.#joined());
      consumer.on(consumer.events.END_BATCH_PROCESS, ({ payload: { topic, partition, lastOffset } }) =>
        this.#reached({ topic, partition }, BigInt(lastOffset) + 1n),
      );
      await consumer.connect();
      await consumer.subscribe({ topics: [...new Set(this.#lanes.flat().map(({ topic }) => topic))], fromBeginning: true });
      await consumer.run({ autoCommit: false, eachBatchAutoResolve: true, eachBatch: (payload) => this.#take(payload) });
      await this.#end.promise;
    } finally {
      clearInterval(watch);
      signal.removeEventListener('abort', stop);
      this.#end.resolve(undefined);
    }
  }

  /** kafkajs forgets positions and pauses at each join; what is set here is in force before its next fetch. */
  #joined(): void {
    this.#lanes.forEach((lane, at) => {
      for (const range of lane) {
        const next = this.#next.get(idOf(range)) ?? range.from;
        this.#consumer.seek({ topic: range.topic, partition: range.partition, offset: String(next) });
        if (at !== this.#lane || next >= range.to) this.#consumer.pause([named(range)]);
      }
    });
  }

  async #take({ batch: { topic, partition, messages }, ...payload }: EachBatchPayload): Promise<void> {
    const range = this.#range({ topic, partition });
    if (range === undefined || this.#options.signal.aborted) return;
    const next = this.#next.get(idOf(range)) ?? range.from;
    const records: LogRecord[] = [];
    for (const message of messages) {
      const offset = BigInt(message.offset);
      if (offset < next || offset >= range.to) continue;
      records.push(new ReadRecord(range, offset, message));
    }
    this.#busy = true;
    try {
      if (records.length > 0) await this.#options.handlers.onRecords(records);
      this.#records += records.length;
      await this.#keepPace(() => payload.heartbeat());
      await this.#advance(range, records.length > 0 ? (records.at(-1)?.offset ?? next) + 1n : next);
    } catch (error) {
      // An error of the handler is the caller's, not a reason to read again.
      this.#end.reject(error);
    } finally {
      this.#busy = false;
      this.#heardAtMs = performance.now();
    }
  }

  /** Markers and gaps have offsets too: a range may end with one. */
  #reached(partition: TopicPartition, next: bigint): void {
    const range = this.#range(partition);
    if (range !== undefined) void this.#advance(range, next).catch((error: unknown) => this.#end.reject(error));
  }

  #range({ topic, partition }: TopicPartition): PartitionRange | undefined {
    return this.#lanes[this.#lane]?.find((range) => range.topic === topic && range.partition === partition);
  }

  async #advance(range: PartitionRange, next: bigint): Promise<void> {
    const known = this.#next.get(idOf(range)) ?? range.from;
    if (next > known) this.#next.set(idOf(range), next);
    if (next < range.to) return;
    this.#consumer.pause([named(range)]);
    const lane = this.#lanes[this.#lane] ?? [];
    if (known >= range.to || lane.some((other) => (this.#next.get(idOf(other)) ?? other.from) < other.to)) return;
    await this.#options.handlers.onLaneEnd?.(this.#lane);
    this.#lane += 1;
    const following = this.#lanes[this.#lane];
    if (following === undefined) this.#end.resolve(undefined);
    else this.#consumer.resume(following.map(named));
  }

  async #keepPace(heartbeat: () => Promise<void>): Promise<void> {
    const { rateMax, signal } = this.#options;
    if (rateMax === undefined) return;
    const dueAtMs = this.#startedAtMs + (this.#records / rateMax) * 1_000;
    for (;;) {
      const early = dueAtMs - performance.now();
      if (early <= 0 || signal.aborted) return;
      await pause(Math.min(early, PACE_PAUSE_MS_MAX), signal);
      await heartbeat();
    }
  }

  #failIfSilent(): void {
    if (this.#busy || performance.now() - this.#heardAtMs < SILENT_MS_MAX) return;
    this.#end.reject(new EventBusError('the broker has sent no record for a minute', { retriable: true }));
  }
}

type Message = EachBatchPayload['batch']['messages'][number];

/** Key and headers are made into text when somebody asks: folding and exporting never do. */
class ReadRecord implements LogRecord {
  readonly topic: string;
  readonly partition: number;
  readonly offset: bigint;
  readonly value: Buffer | null;
  readonly timestampMs: number;
  readonly #message: Message;

  constructor({ topic, partition }: TopicPartition, offset: bigint, message: Message) {
    this.topic = topic;
    this.partition = partition;
    this.offset = offset;
    this.value = message.value;
    this.timestampMs = Number(message.timestamp);
    this.#message = message;
  }

  get key(): string {
    return this.#message.key?.toString() ?? '';
  }

  get headers(): Record<string, string> {
    return toHeaders(this.#message.headers);
  }
}

const toHeaders = (headers: Message['headers'] = {}): Record<string, string> => {
  const texts: Record<string, string> = {};
  for (const name in headers) texts[name] = String(headers[name] ?? '');
  return texts;
};
