/** The permits that a pod has leased and not used yet. One that is not used in time is worth nothing. */
import type { Lease } from './lease.ts';

export class CallPermits {
  #permits: Lease['permits'] = [];
  #late = 0;
  #lateUntilMs = 0;

  get count(): number {
    return this.#permits.length;
  }

  get lateCount(): number {
    return this.#late;
  }

  /** When the next one may be used; Infinity when there is none. */
  get nextAtMs(): number {
    return this.#permits[0]?.fromMs ?? Infinity;
  }

  add({ permits, latePermits, lateUntilMs }: Pick<Lease, 'permits' | 'latePermits' | 'lateUntilMs'>): void {
    this.#permits.push(...permits);
    this.#late = latePermits;
    this.#lateUntilMs = lateUntilMs;
  }

  drop(): void {
    this.#permits = [];
    this.#late = 0;
  }

  dropExpired(nowMs: number): void {
    let expired = 0;
    // In the order in which they were reserved, and so in which they expire.
    while ((this.#permits[expired]?.untilMs ?? Infinity) < nowMs) expired += 1;
    if (expired > 0) this.#permits.splice(0, expired);
    if (nowMs > this.#lateUntilMs) this.#late = 0;
  }

  take(nowMs: number): boolean {
    if (this.nextAtMs > nowMs) return false;
    this.#permits.shift();
    return true;
  }

  takeLate(): boolean {
    if (this.#late === 0) return false;
    this.#late -= 1;
    return true;
  }
}
