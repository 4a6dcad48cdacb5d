/** How far a tail has read, and when it has caught up. The same for every adapter. */
import type { LogRecord, TailPosition, TopicPartition } from './event-bus.ts';
import { partitionId } from './hand-over.ts';

type Position = { -readonly [K in keyof TailPosition]: TailPosition[K] };

export class TailProgress {
  readonly caughtUp: Promise<void>;
  readonly #positions = new Map<string, Position>();
  /** The last that was asked for: records come by the hundred from one partition. */
  #recent: Position | undefined;
  #behind = 0;
  #resolve!: () => void;

  constructor() {
    this.caughtUp = new Promise((resolve) => (this.#resolve = resolve));
  }

  /** The start and the goal of every partition there is. Once; partitions that come later are added by `next`. */
  begin(positions: readonly TailPosition[]): void {
    for (const position of positions) {
      this.#positions.set(partitionId(position), { ...position });
      if (position.next < position.goal) this.#behind += 1;
    }
    if (this.#behind === 0) this.#resolve();
  }

  get begun(): boolean {
    return this.#positions.size > 0;
  }

  get isCaughtUp(): boolean {
    return this.begun && this.#behind === 0;
  }

  positions(): TailPosition[] {
    return [...this.#positions.values()].map((position) => ({ ...position }));
  }

  /** Where to read. A partition that is not known came after the start: from its beginning. */
  next(partition: TopicPartition): bigint {
    return this.#of(partition).next;
  }

  /** False for a record below the position: it was delivered, or lies before the start. */
  take(record: LogRecord): boolean {
    const position = this.#of(record);
    if (record.offset < position.next) return false;
    this.#reached(position, record.offset + 1n);
    return true;
  }

  /** Nothing below `next` is left to read, be it records or what is no record (markers, what retention took). */
  reached(partition: TopicPartition, next: bigint): void {
    const position = this.#known(partition);
    if (position !== undefined && next > position.next) this.#reached(position, next);
  }

  #reached(position: Position, next: bigint): void {
    const wasBehind = position.next < position.goal;
    position.next = next;
    if (!wasBehind || next < position.goal) return;
    this.#behind -= 1;
    if (this.#behind === 0) this.#resolve();
  }

  #known(partition: TopicPartition): Position | undefined {
    if (this.#recent?.partition !== partition.partition || this.#recent.topic !== partition.topic) {
      this.#recent = this.#positions.get(partitionId(partition));
    }
    return this.#recent;
  }

  #of(partition: TopicPartition): Position {
    let position = this.#known(partition);
    if (position === undefined) {
      position = { topic: partition.topic, partition: partition.partition, next: 0n, goal: 0n };
      this.#positions.set(partitionId(partition), position);
    }
    return position;
  }
}
