/**
 * What one member of a group holds: records received, handed over, done. It knows per partition the lowest record that
 * is not done, hands no record over twice while a partition stays, and keeps to the bound.
 *
 * Records are handed over in offset order, and a Map iterates in the order of insertion: its first key is the lowest
 * unfinished offset, however the rest was finished.
 */
import type { LogRecord, TopicPartition } from './event-bus.ts';

interface Held {
  readonly partition: TopicPartition;
  readonly unfinished: Map<bigint, LogRecord>;
  /** The offset that is received next; unknown until the first record. */
  next: bigint | undefined;
  /** The offset that is handed over next; behind `next` while records wait in the inbox. */
  handedTo: bigint | undefined;
  committed: bigint | undefined;
}

export interface Commit extends TopicPartition {
  readonly offset: bigint;
}

export const partitionId = ({ topic, partition }: TopicPartition): string =>
  `${topic}/${partition}`;

export class HandOver {
  readonly #held = new Map<string, Held>();
  readonly #onRecord: (record: LogRecord) => void;
  readonly #inFlightMax: number;
  #inbox: LogRecord[] = [];
  #unfinished = 0;
  #handing = false;

  constructor(onRecord: (record: LogRecord) => void, inFlightMax: number) {
    this.#onRecord = onRecord;
    this.#inFlightMax = inFlightMax;
  }

  get assigned(): TopicPartition[] {
    return [...this.#held.values()].map(({ partition }) => partition);
  }

  get unfinished(): number {
    return this.#unfinished;
  }

  /** More was received than may be handed over: the adapter stops reading. */
  get full(): boolean {
    return this.#inbox.length > 0;
  }

  assign(partitions: readonly TopicPartition[]): void {
    for (const { topic, partition } of partitions) {
      this.#held.set(partitionId({ topic, partition }), {
        partition: { topic, partition },
        unfinished: new Map(),
        next: undefined,
        handedTo: undefined,
        committed: undefined,
      });
    }
  }

  revoke(partitions: readonly TopicPartition[]): void {
    for (const partition of partitions) {
      const id = partitionId(partition);
      this.#unfinished -= this.#held.get(id)?.unfinished.size ?? 0;
      this.#held.delete(id);
    }
    this.#inbox = this.#inbox.filter((record) => this.#held.has(partitionId(record)));
    this.#hand();
  }

  /** Where to go on reading; undefined where the committed offset says. */
  next(partition: TopicPartition): bigint | undefined {
    return this.#held.get(partitionId(partition))?.next;
  }

  /** Records of one partition in order; those received before, or of a partition that is not held, are dropped. */
  receive(records: readonly LogRecord[]): void {
    for (const record of records) {
      const held = this.#held.get(partitionId(record));
      if (held === undefined || (held.next !== undefined && record.offset < held.next)) continue;
      held.next = record.offset + 1n;
      held.handedTo ??= record.offset;
      this.#inbox.push(record);
    }
    this.#hand();
  }

  /** A `done` inside `onRecord` comes back here: the outer loop goes on, the stack does not grow. */
  #hand(): void {
    if (this.#handing) return;
    this.#handing = true;
    try {
      while (this.#unfinished < this.#inFlightMax) {
        const record = this.#inbox.shift();
        if (record === undefined) return;
        const held = this.#held.get(partitionId(record));
        if (held === undefined) continue;
        held.unfinished.set(record.offset, record);
        held.handedTo = record.offset + 1n;
        this.#unfinished += 1;
        this.#onRecord(record);
      }
    } finally {
      this.#handing = false;
    }
  }

  done(record: LogRecord): void {
    const held = this.#held.get(partitionId(record));
    // The object itself: a record of an earlier tenure of the partition is not the one that is held now.
    if (held?.unfinished.get(record.offset) !== record) return;
    held.unfinished.delete(record.offset);
    this.#unfinished -= 1;
    this.#hand();
  }

  /** What is to be committed and is not yet: the lowest unfinished offset of each partition. */
  commits(): Commit[] {
    const commits: Commit[] = [];
    for (const { partition, unfinished, handedTo, committed } of this.#held.values()) {
      const [lowest = handedTo] = unfinished.keys();
      if (lowest !== undefined && lowest !== committed) commits.push({ ...partition, offset: lowest });
    }
    return commits;
  }

  committed(commits: readonly Commit[]): void {
    for (const commit of commits) {
      const held = this.#held.get(partitionId(commit));
      if (held) held.committed = commit.offset;
    }
  }
}
