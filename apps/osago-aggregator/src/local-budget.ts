/** The same promises as call-budget.ts for one pod by itself, while Redis is away: its share of rate, burst and slots. */
import { reserveBlock, shareOf, tolerantRate } from '@osago/quotes';
import { type Ask, type Finding, LATE_SHARE, type Lease, OPEN_MS_MAX, PROBE_MS } from './lease.ts';

export interface Around {
  nowMs: number;
  /** The pods that share the limits. */
  pods: number;
  horizonMs: number;
  startShare: number;
}

/** The breaker may only be open for this pod; then it is asked again after at most so long. */
const ASK_AGAIN_MS = 1_000;

export class LocalBudget {
  readonly #openMs: number;
  #wholeAtMs = 0;
  #intervalMs = 1;
  #lateWholeAtMs = 0;
  #heldUntilMs = 0;
  #openUntilMs: number | undefined;
  #probeUntilMs = 0;
  #opened = 0;

  constructor(openMs: number) {
    this.#openMs = openMs;
  }

  /** Calls that were reserved here and that time has not made good yet: the shared budget does not know of them. */
  owed(nowMs: number): number {
    return Math.max(0, this.#wholeAtMs - nowMs) / this.#intervalMs;
  }

  /** Redis is back, and has heard what is owed: nothing is reserved here any more. Findings stay, for the next time. */
  forget(): void {
    this.#wholeAtMs = 0;
    this.#lateWholeAtMs = 0;
  }

  found(finding: Finding, nowMs: number): void {
    switch (finding.kind) {
      case 'hold':
        this.#heldUntilMs = Math.max(this.#heldUntilMs, nowMs + finding.forMs);
        return;
      case 'trip':
        if (this.#openUntilMs !== undefined && !finding.isProbe) return;
        this.#openUntilMs = nowMs + Math.min(OPEN_MS_MAX, this.#openMs * 2 ** this.#opened);
        this.#opened += 1;
        this.#probeUntilMs = 0;
        return;
      case 'close':
        this.#openUntilMs = undefined;
        this.#opened = 0;
        this.#probeUntilMs = 0;
        return;
      case 'unprobe':
        this.#probeUntilMs = 0;
        return;
    }
  }

  lease(ask: Ask, { nowMs, pods, horizonMs, startShare }: Around): Lease {
    const rate = tolerantRate(shareOf({ perSecond: ask.limits.rate_per_s, burst: ask.limits.burst }, pods));
    const slots = Math.min(ask.slotsWanted, Math.max(1, Math.floor(ask.limits.concurrency / pods)));
    const breakerUntilMs = ask.breaker === 'open' ? nowMs + ASK_AGAIN_MS : this.#closedAtMs(ask);
    const isOpen = breakerUntilMs > nowMs;
    const isHalfOpen = !isOpen && ask.breaker === 'auto' && this.#openUntilMs !== undefined;
    const isStopped = isOpen || this.#heldUntilMs > nowMs;
    const most = isStopped ? 0 : isHalfOpen ? 1 : Infinity;
    const ahead = isHalfOpen || isStopped ? 0 : ask.ahead;
    const count = Math.min(ask.wanted, most, Math.max(0, slots - ask.used) + ahead);
    const block = reserveBlock(this.#wholeAtMs, rate, nowMs, { count, ahead, horizonMs });
    const lateRate = { intervalMs: rate.intervalMs / LATE_SHARE, burst: Math.max(1, Math.floor(rate.burst * LATE_SHARE)) };
    const lateCount = block.nextDelayMs > 0 ? 0 : Math.min(ask.lateWanted, most - Math.min(most, block.delaysMs.length));
    const late = reserveBlock(this.#lateWholeAtMs, lateRate, nowMs, { count: lateCount, ahead: 0, horizonMs: 0 });
    this.#intervalMs = rate.intervalMs;
    this.#wholeAtMs = block.wholeAtMs + late.delaysMs.length * rate.intervalMs;
    this.#lateWholeAtMs = late.wholeAtMs;
    const isProbe = isHalfOpen && block.delaysMs.length + late.delaysMs.length > 0;
    if (isProbe) this.#probeUntilMs = nowMs + PROBE_MS;
    const toleranceMs = rate.toleranceMs * startShare;
    return {
      permits: block.delaysMs.map((delayMs) => ({ fromMs: nowMs + delayMs, untilMs: nowMs + delayMs + toleranceMs })),
      latePermits: late.delaysMs.length,
      lateUntilMs: nowMs + toleranceMs,
      nextAtMs: nowMs + block.nextDelayMs,
      lateNextAtMs: nowMs + Math.max(block.nextDelayMs, late.nextDelayMs),
      intervalMs: rate.intervalMs,
      slots,
      breaker: isOpen ? 'open' : isProbe ? 'probe' : isHalfOpen ? 'half_open' : 'closed',
      breakerUntilMs,
      heldUntilMs: this.#heldUntilMs,
      pods,
      answeredAgoMs: undefined,
      isShared: false,
    };
  }

  #closedAtMs({ breaker }: Ask): number {
    if (breaker === 'closed' || this.#openUntilMs === undefined) return 0;
    return Math.max(this.#openUntilMs, this.#probeUntilMs);
  }
}
