/** What one simulated insurer saw of its callers, so that a test can hold them against it. */

const SECOND_MS = 1_000;

export interface Counters {
  /** All calls, those that a fault struck and those answered with 429 too. */
  calls: number;
  posts: number;
  /** POSTs whose key was known already. */
  duplicate_posts: number;
  polls: number;
  /** Calls answered with 429. */
  limited: number;
  /** Calls that a fault struck on the wire: late answers and a skewed clock are not among them. */
  faulted: number;
  /** The most calls that were open at once. */
  in_flight_max: number;
  /** The most calls that began within any one second. */
  per_second_max: number;
  /** The most POSTs that one idempotency key had. */
  by_idempotency_key_max: number;
}

const zero = (): Counters => ({
  calls: 0,
  posts: 0,
  duplicate_posts: 0,
  polls: 0,
  limited: 0,
  faulted: 0,
  in_flight_max: 0,
  per_second_max: 0,
  by_idempotency_key_max: 0,
});

export class CallCounter {
  counters: Counters = zero();
  #inFlight = 0;
  /** When the calls of the last second began, oldest first; those before `#from` have been forgotten. */
  #begunAtMs: number[] = [];
  #from = 0;

  /** Counts a call as open until the returned function is called. */
  begin(nowMs: number): () => void {
    this.#inFlight += 1;
    this.#begunAtMs.push(nowMs);
    while ((this.#begunAtMs[this.#from] ?? nowMs) <= nowMs - SECOND_MS) this.#from += 1;
    if (this.#from > this.#begunAtMs.length / 2) {
      this.#begunAtMs = this.#begunAtMs.slice(this.#from);
      this.#from = 0;
    }
    const { counters } = this;
    counters.calls += 1;
    counters.in_flight_max = Math.max(counters.in_flight_max, this.#inFlight);
    counters.per_second_max = Math.max(counters.per_second_max, this.#begunAtMs.length - this.#from);
    return () => {
      this.#inFlight -= 1;
    };
  }

  /** Begins anew; what is open stays open. */
  reset(): void {
    this.counters = zero();
  }
}
