/**
 * One session on @platformatic/kafka: a member of a group, or a reader of everything that is in no group. Records come
 * from a fetcher with connections of its own, so that a long answer delays no heartbeat.
 */
import type { Log } from '@osago/service-kit';
import { type ConsumerSession, type Fail, liveUntil, type SessionHandlers, type SessionOptions } from './consumer-session.ts';
import { EventBusError, type TopicPartition } from './event-bus.ts';
import { type Commit, partitionId } from './hand-over.ts';
import {
  busError,
  commitOffsets,
  Consumer,
  createReader,
  ListOffsetTimestamps,
  optionsOf,
  type PlatformaticConnection,
} from './platformatic-client.ts';
import { type FetchHandlers, PlatformaticFetcher } from './platformatic-fetcher.ts';

export interface PlatformaticSessionParts {
  readonly connection: PlatformaticConnection;
  readonly metadataMaxAgeMs: number;
  readonly log: Log;
}

/** The same name and encoding as that of kafkajs: members on both clients can share a group while pods are replaced. */
const PROTOCOL = { name: 'RoundRobinAssigner', version: 0 };
const HEARTBEAT_MS = 1_000;
/** A member that has to join again is waited for this much longer than a dead one. */
const REBALANCE_SLACK_MS = 5_000;
/** Joins that others interrupt are begun again so often before the member starts afresh. */
const JOIN_RETRIES = 5;

const fetchHandlers = (handlers: SessionHandlers): Omit<FetchHandlers, 'onPartitions'> => ({
  onRecords: (records) => handlers.onRecords(records),
  onReached: (partition, next) => handlers.onReached(partition, next),
  onFetched: () => handlers.onHeard('fetch'),
  onOutOfRange: (partition, next) => handlers.onOutOfRange(partition, next),
});

export class PlatformaticTailSession implements ConsumerSession {
  readonly #parts: PlatformaticSessionParts;
  readonly #options: SessionOptions;
  readonly #handlers: SessionHandlers;

  constructor(parts: PlatformaticSessionParts, options: SessionOptions, handlers: SessionHandlers) {
    this.#parts = parts;
    this.#options = options;
    this.#handlers = handlers;
  }

