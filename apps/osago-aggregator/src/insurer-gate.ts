/**
 * Lets calls to one insurer through as its budget allows: the earliest deadline first, polls after the deadline last.
 * Permits are leased in blocks ahead of the calls, so most calls wait for nothing. A call that can no longer finish in
 * time is told so at once, as is every call while the breaker is open.
 */
import type { BreakerMode, InsurerLimits } from '@osago/contracts';
import type { InsurerReply } from '@osago/quotes';
import type { Clock } from '@osago/service-kit';
import { type CallBudget, startToleranceMs } from './call-budget.ts';
import { CallPermits } from './call-permits.ts';
import { InsurerBreaker, isSick } from './insurer-breaker.ts';
import type { Finding, Lease } from './lease.ts';
import { type Admission, type CallToCome, type Pass, type Refusal, type Waiting, WaitingCalls } from './waiting-calls.ts';

export interface GateControl {
  limits: InsurerLimits;
  breaker: BreakerMode;
  paused: boolean;
}

/** Calls that wait, of one pod. Each holds a few hundred bytes; beyond it the deadline could not be met anyway. */
const WAITING_MAX = 20_000;
/** Calls of one block: more could not start before it expires. */
const BLOCK_MAX = 200;
/** Slots beyond those in use, so that a call need not wait for a round trip. */
const SPARE_SLOTS = 2;
/** While another pod has the slots, or the probe is out. */
const ASK_AGAIN_MS = 50;
/** While calls wait the slots are shared out again so often. */
const SHARE_AGAIN_MS = 100;
/** An open breaker is asked for so often, so that pods agree. */
const BREAKER_ASK_MS = 250;
/** An insurer may not hold itself for longer: nobody waits longer for it. */
const HOLD_MS_MAX = 60_000;
/** A timer takes no more than 2^31 ms. */
const TIMER_MS_MAX = 60_000;
/** Slots that were not used for so long go back. */
const GIVE_BACK_MS = 250;
/** How much a block's pace of calls weighs against those before it: one block may fall between two calls. */
const PACE_WEIGHT = 0.3;

export interface GateView {
  breaker: Lease['breaker'];
  /** From now on; 0 when it is not held. */
  heldForMs: number;
  answeredAgoMs: number | undefined;
  pods: number;
  isShared: boolean;
}

export class InsurerGate {
  readonly #budget: Pick<CallBudget, 'lease' | 'found' | 'leave'>;
  readonly #clock: Clock;
  readonly #breaker = new InsurerBreaker();
  readonly #waiting = new WaitingCalls();
  readonly #permits = new CallPermits();
  #control: GateControl;
  /** The next call that starts is the probe. */
  #isProbe = false;
  #slots = 0;
  #used = 0;
  #usedMost = 0;
  #leasing: Promise<void> | undefined;
  #lease: Lease | undefined;
  #leasedAtMs = 0;
  #nextLeaseAtMs = 0;
  /** Before it there is no further permit for anybody. */
  #nextPermitAtMs = 0;
  #openUntilMs = 0;
  #giveBackAtMs = Infinity;
  #heldUntilMs = 0;
  #starts = { count: 0, sinceMs: performance.now(), perMs: 0 };
  #hasAnswered = false;
  #timer: NodeJS.Timeout | undefined;
  /** When it rings. */
  #wakeAtMs = Infinity;

  constructor(deps: { budget: Pick<CallBudget, 'lease' | 'found' | 'leave'>; clock: Clock }, control: GateControl) {
    this.#budget = deps.budget;
    this.#clock = deps.clock;
    this.#control = control;
  }

  get waiting(): number {
    return this.#waiting.count;
  }

  /** Resolves when the call may start, or may not; at once when its signal aborts. */
  admit(call: CallToCome): Promise<Admission> {
    const refusal = this.#refusalOf(call);
    if (refusal !== undefined) return Promise.resolve({ ok: false, refusal });
    const pass = this.#passAtOnce(call);
    if (pass !== undefined) return Promise.resolve({ ok: true, pass });
    const admission = this.#waiting.add(call);
    this.#pump();
    return admission;
  }

