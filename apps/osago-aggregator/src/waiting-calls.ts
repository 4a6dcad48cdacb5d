/** The calls to one insurer that wait: those in time by deadline, then polls after the deadline. */
import type { InsurerReply } from '@osago/quotes';
import { CallQueue } from './call-queue.ts';

export type Refusal = 'capacity' | 'breaker_open' | 'paused';

export interface Pass {
  /** Once, when the call has ended; undefined when nobody waited for its answer any more. */
  done(reply: InsurerReply | undefined): void;
}

export type Admission = { ok: true; pass: Pass } | { ok: false; refusal: Refusal };

export interface CallToCome {
  /** A new application: not sent while the insurer is paused. */
  isPost: boolean;
  /** A poll after the deadline. */
  isLate: boolean;
  latestStartMs: number;
  signal: AbortSignal;
}

export interface Waiting extends CallToCome {
  settle(admission: Admission): void;
}

const refuse = (calls: readonly Waiting[], refusal: Refusal): void => {
  for (const call of calls) call.settle({ ok: false, refusal });
};

export class WaitingCalls {
  readonly #inTime = new CallQueue<Waiting>();
  readonly #late = new CallQueue<Waiting>();

  get inTime(): number {
    return this.#inTime.size;
  }

  get late(): number {
    return this.#late.size;
  }

  get count(): number {
    return this.#inTime.size + this.#late.size;
  }

  /** When the next one is overdue; Infinity when none waits. */
  get overdueAtMs(): number {
    return Math.min(this.#inTime.first?.latestStartMs ?? Infinity, this.#late.first?.latestStartMs ?? Infinity);
  }

  /** Resolves when the call is let through or refused; refused at once when its signal aborts. */
  add(call: CallToCome): Promise<Admission> {
    return new Promise((resolve) => {
      const onAbort = (): void => {
        this.#queueOf(call).remove(waiting);
        waiting.settle({ ok: false, refusal: 'capacity' });
      };
      const waiting: Waiting = {
        ...call,
        settle: (admission) => {
          call.signal.removeEventListener('abort', onAbort);
          resolve(admission);
        },
      };
      call.signal.addEventListener('abort', onAbort, { once: true });
      this.#queueOf(call).add(waiting);
    });
  }

  #queueOf({ isLate }: CallToCome): CallQueue<Waiting> {
    return isLate ? this.#late : this.#inTime;
  }

  take(): Waiting | undefined {
    return this.#inTime.take();
  }

  takeLate(): Waiting | undefined {
    return this.#late.take();
  }

  /** Those that were to start before that moment cannot finish in time any more. */
  refuseOverdue(nowMs: number): void {
    refuse([...this.#inTime.takeOverdue(nowMs), ...this.#late.takeOverdue(nowMs)], 'capacity');
  }

  /** {@link CallQueue.takeUnreachable} */
  refuseUnreachable(ready: number, firstMs: number, intervalMs: number): void {
    refuse(this.#inTime.takeUnreachable(ready, firstMs, intervalMs), 'capacity');
  }

  refusePosts(refusal: Refusal): void {
    refuse(this.#inTime.takeAll(({ isPost }) => isPost), refusal);
  }

  /** True when one is kept: the first of them. */
  refuseAllButOne(refusal: Refusal): boolean {
    const kept = this.#inTime.take() ?? this.#late.take();
    this.refuseAll(refusal);
    if (kept !== undefined) this.#queueOf(kept).add(kept);
    return kept !== undefined;
  }

  refuseAll(refusal: Refusal): void {
    refuse([...this.#inTime.takeAll(() => true), ...this.#late.takeAll(() => true)], refusal);
  }
}
