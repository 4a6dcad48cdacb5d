/** Rows that this pod has claimed, by their birth or by a claim, and has not sent yet: oldest first, bounded. */
import type { OutboxRow } from './outbox.ts';

/** New rows that wait in memory, some 40 MB; beyond it they are left to the claims. */
const BORN_MAX = 10_000;

export const partitionOf = ({ topic, partition }: OutboxRow): string => `${topic}/${partition}`;

/** A row under its born claim has no number of a claim yet. */
const isBorn = ({ attempts }: OutboxRow): boolean => attempts === undefined;

export class RelayQueue {
  #waiting: { row: OutboxRow; sinceMs: number }[] = [];
  #born = 0;

  get size(): number {
    return this.#waiting.length;
  }

  /** Those that came by a claim. */
  get claimed(): number {
    return this.#waiting.length - this.#born;
  }

  /** False when there is no room for a row that was just born. */
  add(row: OutboxRow, sinceMs: number): boolean {
    if (isBorn(row)) {
      if (this.#born >= BORN_MAX) return false;
      this.#born += 1;
    }
    this.#waiting.push({ row, sinceMs });
    return true;
  }

  /** At most `rowsMax`, oldest first, none of the `except` partitions. */
  take(rowsMax: number, except: ReadonlySet<string> = new Set()): OutboxRow[] {
    if (except.size > 0) return this.#takeIf((row, taken) => taken < rowsMax && !except.has(partitionOf(row)));
    return this.#counted(this.#waiting.splice(0, rowsMax).map(({ row }) => row));
  }

  /** Those that have waited since before that moment. */
  takeBefore(sinceMs: number): OutboxRow[] {
    const fresh = this.#waiting.findIndex((waiting) => waiting.sinceMs >= sinceMs);
    return this.take(fresh < 0 ? this.size : fresh);
  }

  /** Those of some partitions that came by a claim. */
  takeClaimed(partitions: readonly string[]): OutboxRow[] {
    return this.claimed === 0 ? [] : this.#takeIf((row) => !isBorn(row) && partitions.includes(partitionOf(row)));
  }

  #takeIf(isTaken: (row: OutboxRow, taken: number) => boolean): OutboxRow[] {
    const taken: OutboxRow[] = [];
    this.#waiting = this.#waiting.filter(({ row }) => {
      const isOne = isTaken(row, taken.length);
      if (isOne) taken.push(row);
      return !isOne;
    });
    return this.#counted(taken);
  }

  #counted(taken: OutboxRow[]): OutboxRow[] {
    this.#born -= taken.filter(isBorn).length;
    return taken;
  }
}
