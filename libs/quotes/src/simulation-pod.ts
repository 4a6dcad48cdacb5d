/**
 * One incarnation of an aggregator pod: a process that may die or stand still, its connection to Redis, and the lease
 * holder of design §7, as `run-driver.ts` of the app is. What it does as the owner of the partition is in
 * `simulation-owner.ts`.
 */
import { beginRun } from './run.ts';
import {
  type Claim,
  LEASE_MS,
  type Mail,
  mayDrive,
  RENEW_MS,
  revisionOf,
  type RunCommand,
  type RunHead,
  type Saved,
} from './run-lease.ts';
import { isRunOver, type LegRun, type RunState } from './run-state.ts';
import { REQUEST_ID } from './simulation-events.ts';
import { type Carrier, SimulatedExecutor } from './simulation-executor.ts';
import { SimulatedOwner, type Tracked } from './simulation-owner.ts';
import { PARTITION, type World } from './simulation-world.ts';

const TIMEOUT_MS = 500;

export class SimulatedPod implements Carrier {
  readonly name: string;
  readonly owner: SimulatedOwner;
  readonly #world: World;
  #isAlive = true;
  #isStopping = false;
  #pausedUntilMs = 0;
  #executor: SimulatedExecutor | undefined;
  readonly #commands = new Map<number, RunCommand>();
  #head: RunHead = { traceparent: '' };
  #isClaiming = false;
  #leaseUntilMs = 0;
  #handled: readonly Mail[] = [];

