/** Calls that wait, the earliest deadline first, equal ones in the order they came. */

export interface Deadlined {
  /** After it the call could not finish in time any more. */
  readonly latestStartMs: number;
}

export class CallQueue<T extends Deadlined> {
  /** Deadlines mostly grow with time, so most calls are added at the end. */
  #waiting: T[] = [];

  get size(): number {
    return this.#waiting.length;
  }

  get first(): T | undefined {
    return this.#waiting[0];
  }

  add(call: T): void {
    let at = this.#waiting.length;
    while (at > 0 && (this.#waiting[at - 1]?.latestStartMs ?? 0) > call.latestStartMs) at -= 1;
    this.#waiting.splice(at, 0, call);
  }

  take(): T | undefined {
    return this.#waiting.shift();
  }

  remove(call: T): void {
    const at = this.#waiting.indexOf(call);
    if (at >= 0) this.#waiting.splice(at, 1);
  }

  /** Takes out those that are meant. */
  takeAll(isMeant: (call: T) => boolean): T[] {
    const taken: T[] = [];
    const kept: T[] = [];
    for (const call of this.#waiting) (isMeant(call) ? taken : kept).push(call);
    if (taken.length > 0) this.#waiting = kept;
    return taken;
  }

  /** Takes out those that were to start before that moment. */
  takeOverdue(nowMs: number): T[] {
    let count = 0;
    while ((this.#waiting[count]?.latestStartMs ?? Infinity) < nowMs) count += 1;
    return this.#waiting.splice(0, count);
  }

  /**
   * Takes out those that cannot start in time. The first `ready` ones may start now, the next one at `firstMs` at the
   * earliest and each further one `intervalMs` later; that is the least they must wait, so none is taken that could have
   * started.
   */
  takeUnreachable(ready: number, firstMs: number, intervalMs: number): T[] {
    let kept = 0;
    return this.takeAll(({ latestStartMs }) => {
      const isUnreachable = kept >= ready && latestStartMs < firstMs + (kept - ready) * intervalMs;
      if (!isUnreachable) kept += 1;
      return isUnreachable;
    });
  }
}
