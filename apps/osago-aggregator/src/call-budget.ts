/**
 * What one insurer bears, shared by all pods: rate and burst, calls at once, a wait that it asked for, its breaker. One
 * hash in Redis an insurer, one round trip for a block of calls, by Redis' own clock. Without Redis each pod keeps its
 * share by itself.
 */
import type { InsurerLimits } from '@osago/contracts';
import { tolerantRate } from '@osago/quotes';
import { LEASE, LEASE_REPLY, LEAVE, SETTLE } from './call-budget-scripts.ts';
import { type Ask, type Finding, LATE_SHARE, type Lease, OPEN_MS_MAX, PROBE_MS } from './lease.ts';
import { LocalBudget } from './local-budget.ts';

/** The part of RedisStore that is used: undefined when Redis could not do it. */
export interface Scripts {
  script<T>(lua: string, key: string, args: readonly (string | number)[]): Promise<T | undefined>;
}

/** A reserved call starts within this share of the tolerance; the rest is for its way to the insurer. */
const START_SHARE = 0.6;
/** Reserved calls may start so far in the future: then a pod need not ask again the very moment a call may start. */
const HORIZON_MS = 50;
/** A pod that does not renew has gone, and its calls with it. */
const POD_TTL_MS = 3_000;
const us = (ms: number): number => Math.round(ms * 1_000);

/** How late a reserved call may start. */
export const startToleranceMs = (limits: InsurerLimits): number =>
  tolerantRate({ perSecond: limits.rate_per_s, burst: limits.burst }).toleranceMs * START_SHARE;

export class CallBudget {
  readonly #redis: Scripts;
  readonly #key: string;
  readonly #pod: string;
  readonly #openMs: number;
  readonly #local: LocalBudget;
  /** The pods that Redis knew when it was last asked. */
  #pods = 1;

  constructor(redis: Scripts, insurerId: string, { pod, openMs }: { pod: string; openMs: number }) {
    this.#redis = redis;
    this.#key = `osago:{insurer:${insurerId}}:budget`;
    this.#pod = pod;
    this.#openMs = openMs;
    this.#local = new LocalBudget(openMs);
  }

  async lease(ask: Ask): Promise<Lease> {
    const askedAtMs = performance.now();
    const reply = await this.#redis.script<number[]>(LEASE, this.#key, this.#leaseArgs(ask, this.#local.owed(askedAtMs)));
    const nowMs = performance.now();
    if (reply === undefined) return this.#local.lease(ask, { nowMs, pods: this.#pods, horizonMs: HORIZON_MS, startShare: START_SHARE });
    this.#local.forget();
    const lease = readLease(reply, ask.limits, { askedAtMs, nowMs });
    this.#pods = lease.pods;
    return lease;
  }

  /** Known to all pods when it resolves; without Redis to this one. */
  async found(finding: Finding): Promise<void> {
    this.#local.found(finding, performance.now());
    const forMs = finding.kind === 'hold' ? finding.forMs : this.#openMs;
    const isProbe = finding.kind === 'trip' && finding.isProbe;
    await this.#redis.script(SETTLE, this.#key, [finding.kind, us(forMs), us(OPEN_MS_MAX), isProbe ? 1 : 0]);
  }

  /** This pod is no more: its slots and its part of the limits are for the others. */
  async leave(): Promise<void> {
    await this.#redis.script(LEAVE, this.#key, [`pod:${this.#pod}`]);
  }

  #leaseArgs(ask: Ask, owed: number): (string | number)[] {
    const { limits } = ask;
    const { intervalMs, burst } = tolerantRate({ perSecond: limits.rate_per_s, burst: limits.burst });
    const late = [LATE_SHARE, Math.max(1, Math.floor(burst * LATE_SHARE))];
    const calls = [ask.wanted, ask.ahead, ask.lateWanted];
    const slots = [limits.concurrency, ask.used, ask.slotsWanted, us(POD_TTL_MS)];
    const breaker = [ask.breaker, us(PROBE_MS), ask.hasAnswered ? 1 : 0, owed];
    return [this.#pod, Math.ceil(us(intervalMs)), burst, us(HORIZON_MS), ...calls, ...late, ...slots, ...breaker];
  }
}

const BREAKERS = ['closed', 'open', 'half_open', 'probe'] as const;

/** Start times count from the answer, ends from the question: never too early and never too late. */
const readLease = (
  reply: readonly number[],
  limits: InsurerLimits,
  { askedAtMs, nowMs }: { askedAtMs: number; nowMs: number },
): Lease => {
  const ms = (name: keyof typeof LEASE_REPLY): number => (reply[LEASE_REPLY[name]] ?? 0) / 1_000;
  const count = (name: keyof typeof LEASE_REPLY): number => reply[LEASE_REPLY[name]] ?? 0;
  const intervalMs = 1_000 / limits.rate_per_s;
  const toleranceMs = startToleranceMs(limits);
  const permits: Lease['permits'] = [];
  for (let delayMs = ms('firstDelay'); permits.length < count('permits'); delayMs += intervalMs) {
    permits.push({ fromMs: nowMs + Math.max(0, delayMs), untilMs: askedAtMs + Math.max(0, delayMs) + toleranceMs });
  }
  return {
    permits,
    latePermits: count('latePermits'),
    lateUntilMs: askedAtMs + toleranceMs,
    nextAtMs: nowMs + ms('nextDelay'),
    lateNextAtMs: nowMs + ms('lateNextDelay'),
    intervalMs,
    slots: count('slots'),
    breaker: BREAKERS[count('breaker')] ?? 'closed',
    breakerUntilMs: nowMs + ms('breakerFor'),
    heldUntilMs: nowMs + ms('heldFor'),
    pods: count('pods'),
    answeredAgoMs: count('answeredAgo') < 0 ? undefined : ms('answeredAgo'),
    isShared: true,
  };
};