  #refusalOf({ isPost, signal, latestStartMs }: CallToCome): Refusal | undefined {
    const nowMs = performance.now();
    if (isPost && this.#control.paused) return 'paused';
    if (nowMs < this.#openUntilMs) return 'breaker_open';
    const isFull = this.#waiting.count >= WAITING_MAX;
    const waitMs = this.#permits.count > 0 ? 0 : Math.max(0, this.#nextPermitAtMs - nowMs);
    return signal.aborted || isFull || latestStartMs < this.#clock.nowMs() + waitMs ? 'capacity' : undefined;
  }

  /** What an operator has changed holds from the next call on. */
  setControl(control: GateControl): void {
    const before = this.#control;
    this.#control = control;
    if (JSON.stringify(before) === JSON.stringify(control)) return;
    this.#permits.drop();
    this.#openUntilMs = 0;
    this.#nextLeaseAtMs = 0;
    this.#nextPermitAtMs = this.#heldUntilMs;
    this.#slots = Math.min(this.#slots, control.limits.concurrency);
    if (control.breaker !== before.breaker) this.#breaker.reset();
    if (control.paused) this.#waiting.refusePosts('paused');
    this.#pump();
  }

  /** Tells the other pods that this one is alive, gives unused slots back, and learns how the insurer is. */
  async renew(): Promise<GateView> {
    await (this.#leasing ?? this.#ask());
    const { breaker = 'closed', answeredAgoMs, pods = 1, isShared = false } = this.#lease ?? {};
    const heldForMs = Math.max(0, this.#heldUntilMs - performance.now());
    return { breaker, heldForMs, answeredAgoMs, pods, isShared };
  }

  /** What waits is refused, and the slots are for other pods. */
  async close(): Promise<void> {
    this.#waiting.refuseAll('capacity');
    await this.#leasing;
    clearTimeout(this.#timer);
    await this.#budget.leave();
  }

  #pump(): void {
    const nowMs = performance.now();
    this.#waiting.refuseOverdue(this.#clock.nowMs());
    this.#permits.dropExpired(nowMs);
    while (this.#waiting.inTime > 0 && this.#used < this.#slots && this.#permits.take(nowMs)) this.#start(this.#waiting.take());
    while (this.#waiting.inTime === 0 && this.#waiting.late > 0 && this.#used < this.#slots && this.#permits.takeLate()) {
      this.#start(this.#waiting.takeLate());
    }
    if (this.#isAskDue(nowMs)) void this.#ask();
    this.#sleep(nowMs);
  }

  #start(call: Waiting | undefined): void {
    call?.settle({ ok: true, pass: this.#pass() });
  }

  /** For most calls: none waits before it, and what it needs is leased. */
  #passAtOnce({ isLate }: CallToCome): Pass | undefined {
    if (this.#waiting.count > 0 || this.#used >= this.#slots) return undefined;
    const nowMs = performance.now();
    this.#permits.dropExpired(nowMs);
    const isPermitted = isLate ? this.#permits.takeLate() : this.#permits.take(nowMs);
    if (!isPermitted) return undefined;
    this.#giveBackAtMs = Infinity;
    return this.#pass();
  }

  #pass(): Pass {
    const isProbe = this.#isProbe;
    this.#isProbe = false;
    this.#used += 1;
    this.#usedMost = Math.max(this.#usedMost, this.#used);
    this.#starts.count += 1;
    let isDone = false;
    return {
      done: (reply) => {
        if (isDone) return;
        isDone = true;
        this.#used -= 1;
        this.#learn(reply, isProbe);
        this.#pump();
      },
    };
  }

  #learn(reply: InsurerReply | undefined, isProbe: boolean): void {
    if (reply === undefined || (reply.kind === 'fault' && reply.fault === 'busy')) {
      if (reply?.retryAfterMs !== undefined) this.#hold(Math.min(HOLD_MS_MAX, reply.retryAfterMs));
      if (isProbe) this.#tell({ kind: 'unprobe' });
      return;
    }
    if (!isSick(reply)) this.#hasAnswered = true;
    const isTripped = this.#breaker.record(reply);
    if (isProbe && !isSick(reply)) {
      this.#breaker.reset();
      this.#openUntilMs = 0;
      this.#nextLeaseAtMs = 0;
      this.#tell({ kind: 'close' });
    } else if (isProbe || (isTripped && this.#control.breaker === 'auto')) {
      this.#breaker.reset();
      this.#openUntilMs = performance.now() + BREAKER_ASK_MS;
      this.#permits.drop();
      this.#waiting.refuseAll('breaker_open');
      this.#tell({ kind: 'trip', isProbe });
    }
  }

  /** The insurer asked us to wait: that holds for every call to it. */
  #hold(forMs: number): void {
    this.#heldUntilMs = Math.max(this.#heldUntilMs, performance.now() + forMs);
    this.#nextLeaseAtMs = this.#heldUntilMs;
    this.#nextPermitAtMs = this.#heldUntilMs;
    this.#permits.drop();
    this.#waiting.refuseOverdue(this.#clock.nowMs() + forMs);
    this.#tell({ kind: 'hold', forMs });
  }

  #tell(finding: Finding): void {
    void this.#budget.found(finding);
  }

  /** Something waits that what was leased does not let through. */
  #isShort(): boolean {
    const { count, inTime, late } = this.#waiting;
    if (count === 0) return false;
    if (this.#used >= this.#slots) return this.#slots < this.#control.limits.concurrency;
    return inTime > 0 ? inTime > this.#permits.count : late > this.#permits.lateCount;
  }

  #isAskDue(nowMs: number): boolean {
    if (this.#leasing !== undefined) return false;
    return nowMs >= this.#askAtMs();
  }

  /** While calls wait it asks now and then, short or not: another pod may need some of its slots. */
  #askAtMs(): number {
    if (this.#isShort()) return this.#nextLeaseAtMs;
    return this.#waiting.count > 0 ? this.#leasedAtMs + SHARE_AGAIN_MS : this.#giveBackAtMs;
  }

  #sleep(nowMs: number): void {
    const isIdle = this.#waiting.count === 0 && this.#slots > (this.#used === 0 ? 0 : this.#used + SPARE_SLOTS);
    if (!isIdle) this.#giveBackAtMs = Infinity;
    else if (this.#giveBackAtMs === Infinity) this.#giveBackAtMs = nowMs + GIVE_BACK_MS;
    const wakeAtMs = Math.min(
      this.#waiting.inTime > 0 && this.#used < this.#slots ? this.#permits.nextAtMs : Infinity,
      this.#leasing === undefined ? this.#askAtMs() : Infinity,
      // A whole millisecond beyond it, when it is over.
      nowMs + this.#waiting.overdueAtMs - this.#clock.nowMs() + 1,
    );
    // One that rings too early does no harm, and calls begin and end far more often than it rings.
    if (wakeAtMs >= this.#wakeAtMs) return;
    clearTimeout(this.#timer);
    this.#wakeAtMs = wakeAtMs;
    this.#timer = setTimeout(() => {
      this.#wakeAtMs = Infinity;
      this.#pump();
    }, Math.min(Math.max(0, Math.ceil(wakeAtMs - nowMs)), TIMER_MS_MAX));
  }

  #ask(): Promise<void> {
    this.#leasing ??= this.#askNow().finally(() => {
      this.#leasing = undefined;
      this.#pump();
    });
    return this.#leasing;
  }

