/** Partitions that failed last time: each is left alone for a while, longer with each failure in a row. */
const REST_MS_MIN = 250;
const REST_MS_MAX = 4_000;

interface Rest {
  readonly untilMs: number;
  readonly ms: number;
}

export class RelayRests {
  readonly #rests = new Map<string, Rest>();

  failed(partition: string, nowMs: number): void {
    const former = this.#rests.get(partition);
    const ms = former === undefined ? REST_MS_MIN : Math.min(former.ms * 2, REST_MS_MAX);
    this.#rests.set(partition, { ms, untilMs: nowMs + ms });
  }

  recovered(partition: string): void {
    this.#rests.delete(partition);
  }

  /** It failed last time, whether it rests still or not. */
  hasFailed(partition: string): boolean {
    return this.#rests.has(partition);
  }

  resting(nowMs: number): string[] {
    return [...this.#rests].filter(([, { untilMs }]) => untilMs > nowMs).map(([partition]) => partition);
  }

  /** Until the first of them has rested; undefined when none rests. */
  nextEndInMs(nowMs: number): number | undefined {
    const ends = [...this.#rests.values()].map(({ untilMs }) => untilMs).filter((untilMs) => untilMs > nowMs);
    return ends.length === 0 ? undefined : Math.min(...ends) - nowMs;
  }
}
