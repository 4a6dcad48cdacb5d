/**
 * Under load a send waits for company: each request costs this process, the broker and the readers as much for one row as
 * for ten. Where rows are few, nobody waits.
 */

/** What the rate is counted over: long enough that some rows that come together are no load. */
const WINDOW_MS = 50;
const BUSY_ROWS_PER_MS = 1;
/** From the beginning of one send to that of the next. Half of it costs a fifth more in this process and the broker. */
const APART_MS = 8;

export class RelayPace {
  #rowsPerMs = 0;
  #sentAtMs = -Infinity;

  sent(rows: number, nowMs: number): void {
    const kept = Math.exp((this.#sentAtMs - nowMs) / WINDOW_MS);
    this.#rowsPerMs = this.#rowsPerMs * kept + rows / WINDOW_MS;
    this.#sentAtMs = nowMs;
  }

  /** How long the next send waits; 0 or less when it does not. */
  waitMs(nowMs: number): number {
    return this.#rowsPerMs < BUSY_ROWS_PER_MS ? 0 : this.#sentAtMs + APART_MS - nowMs;
  }
}
