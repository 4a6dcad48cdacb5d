/** How far a tail has read, and when it has caught up. The same for every adapter. */
import type { LogRecord, TailPosition, TopicPartition } from './event-bus.ts';
import { partitionId } from './hand-over.ts';

export class TailProgress {
  readonly caughtUp: Promise<void>;
  readonly #positions = new Map<string, { -readonly [K in keyof TailPosition]: TailPosition[K] }>();
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
  next({ topic, partition }: TopicPartition): bigint {
    const id = partitionId({ topic, partition });
    const known = this.#positions.get(id);
    if (known) return known.next;
    this.#positions.set(id, { topic, partition, next: 0n, goal: 0n });
    return 0n;
  }

  /** False for a record below the position: it was delivered, or lies before the start. */
  take(record: LogRecord): boolean {
    if (record.offset < this.next(record)) return false;
    this.reached(record, record.offset + 1n);
    return true;
  }

  /** Nothing below `next` is left to read, be it records or what is no record (markers, what retention took). */
  reached({ topic, partition }: TopicPartition, next: bigint): void {
    const position = this.#positions.get(partitionId({ topic, partition }));
    if (position === undefined || next <= position.next) return;
    const wasBehind = position.next < position.goal;
    position.next = next;
    if (!wasBehind || next < position.goal) return;
    this.#behind -= 1;
    if (this.#behind === 0) this.#resolve();
  }
}
