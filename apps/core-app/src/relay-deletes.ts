/**
 * Rows that are on the log and not deleted yet. Deletes are gathered: nobody waits for them, and many cost as much as
 * one. A pod that dies before leaves rows that another publishes once more, under the same event ids.
 */
import type { Log } from '@osago/service-kit';
import type { Outbox } from './outbox.ts';

/** Far below the claim, so that no other pod takes the rows meanwhile. */
const GATHER_MS = 100;
const GATHER_MAX = 500;

export class RelayDeletes {
  readonly #outbox: Pick<Outbox, 'delete'>;
  readonly #log: Log;
  #ids: string[] = [];
  #timer: NodeJS.Timeout | undefined;
  #deleting = Promise.resolve();

  constructor({ outbox, log }: { outbox: Pick<Outbox, 'delete'>; log: Log }) {
    this.#outbox = outbox;
    this.#log = log;
  }

  /** They are deleted soon. */
  add(ids: readonly string[]): void {
    if (ids.length === 0) return;
    this.#ids.push(...ids);
    if (this.#ids.length >= GATHER_MAX) this.#flushAside();
    else this.#timer ??= setTimeout(() => this.#flushAside(), GATHER_MS);
  }

  /** What was added is gone. Rejects as Postgres does; then it is deleted with what comes next. */
  flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const flushed = this.#deleting.then(() => this.#delete());
    this.#deleting = flushed.catch(() => undefined);
    return flushed;
  }

  #flushAside(): void {
    this.flush().catch((error: unknown) => {
      this.#log.warn({ error, rows: this.#ids.length }, 'published rows not deleted, they are tried again');
    });
  }

  async #delete(): Promise<void> {
    const ids = this.#ids;
    if (ids.length === 0) return;
    this.#ids = [];
    try {
      await this.#outbox.delete(ids);
    } catch (error) {
      this.#ids.push(...ids);
      throw error;
    }
  }
}
