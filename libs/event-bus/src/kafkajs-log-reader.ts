/**
 * Bounded reading on kafkajs. Read-only: nothing is committed, and the group, which kafkajs cannot do without, is deleted at
 * the end.
 *
 * The problem: a consumer of kafkajs is given partitions by its group, all of a topic. We are the only member and so the
 * group's leader, and our own assigner gives us the partitions that we want and no other: no other is ever fetched.
 */
import { randomUUID } from 'node:crypto';
import { type Log, pause } from '@osago/service-kit';
import { EventBusError, type TopicPartition } from './event-bus.ts';
import { KafkajsBoundedReading } from './kafkajs-bounded-reading.ts';
import { AssignerProtocol, createClient, type KafkajsConnection, type PartitionAssigner } from './kafkajs-client.ts';
import { KafkajsQuestions } from './kafkajs-questions.ts';
import type { Lane, LogReader, ReadHandlers } from './log-reader.ts';

export interface KafkajsLogReaderOptions extends KafkajsConnection {
  /** Where we are: with it, a broker that offers it has us read from a follower there. */
  readonly rack?: string | undefined;
  /** Records a second, at most; production has the rest of the broker. Undefined: as fast as it goes. */
  readonly rateMax?: number | undefined;
}

/** A handler may write to a slow disk for some seconds between two heartbeats. */
const SESSION_TIMEOUT_MS = 30_000;
/**
 * About ten thousand of our records in one answer. The next one is asked for when they have been taken: a lane of one
 * partition would wait for the broker as often as for all of these, were its answers as small as those of the bus.
 */
const FETCH_BYTES_MAX = 8_388_608;
const PARTITION_BYTES_MAX = 4_194_304;
/** A coordinator that is still loading, or a leader that moves, takes some seconds: these wait ten. */
const ATTEMPTS_MAX = 7;
const ATTEMPT_PAUSE_MS = 500;

export class KafkajsLogReader implements LogReader {
  readonly #log: Log;
  readonly #options: KafkajsLogReaderOptions;

  constructor({ log }: { log: Log }, options: KafkajsLogReaderOptions) {
    this.#log = log;
    this.#options = options;
  }

  /** A consumer that broke is replaced by a fresh one, which goes on where it stopped. */
  async read(lanes: readonly Lane[], handlers: ReadHandlers, signal: AbortSignal): Promise<void> {
    const reading = new KafkajsBoundedReading(lanes, { handlers, signal, log: this.#log, rateMax: this.#options.rateMax });
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

  async #readOnce(reading: KafkajsBoundedReading, lanes: readonly Lane[]): Promise<void> {
    const { rack, clientId } = this.#options;
    const groupId = `${clientId}-${randomUUID()}`;
    // A client of its own: kafkajs shares the offsets of a group between all consumers of a client.
    const kafka = createClient(this.#options, this.#log, { retries: 8 });
    const consumer = kafka.consumer({
      groupId,
      partitionAssigners: [assignerOf(lanes.flat())],
      allowAutoTopicCreation: false,
      sessionTimeout: SESSION_TIMEOUT_MS,
      maxBytesPerPartition: PARTITION_BYTES_MAX,
      maxBytes: FETCH_BYTES_MAX,
      ...(rack !== undefined && { rackId: rack }),
      retry: { retries: 8, restartOnFailure: () => Promise.resolve(false) },
    });
    const questions = new KafkajsQuestions(kafka);
    try {
      await reading.run(consumer, questions);
    } finally {
      await consumer.disconnect().catch(() => undefined);
      // An empty group that stays would be removed by the broker some days later: not worth failing for.
      await questions.deleteEmptyGroups(groupId).catch(() => undefined);
      await questions.close().catch(() => undefined);
    }
  }
}

const assignerOf = (ranges: readonly TopicPartition[]): PartitionAssigner => {
  const name = 'osago-ranges';
  const wanted = new Map<string, Set<number>>();
  for (const { topic, partition } of ranges) wanted.set(topic, (wanted.get(topic) ?? new Set()).add(partition));
  const assignment = Object.fromEntries([...wanted].map(([topic, partitions]) => [topic, [...partitions]]));
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