  async run(signal: AbortSignal): Promise<void> {
    const { connection, metadataMaxAgeMs, log } = this.#parts;
    const { topics, group } = this.#options;
    const stop = new AbortController();
    const reader = createReader(connection, topics, { metadataMaxAge: metadataMaxAgeMs, retries: 0 });
    let fetcher: PlatformaticFetcher | undefined;
    try {
      await liveUntil(signal, {
        start: async () => {
          const onPartitions = (all: readonly TopicPartition[]): void => fetcher?.read(this.#handlers.onJoined(all, group));
          fetcher = new PlatformaticFetcher(reader, topics, { ...fetchHandlers(this.#handlers), onPartitions }, log);
          await fetcher.run(stop.signal);
        },
        tick: () => {
          fetcher?.look();
          this.#handlers.onTick();
        },
        leave: async () => {
          stop.abort();
          await reader.close().catch(() => undefined);
          await this.#handlers.onLeaving();
        },
      });
    } catch (error) {
      throw busError(`tail ${group}`, error);
    }
  }

  setPaused(): void {
    // Nothing is done with its records: it is never full.
  }

  commit(): Promise<void> {
    return Promise.resolve();
  }
}

interface Membership {
  readonly memberId: string;
  readonly generationId: number;
}

export class PlatformaticGroupSession implements ConsumerSession {
  readonly #parts: PlatformaticSessionParts;
  readonly #options: SessionOptions;
  readonly #handlers: SessionHandlers;
  readonly #member: Consumer;
  readonly #reader: Consumer;
  readonly #stop = new AbortController();
  #fetcher: PlatformaticFetcher | undefined;
  #membership: Membership | undefined;
  #aliveAtMs = performance.now();
  #ended = false;

  constructor(parts: PlatformaticSessionParts, options: SessionOptions, handlers: SessionHandlers) {
    const { connection, metadataMaxAgeMs } = parts;
    const { group, topics, sessionTimeoutMs } = options;
    this.#parts = parts;
    this.#options = options;
    this.#handlers = handlers;
    const rebalanceTimeout = sessionTimeoutMs + REBALANCE_SLACK_MS;
    const client = { metadataMaxAge: metadataMaxAgeMs, retries: JOIN_RETRIES, requestTimeout: rebalanceTimeout + REBALANCE_SLACK_MS };
    this.#reader = createReader(connection, topics, { metadataMaxAge: metadataMaxAgeMs, retries: 0 });
    this.#member = new Consumer({
      ...optionsOf(connection, client),
      groupId: group,
      sessionTimeout: sessionTimeoutMs,
      rebalanceTimeout,
      heartbeatInterval: Math.min(HEARTBEAT_MS, sessionTimeoutMs / 3),
      protocols: [PROTOCOL],
      // Called before each join, and waited for: the only place from which a commit still counts.
      protocolsMetadata: () => this.#beforeJoin(),
    });
    this.#member.topics.trackAll(...topics);
  }

  async run(signal: AbortSignal): Promise<void> {
    try {
      await liveUntil(signal, {
        start: (fail) => this.#start(fail),
        tick: (fail) => this.#tick(fail),
        leave: (started) => this.#leave(started),
      });
    } catch (error) {
      throw busError(`group ${this.#options.group}`, error);
    } finally {
      this.#ended = true;
    }
  }

  async #start(fail: Fail): Promise<void> {
    const { log } = this.#parts;
    let joinedWith = 0;
    const onPartitions = (all: readonly TopicPartition[]): void => {
      // The library never looks whether a topic has grown.
      if (joinedWith > 0) this.#join(fail);
      joinedWith = all.length;
    };
    const handlers = { ...fetchHandlers(this.#handlers), onPartitions };
    this.#fetcher = new PlatformaticFetcher(this.#reader, this.#options.topics, handlers, log);
    this.#member.on('error', fail);
    this.#member.on('consumer:heartbeat:end', () => this.#alive());
    this.#member.on('consumer:group:join', ({ memberId, generationId = -1, assignments = [] }) => {
      if (this.#ended) return;
      this.#alive();
      const assigned = assignments.flatMap(({ topic, partitions }) => partitions.map((partition) => ({ topic, partition })));
      this.#joined(assigned, { memberId, generationId }).catch(fail);
    });
    await this.#member.joinGroup();
    this.#fetcher.run(this.#stop.signal).catch(fail);
  }

  #join(fail: Fail): void {
    this.#member.joinGroup().catch(fail);
  }

  #alive(): void {
    this.#aliveAtMs = performance.now();
    if (!this.#ended) this.#handlers.onHeard('heartbeat');
  }

  /** What would be handed over after the last commit could be handed over twice: reading stops before it. */
  async #beforeJoin(): Promise<Buffer> {
    this.#fetcher?.read([]);
    if (this.#membership !== undefined && !this.#ended) await this.#handlers.onRebalancing();
    return Buffer.alloc(0);
  }

  async #joined(assigned: readonly TopicPartition[], membership: Membership): Promise<void> {
    this.#membership = membership;
    this.#fetcher?.read([]);
    const known = this.#handlers.onJoined(assigned, membership.memberId);
    const seen = new Set(known.map(partitionId));
    const others = await this.#committed(assigned.filter((partition) => !seen.has(partitionId(partition))));
    // Another join may have come in between; what was found for this one is old then.
    if (this.#membership === membership && !this.#ended) this.#fetcher?.read([...known, ...others]);
  }

  /** Where the group has got to; the earliest record where it has never been. */
  async #committed(partitions: readonly TopicPartition[]): Promise<Commit[]> {
    if (partitions.length === 0) return [];
    const topics = [...Map.groupBy(partitions, ({ topic }) => topic)].map(([topic, parts]) => ({
      topic,
      partitions: parts.map(({ partition }) => partition),
    }));
    const committed = await this.#member.listCommittedOffsets({ topics });
    const timestamp = ListOffsetTimestamps.EARLIEST;
    const earliest = await this.#member.listOffsets({ topics: topics.map(({ topic }) => topic), timestamp });
    return partitions.map(({ topic, partition }) => {
      const found = committed.get(topic)?.[partition] ?? -1n;
      return { topic, partition, offset: found >= 0n ? found : (earliest.get(topic)?.[partition] ?? 0n) };
    });
  }

  #tick(fail: Fail): void {
    const { sessionTimeoutMs } = this.#options;
    // Twice what a join may take: who is silent for so long is no member any more, whatever the library believes.
    const silentMsMax = 2 * (sessionTimeoutMs + REBALANCE_SLACK_MS);
    if (performance.now() - this.#aliveAtMs > silentMsMax) {
      fail(new EventBusError('the broker answers no heartbeat', { retriable: true }));
    }
    this.#fetcher?.look();
    this.#handlers.onTick();
  }

  /** A member that goes while it joins is a ghost that holds partitions: it joins first, then leaves. */
  async #leave(started: Promise<void>): Promise<void> {
    this.#stop.abort();
    await this.#handlers.onLeaving();
    this.#ended = true;
    await this.#reader.close().catch(() => undefined);
    await started;
    await this.#member.close(true).catch(() => undefined);
  }

  setPaused(paused: boolean): void {
    if (!this.#ended) this.#fetcher?.setPaused(paused);
  }

  async commit(commits: readonly Commit[]): Promise<void> {
    if (commits.length === 0) return;
    if (this.#membership === undefined) throw new EventBusError('no member of the group', { retriable: true });
    await commitOffsets(this.#member, this.#membership, commits);
  }
}
