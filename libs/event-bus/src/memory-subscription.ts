/** A consumer group in memory: members share the partitions in the order in which they joined. */
import {
  EventBusError,
  type LogRecord,
  type SubscribeOptions,
  type Subscription,
  type SubscriptionHandlers,
  type SubscriptionHealth,
  type TopicPartition,
} from './event-bus.ts';
import { HandOver, partitionId } from './hand-over.ts';
import type { MemoryLog, MemoryReader } from './memory-event-bus.ts';

export class MemoryGroup {
  readonly committed = new Map<string, bigint>();
  readonly #log: MemoryLog;
  readonly #members: MemorySubscription[] = [];
  #generation = 0;

  get generation(): number {
    return this.#generation;
  }

  constructor(log: MemoryLog) {
    this.#log = log;
  }

  join(member: MemorySubscription): void {
    this.#members.push(member);
    this.rebalance();
  }

  leave(member: MemorySubscription): void {
    this.#members.splice(this.#members.indexOf(member), 1);
    this.rebalance();
  }

  /** First everybody gives up what moves, then everybody gets it: no partition has two owners. */
  rebalance(): void {
    this.#generation += 1;
    const members = [...this.#members];
    const shares = members.map((member) => {
      const subscribed = members.filter(({ topics }) => topics.join() === member.topics.join());
      return this.#log
        .partitionsOf(member.topics)
        .filter((_, at) => at % subscribed.length === subscribed.indexOf(member));
    });
    members.forEach((member, at) => member.giveUp(shares[at] ?? [], this.#generation));
    members.forEach((member, at) => member.get(shares[at] ?? [], this.#generation));
  }
}

interface MemorySubscriptionParts {
  readonly log: MemoryLog;
  readonly group: MemoryGroup;
  readonly readers: Set<MemoryReader>;
}

export class MemorySubscription implements Subscription, MemoryReader {
  readonly name: string;
  readonly group: string;
  readonly topics: readonly string[];
  readonly #parts: MemorySubscriptionParts;
  readonly #handlers: SubscriptionHandlers;
  readonly #handOver: HandOver;
  readonly #failed: Promise<never>;
  #fail!: (error: unknown) => void;
  #phase: SubscriptionHealth['phase'] = 'joining';
  #lastHeardAtMs = 0;

  constructor(
    parts: MemorySubscriptionParts,
    { group, topics, inFlightMax }: SubscribeOptions,
    handlers: SubscriptionHandlers,
  ) {
    this.name = `subscription ${group}`;
    this.group = group;
    this.topics = topics;
    this.#parts = parts;
    this.#handlers = handlers;
    this.#failed = new Promise((_, reject) => (this.#fail = reject));
    this.#failed.catch(() => undefined);
    this.#handOver = new HandOver((record) => this.#guarded(() => handlers.onRecord(record)), inFlightMax);
  }

  /** A handler that throws ends `run`, never the publisher or the one who says `done`. */
  #guarded(call: () => void): void {
    try {
      call();
    } catch (error) {
      this.#fail(error);
    }
  }

  async run(signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    const { group, readers } = this.#parts;
    readers.add(this);
    group.join(this);
    this.#phase = 'live';
    const stopped = new Promise<void>((resolve) => {
      signal.addEventListener('abort', () => resolve(), { once: true });
    });
    try {
      await Promise.race([stopped, this.#failed]);
    } finally {
      this.#phase = 'stopped';
      readers.delete(this);
      this.giveUp([], group.generation);
      group.leave(this);
    }
  }

  done(record: LogRecord): void {
    this.#handOver.done(record);
    this.#commit();
    queueMicrotask(() => this.wake());
  }

  health(): SubscriptionHealth {
    const { assigned, unfinished, full } = this.#handOver;
    const phase = this.#phase;
    return { phase, assigned, unfinished, full, lastHeardAtMs: this.#lastHeardAtMs };
  }

  rejoin(): void {
    this.#parts.group.rebalance();
  }

  giveUp(share: readonly TopicPartition[], generation: number): void {
    this.#commit();
    const kept = new Set(share.map(partitionId));
    const lost = this.#handOver.assigned.filter((partition) => !kept.has(partitionId(partition)));
    if (lost.length === 0) return;
    this.#handOver.revoke(lost);
    this.#guarded(() => this.#handlers.onRevoked?.(lost, generation));
  }

  get(share: readonly TopicPartition[], generation: number): void {
    const held = new Set(this.#handOver.assigned.map(partitionId));
    const gained = share.filter((partition) => !held.has(partitionId(partition)));
    if (gained.length > 0) {
      this.#handOver.assign(gained);
      this.#guarded(() => this.#handlers.onAssigned?.(gained, generation));
    }
    queueMicrotask(() => this.wake());
  }

  wake(): void {
    const { log, group } = this.#parts;
    if (log.isAway || this.#phase === 'stopped') return;
    this.#lastHeardAtMs = log.clock.nowMs();
    for (const partition of this.#handOver.assigned) {
      if (this.#handOver.full) break;
      const next = this.#handOver.next(partition);
      if (next !== undefined && next > log.end(partition)) return this.#fail(madeAnew(partition));
      const from = next ?? group.committed.get(partitionId(partition)) ?? 0n;
      this.#handOver.receive(log.read(partition, from));
    }
    this.#commit();
  }

  #commit(): void {
    if (this.#parts.log.isAway) return;
    const commits = this.#handOver.commits();
    for (const commit of commits) this.#parts.group.committed.set(partitionId(commit), commit.offset);
    this.#handOver.committed(commits);
  }
}

export const madeAnew = ({ topic, partition }: TopicPartition): EventBusError =>
  new EventBusError(`the log of ${topic}/${partition} is shorter than what was read`, { retriable: false });
