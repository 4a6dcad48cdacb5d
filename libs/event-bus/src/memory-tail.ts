/** A tail in memory. */
import type { LogRecord, Tail, TailHealth, TailOptions, TailPosition } from './event-bus.ts';
import type { MemoryLog, MemoryReader } from './memory-event-bus.ts';
import { madeAnew } from './memory-subscription.ts';
import { TailProgress } from './tail-progress.ts';

interface MemoryTailParts {
  readonly log: MemoryLog;
  readonly readers: Set<MemoryReader>;
}

export class MemoryTail implements Tail, MemoryReader {
  readonly name: string;
  readonly group: string;
  readonly #parts: MemoryTailParts;
  readonly #options: TailOptions;
  readonly #onRecord: (record: LogRecord) => void;
  readonly #progress = new TailProgress();
  readonly #failed: Promise<never>;
  #fail!: (error: unknown) => void;
  #stopped = false;
  #lastFetchAtMs = 0;

  constructor(parts: MemoryTailParts, options: TailOptions, onRecord: (record: LogRecord) => void) {
    this.name = `tail ${options.groupPrefix}`;
    this.group = options.groupPrefix;
    this.#parts = parts;
    this.#options = options;
    this.#onRecord = onRecord;
    this.#failed = new Promise((_, reject) => (this.#fail = reject));
    this.#failed.catch(() => undefined);
  }

  get caughtUp(): Promise<void> {
    return this.#progress.caughtUp;
  }

  async run(signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    const { readers } = this.#parts;
    readers.add(this);
    queueMicrotask(() => this.wake());
    const stopped = new Promise<void>((resolve) => {
      signal.addEventListener('abort', () => resolve(), { once: true });
    });
    try {
      await Promise.race([stopped, this.#failed]);
    } finally {
      this.#stopped = true;
      readers.delete(this);
    }
  }

  positions(): readonly TailPosition[] {
    return this.#progress.positions();
  }

  health(): TailHealth {
    const live = this.#progress.isCaughtUp ? 'live' : 'catching-up';
    return { phase: this.#stopped ? 'stopped' : live, lastFetchAtMs: this.#lastFetchAtMs };
  }

  rejoin(): void {
    this.wake();
  }

  wake(): void {
    const { log } = this.#parts;
    if (log.isAway || this.#stopped) return;
    const { topics, fromMs } = this.#options;
    this.#lastFetchAtMs = log.clock.nowMs();
    if (!this.#progress.begun) {
      this.#progress.begin(
        log.partitionsOf(topics).map((partition) => ({
          ...partition,
          next: log.offsetAt(partition, fromMs),
          goal: log.end(partition),
        })),
      );
    }
    for (const partition of log.partitionsOf(topics)) {
      if (this.#progress.next(partition) > log.end(partition)) return this.#fail(madeAnew(partition));
      for (const record of log.read(partition, this.#progress.next(partition))) {
        if (this.#progress.take(record)) this.#deliver(record);
      }
    }
  }

  #deliver(record: LogRecord): void {
    try {
      this.#onRecord(record);
    } catch (error) {
      this.#fail(error);
    }
  }
}
