/** What a pod asks of an insurer's budget, what it gets, and what it tells. */
import type { BreakerMode, InsurerLimits } from '@osago/contracts';

/** Of the rate, for polls after the deadline. */
export const LATE_SHARE = 0.1;

export interface Ask {
  /** Calls that wait, and those that will probably come before a block of them expires. */
  wanted: number;
  ahead: number;
  /** Polls after the deadline, which come last and share a tenth of the rate. */
  lateWanted: number;
  /** Calls at once: how many are, and how many are wanted. */
  used: number;
  slotsWanted: number;
  limits: InsurerLimits;
  breaker: BreakerMode;
  /** The insurer has answered since the last ask. */
  hasAnswered: boolean;
}

/** Times are of `performance.now()`. */
export interface Lease {
  /** A call may start within each of these. */
  permits: { fromMs: number; untilMs: number }[];
  latePermits: number;
  /** Until when `latePermits` hold. */
  lateUntilMs: number;
  /** When a call beyond the permits could start at the earliest. */
  nextAtMs: number;
  lateNextAtMs: number;
  intervalMs: number;
  slots: number;
  /** `probe`: the first call that starts decides for all pods. */
  breaker: 'closed' | 'open' | 'half_open' | 'probe';
  /** Until the breaker is asked again. */
  breakerUntilMs: number;
  heldUntilMs: number;
  pods: number;
  /** Since the insurer has last answered anybody; undefined when it is not known. */
  answeredAgoMs: number | undefined;
  /** False without Redis. */
  isShared: boolean;
}

/** What a call or an operator found out about the insurer. */
export type Finding =
  | { kind: 'hold'; forMs: number }
  /** Calls fail: the breaker opens. From the probe: it stays open, for longer. */
  | { kind: 'trip'; isProbe: boolean }
  /** The probe was answered. */
  | { kind: 'close' }
  /** The probe came to nothing, for a reason that is not the insurer's. */
  | { kind: 'unprobe' };

export const OPEN_MS = 5_000;
export const OPEN_MS_MAX = 60_000;
/** Longer than any call: a pod that died with the probe must not hold it for good. */
export const PROBE_MS = 65_000;
