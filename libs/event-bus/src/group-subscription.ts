/** A member of a consumer group, session after session. */
import type { Clock, Log } from '@osago/service-kit';
import type { BusClient } from './client-event-bus.ts';
import { type ConsumerSession, runSessions, type SessionHandlers } from './consumer-session.ts';
import type {
  LogRecord,
  SubscribeOptions,
  Subscription,
  SubscriptionHandlers,
  SubscriptionHealth,
  TopicPartition,
} from './event-bus.ts';
import { type Commit, HandOver, partitionId } from './hand-over.ts';
import { whereToGoOn } from './out-of-range.ts';

export interface ConsumerParts {
  readonly client: BusClient;
  /** Asked before each session: an absent broker is noticed sooner, and a stop then waits for nothing. */
  readonly ping: () => Promise<void>;
  readonly clock: Clock;
  readonly log: Log;
}

const SESSION_TIMEOUT_MS = 10_000;

export class GroupSubscription implements Subscription {
  readonly name: string;
  readonly #parts: ConsumerParts;
  readonly #options: SubscribeOptions;
  readonly #handlers: SubscriptionHandlers;
  readonly #handOver: HandOver;
  readonly #failure = new AbortController();
  #session: ConsumerSession | undefined;
  #committing: Promise<void> = Promise.resolve();
  #isCommitting = false;
  /** Of each partition that this member has held, the last offset that it committed. */
  readonly #committedTo = new Map<string, bigint>();
  #isPaused = false;
  #memberId = '';
  #generation = 0;
  #phase: SubscriptionHealth['phase'] = 'joining';
  #heardAtMs = { fetch: 0, heartbeat: 0 };

  constructor(parts: ConsumerParts, options: SubscribeOptions, handlers: SubscriptionHandlers) {
    this.name = `subscription ${options.group}`;
    this.#parts = parts;
    this.#options = options;
    this.#handlers = handlers;
    const onRecord = (record: LogRecord): void => this.#guarded(() => handlers.onRecord(record));
    this.#handOver = new HandOver(onRecord, options.inFlightMax);
  }

