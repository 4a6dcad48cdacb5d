/**
 * Finds out from this pod's own calls that an insurer is sick. Whether its breaker is open is kept in the budget that all
 * pods share (call-budget.ts), which also lets a single probe through.
 */
import type { FaultKind, InsurerReply } from '@osago/quotes';
import { CircuitState, CountBreaker } from 'cockatiel';

/** By count and not by time: an insurer that is asked once a second must be found out too. */
const CALLS_LOOKED_AT = 20;
const CALLS_MIN = 10;
const FAILED_SHARE = 0.5;

/** `busy` says itself when to come back, and `rejected` is about one application. */
const SICK: ReadonlySet<FaultKind> = new Set<FaultKind>(['connection', 'timeout', 'server', 'malformed']);

export const isSick = (reply: InsurerReply): boolean => reply.kind === 'fault' && SICK.has(reply.fault);

const countBreaker = (): CountBreaker =>
  new CountBreaker({ threshold: FAILED_SHARE, size: CALLS_LOOKED_AT, minimumNumberOfCalls: CALLS_MIN });

export class InsurerBreaker {
  #calls = countBreaker();

  /** True when it should open. */
  record(reply: InsurerReply): boolean {
    if (isSick(reply)) return this.#calls.failure(CircuitState.Closed);
    this.#calls.success(CircuitState.Closed);
    return false;
  }

  /** What was before it opened does not count against it afterwards. */
  reset(): void {
    this.#calls = countBreaker();
  }
}