  async #askNow(): Promise<void> {
    const askedAtMs = performance.now();
    const ahead = Math.min(BLOCK_MAX, Math.floor(this.#startsPerMs(askedAtMs) * startToleranceMs(this.#control.limits)));
    const { count, inTime, late } = this.#waiting;
    const usedSoon = count > 0 ? Math.max(this.#used + count, this.#usedMost) : this.#used;
    const slotsWanted = usedSoon === 0 ? 0 : usedSoon + SPARE_SLOTS;
    this.#usedMost = this.#used;
    const hasAnswered = this.#hasAnswered;
    this.#hasAnswered = false;
    const lease = await this.#budget.lease({
      wanted: Math.min(BLOCK_MAX, Math.max(0, inTime - this.#permits.count)),
      ahead: inTime > 0 ? ahead : 0,
      lateWanted: inTime > 0 ? 0 : Math.min(BLOCK_MAX, late),
      used: this.#used,
      slotsWanted: Math.min(slotsWanted, this.#control.limits.concurrency),
      limits: this.#control.limits,
      breaker: this.#control.breaker,
      hasAnswered,
    });
    this.#take(lease);
  }

  #startsPerMs(nowMs: number): number {
    const { count, sinceMs, perMs } = this.#starts;
    const measured = count / Math.max(1, nowMs - sinceMs);
    this.#starts = { count: 0, sinceMs: nowMs, perMs: perMs + PACE_WEIGHT * (measured - perMs) };
    return this.#starts.perMs;
  }

  #take(lease: Lease): void {
    const nowMs = performance.now();
    if (this.#lease?.breaker !== 'closed' && lease.breaker === 'closed') this.#breaker.reset();
    this.#lease = lease;
    this.#leasedAtMs = nowMs;
    this.#slots = lease.slots;
    this.#heldUntilMs = Math.max(this.#heldUntilMs, lease.heldUntilMs);
    this.#nextLeaseAtMs = Math.max(this.#heldUntilMs, nowMs + ASK_AGAIN_MS);
    this.#giveBackAtMs = Infinity;
    this.#isProbe = lease.breaker === 'probe';
    if (lease.breaker === 'open') {
      this.#openUntilMs = Math.min(lease.breakerUntilMs, nowMs + BREAKER_ASK_MS);
      this.#waiting.refuseAll('breaker_open');
    }
    if (this.#isProbe) {
      // One call decides; the others do not wait for what it finds out.
      this.#openUntilMs = nowMs + BREAKER_ASK_MS;
      this.#isProbe = this.#waiting.refuseAllButOne('breaker_open');
      if (!this.#isProbe) this.#tell({ kind: 'unprobe' });
    }
    if (this.#heldUntilMs <= nowMs) this.#permits.add(lease);
    this.#nextPermitAtMs = Math.max(this.#heldUntilMs, lease.nextAtMs);
    this.#waiting.refuseUnreachable(this.#permits.count, this.#clock.nowMs() + this.#nextPermitAtMs - nowMs, lease.intervalMs);
    if (this.#used >= this.#slots) return;
    this.#nextLeaseAtMs = Math.max(this.#heldUntilMs, this.#waiting.inTime > 0 ? lease.nextAtMs : lease.lateNextAtMs);
  }
}