  /** A handler that throws ends `run`; neither the client nor the one who says `done` sees its error. */
  #guarded(call: () => void): void {
    try {
      call();
    } catch (error) {
      this.#failure.abort(error);
    }
  }

  async run(signal: AbortSignal): Promise<void> {
    const { log } = this.#parts;
    const { group } = this.#options;
    const either = AbortSignal.any([signal, this.#failure.signal]);
    try {
      await runSessions((until) => this.#runSession(until), { group, log, signal: either });
    } finally {
      this.#phase = 'stopped';
    }
    this.#failure.signal.throwIfAborted();
  }

  async #runSession(signal: AbortSignal): Promise<void> {
    const { client, ping } = this.#parts;
    await ping();
    const { group, topics, sessionTimeoutMs = SESSION_TIMEOUT_MS } = this.#options;
    this.#session = client.openGroup({ group, topics, sessionTimeoutMs }, this.#sessionHandlers());
    this.#committing = Promise.resolve();
    try {
      await this.#session.run(signal);
    } finally {
      this.#session = undefined;
      this.#phase = 'joining';
      this.#memberId = '';
      this.#revoke(this.#handOver.assigned);
    }
  }

  #sessionHandlers(): SessionHandlers {
    return {
      onJoined: (assigned, memberId) => this.#joined(assigned, memberId),
      onRebalancing: () => this.#commit(),
      onRecords: (records) => {
        this.#warnOfGap(records);
        this.#handOver.receive(records);
        this.#pauseIfFull();
      },
      onReached: () => undefined,
      onOutOfRange: (at, next) => {
        const { client: { questions }, log } = this.#parts;
        return whereToGoOn({ questions, log }, { at, next, wasRead: this.#handOver.next(at) !== undefined });
      },
      onHeard: (request) => (this.#heardAtMs[request] = this.#parts.clock.nowMs()),
      onTick: () => {
        if (!this.#isCommitting) void this.#commit();
      },
      onLeaving: () => this.#commit(),
    };
  }

  /**
   * With the same member id nobody else had the partitions that stay: a member that misses a rebalance is thrown out
   * and gets a new id. With a new id everything may have been elsewhere.
   */
  #joined(assigned: readonly TopicPartition[], memberId: string): Commit[] {
    this.#generation += 1;
    const kept = new Set(memberId === this.#memberId ? assigned.map(partitionId) : []);
    this.#memberId = memberId;
    this.#phase = 'live';
    const nowMs = this.#parts.clock.nowMs();
    this.#heardAtMs = { fetch: nowMs, heartbeat: nowMs };
    this.#revoke(this.#handOver.assigned.filter((partition) => !kept.has(partitionId(partition))));
    const held = new Set(this.#handOver.assigned.map(partitionId));
    const gained = assigned.filter((partition) => !held.has(partitionId(partition)));
    this.#handOver.assign(gained);
    this.#parts.log.info(
      { group: this.#options.group, generation: this.#generation, partitions: assigned.length, count: gained.length },
      'joined the group',
    );
    if (gained.length > 0) this.#guarded(() => this.#handlers.onAssigned?.(gained, this.#generation));
    this.#pauseIfFull();
    return this.#handOver.assigned.flatMap((partition) => {
      const offset = this.#handOver.next(partition);
      return offset === undefined ? [] : [{ ...partition, offset }];
    });
  }

  #revoke(lost: readonly TopicPartition[]): void {
    if (lost.length === 0) return;
    this.#handOver.revoke(lost);
    this.#guarded(() => this.#handlers.onRevoked?.(lost, this.#generation));
  }

  /** A log that is made anew takes the offsets of its groups with it: the first sign of it is a record from the past. */
  #warnOfNewLog({ topic, partition, offset }: LogRecord): void {
    const id = partitionId({ topic, partition });
    const committed = this.#committedTo.get(id);
    if (committed === undefined || offset >= committed) return;
    this.#committedTo.delete(id);
    const fields = { topic, partition, offset: String(offset) };
    this.#parts.log.error(fields, 'the group begins below what it had committed: the log or its offsets were made anew');
  }

  /** Our topics are neither compacted nor written in transactions: a hole is what retention took before we came. */
  #warnOfGap([first]: readonly LogRecord[]): void {
    if (first === undefined) return;
    const { topic, partition, offset } = first;
    const next = this.#handOver.next(first);
    if (next === undefined) return this.#warnOfNewLog(first);
    if (offset <= next) return;
    const count = Number(offset - next);
    this.#parts.log.error({ topic, partition, offset: String(next), count }, 'records were lost unread');
  }

  done(record: LogRecord): void {
    this.#handOver.done(record);
    this.#pauseIfFull();
  }

  #pauseIfFull(): void {
    const { full } = this.#handOver;
    if (this.#isPaused && !full) this.#heardAtMs.fetch = this.#parts.clock.nowMs();
    this.#isPaused = full;
    this.#session?.setPaused(full);
  }

  /** One commit at a time, so that an older one never lands after a newer. A failed one is repeated by the next. */
  #commit(): Promise<void> {
    this.#committing = this.#committing.then(async () => {
      const commits = this.#handOver.commits();
      this.#isCommitting = true;
      try {
        await this.#session?.commit(commits);
        this.#handOver.committed(commits);
        for (const commit of commits) this.#committedTo.set(partitionId(commit), commit.offset);
      } catch (error) {
        this.#parts.log.debug({ group: this.#options.group, error }, 'could not commit');
      } finally {
        this.#isCommitting = false;
      }
    });
    return this.#committing;
  }

  /** The older of two answers: a member that only reads, or only says that it lives, is as dead as a silent one. */
  #lastHeardAtMs(): number {
    const { fetch, heartbeat } = this.#heardAtMs;
    const isReading = this.#handOver.assigned.length > 0 && !this.#handOver.full;
    return isReading ? Math.min(fetch, heartbeat) : heartbeat;
  }

  health(): SubscriptionHealth {
    const { assigned, unfinished, full } = this.#handOver;
    return { phase: this.#phase, assigned, unfinished, full, lastHeardAtMs: this.#lastHeardAtMs() };
  }
}