  constructor(world: World, name: string) {
    this.#world = world;
    this.name = name;
    this.owner = new SimulatedOwner(world, this);
    world.note({ kind: 'joined', atMs: world.agenda.nowMs, pod: name });
    this.later(world.random.integer(0, RENEW_MS), () => this.#beat());
  }

  get isAlive(): boolean {
    return this.#isAlive;
  }

  get isPaused(): boolean {
    return this.#world.agenda.nowMs < this.#pausedUntilMs;
  }

  get isBusy(): boolean {
    return this.#isAlive && (this.#executor !== undefined || this.#isClaiming || this.owner.isBusy);
  }

  later(delayMs: number, happen: () => void): void {
    this.#world.agenda.after(Math.max(0, delayMs), () => this.#whenAwake(happen));
  }

  #whenAwake(happen: () => void): void {
    if (!this.#isAlive) return;
    if (this.isPaused) this.#world.agenda.at(this.#pausedUntilMs, () => this.#whenAwake(happen));
    else happen();
  }

  dies(): boolean {
    if (!this.#isAlive) return true;
    if (!this.#world.isFatal()) return false;
    this.crash();
    return true;
  }

  crash(): void {
    this.#isAlive = false;
    this.#world.note({ kind: 'crashed', atMs: this.#world.agenda.nowMs, pod: this.name });
    this.#world.onCrash(this);
  }

  /** The whole process stands still and knows nothing of it. */
  pause(forMs: number): void {
    this.#pausedUntilMs = this.#world.agenda.nowMs + forMs;
    this.#world.note({ kind: 'paused', atMs: this.#world.agenda.nowMs, pod: this.name, untilMs: this.#pausedUntilMs });
  }

  /** On request: its runs are orphans at once. */
  leave(): void {
    this.#isStopping = true;
    this.owner.onRevoked();
    this.#executor?.abandon('dropped');
    if (this.awayForMs() === 0) this.#world.redis.release(PARTITION, this.name);
    this.#isAlive = false;
    this.#world.note({ kind: 'left', atMs: this.#world.agenda.nowMs, pod: this.name });
  }

  // Redis ------------------------------------------------------------------------------------------------------------

  awayForMs(): number {
    const sinceMs = this.#world.redisAwaySinceMs(this);
    return sinceMs === undefined ? 0 : this.#world.agenda.nowMs - sinceMs;
  }

  ask<T>(question: () => T, then: (answer: T | undefined) => void): void {
    const { agenda, random, note, replyLostShare } = this.#world;
    if (this.#world.redisAwaySinceMs(this) !== undefined) {
      this.later(random.pick([0, 0, TIMEOUT_MS]), () => then(undefined));
      return;
    }
    const answer = question();
    if (random.chance(replyLostShare)) {
      note({ kind: 'redis', atMs: agenda.nowMs, what: 'reply lost' });
      this.later(TIMEOUT_MS, () => then(undefined));
      return;
    }
    this.later(random.integer(1, 8), () => then(answer));
  }

  // The lease holder -------------------------------------------------------------------------------------------------

  save(run: RunState, legs: readonly LegRun[], then: (saved: Exclude<Saved, 'lost'>) => void): void {
    const { agenda, redis, note } = this.#world;
    const stored = (saved: Saved, what: readonly LegRun[]): Saved => {
      if (saved === 'saved') note({ kind: 'stored', atMs: agenda.nowMs, pod: this.name, fence: run.fence, legs: what });
      return saved;
    };
    const isOver = isRunOver(run);
    this.ask(
      () => stored(redis.save(PARTITION, run, this.name, { legs, isOver }), legs),
      (saved) => {
        if (saved !== 'lost') return then(saved ?? 'saved');
        const whole = { head: this.#head, commands: [...this.#commands.values()] };
        this.ask(
          () => stored(redis.save(PARTITION, run, this.name, { legs: run.legs, isOver, whole }), run.legs),
          (again) => then(again === 'superseded' ? again : 'saved'),
        );
      },
    );
  }

  onStep(): void {
    this.owner.look();
  }

  onEnd(executor: SimulatedExecutor): void {
    if (this.#executor === executor) this.#executor = undefined;
    this.owner.look();
  }

  command(command: RunCommand): void {
    if (this.#executor === undefined || this.#commands.has(revisionOf(command))) return;
    this.#commands.set(revisionOf(command), command);
    this.#executor.handle(command);
  }

  #claim(tracked: Tracked | undefined, then: (claim: Claim | 'not ours' | undefined) => void): void {
    if (this.#executor !== undefined || this.#isClaiming || this.#isStopping) return then('not ours');
    this.#isClaiming = true;
    this.ask(
      () => this.#world.redis.claim(PARTITION, REQUEST_ID, this.name, { head: tracked?.head, heard: tracked?.commands }),
      (claim) => {
        this.#isClaiming = false;
        if (this.dies()) return;
        then(claim === 'driven' || claim === 'unknown' ? 'not ours' : claim);
      },
    );
  }

  get run(): RunState | undefined {
    return this.#executor?.run;
  }

  /** For the owner: drives the run unless another pod does. Without a lease only if the partition is not lost. */
  begin(isLost: () => boolean, tracked: Tracked, then: () => void): void {
    this.#claim(tracked, (claim) => {
      if (claim !== 'not ours' && !(claim === undefined && isLost())) this.#drive('owner', tracked, claim);
      then();
    });
  }

  #drive(how: 'owner' | 'heir', tracked: Tracked | undefined, claim: Claim | undefined): void {
    const { agenda, note } = this.#world;
    const { nowMs } = agenda;
    const fence = claim?.fence ?? nowMs;
    this.#head = { traceparent: '', ...claim?.head, ...tracked?.head };
    const { panel = [], policy_start_date: policyStartDate } = this.#head.asked ?? {};
    const asked = { request_id: REQUEST_ID, revision: 1 as const, panel, policyStartDate };
    const { run, effects } = beginRun(asked, claim?.legs ?? new Map<string, LegRun>(), fence, nowMs);
    note({ kind: 'began', atMs: nowMs, pod: this.name, fence, how, run, effects });
    if (claim !== undefined) this.#leaseUntilMs = Math.max(this.#leaseUntilMs, nowMs + RENEW_MS);
    const executor = new SimulatedExecutor(this.#world, this, run);
    this.#executor = executor;
    this.#commands.clear();
    const commands = [...(claim?.commands ?? []), ...(tracked?.commands ?? [])];
    for (const command of commands.sort((a, b) => revisionOf(a) - revisionOf(b))) this.command(command);
    executor.start(effects);
  }

  #beat(): void {
    const { agenda, redis } = this.#world;
    if (this.#world.isOver()) return;
    const sentAtMs = agenda.nowMs;
    const isHolding = this.#executor !== undefined || this.#isClaiming;
    const handled = this.#handled;
    this.ask(
      () => redis.beat(PARTITION, this.name, { isHolding, handled }),
      (beat) => {
        if (beat !== undefined) {
          this.#handled = [];
          if (isHolding) this.#leaseUntilMs = sentAtMs + LEASE_MS;
          if (isHolding && !beat.isKept) this.#executor?.storeAgain();
          if (this.#executor !== undefined) {
            for (const { command } of beat.mail) this.command(command);
            this.#handled = beat.mail;
          }
          if (beat.orphans.length > 0) this.#take();
        }
        this.#dropWithoutLease();
        this.later(RENEW_MS - (agenda.nowMs - sentAtMs), () => this.#beat());
      },
    );
  }

  #take(): void {
    this.#claim(undefined, (claim) => {
      if (claim !== 'not ours' && claim !== undefined) this.#drive('heir', undefined, claim);
    });
  }

  #dropWithoutLease(): void {
    const executor = this.#executor;
    if (executor === undefined) return;
    const [leaseUntilMs, isOwner] = [this.#leaseUntilMs, this.owner.isOwner];
    const { isFinished } = executor;
    if (mayDrive({ leaseUntilMs, isOwner, isFinished }, this.#world.agenda.nowMs)) return;
    executor.abandon('dropped');
    this.#executor = undefined;
  }
}
