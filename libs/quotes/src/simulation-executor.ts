/**
 * Carries the effects of one run out as the aggregator's executor does: step, store, then the effects, one input at a
 * time. Its pod may die at any point of that: before the step is stored, after it, between two effects, after a publish
 * and before its acknowledgement.
 */
import { type LegEvent, legKey } from '@osago/contracts';
import { step } from './run.ts';
import type { Saved } from './run-lease.ts';
import { isRunFinished, isRunOver, type LegRun, legsToStore, nextWakeAtMs, type RunEffect, type RunInput, type RunState } from './run-state.ts';
import type { Entry } from './simulation-trace.ts';
import type { World } from './simulation-world.ts';

/** The broker is never away for longer than this many tries, so that bounds can be named. */
export const PUBLISH_FAILS_MAX = 5;
export const PUBLISH_AGAIN_MS_MAX = 300;

type Call = Extract<RunEffect, { kind: 'post' | 'poll' }>;

/** The pod it runs in. */
export interface Carrier {
  readonly name: string;
  readonly isAlive: boolean;
  /** When the pod is awake; never when it has died. */
  later(delayMs: number, happen: () => void): void;
  /** True: it dies here. Asked at every point where it could. */
  dies(): boolean;
  save(run: RunState, legs: readonly LegRun[], then: (saved: Exclude<Saved, 'lost'>) => void): void;
  onStep(): void;
  onEnd(executor: SimulatedExecutor): void;
}

export class SimulatedExecutor {
  readonly #world: World;
  readonly #pod: Carrier;
  readonly #inputs: RunInput[] = [];
  #run: RunState;
  #isAbandoned = false;
  #isBusy = false;
  #isStored = false;
  #wakeAtMs: number | undefined;
  /** The number of the call in flight, by leg. */
  readonly #calls = new Map<string, number>();
  #callCount = 0;

  constructor(world: World, pod: Carrier, run: RunState) {
    this.#world = world;
    this.#pod = pod;
    this.#run = run;
  }

  get run(): RunState {
    return this.#run;
  }

  get isFinished(): boolean {
    return isRunFinished(this.#run);
  }

  get #isGone(): boolean {
    return this.#isAbandoned || !this.#pod.isAlive;
  }

  start(effects: readonly RunEffect[]): void {
    this.#carryOut(effects);
    this.handle({ kind: 'tick' });
  }

  abandon(kind: 'superseded' | 'dropped'): void {
    this.#isAbandoned = true;
    this.#note({ kind, atMs: this.#world.agenda.nowMs, ...this.#by() });
  }

  storeAgain(): void {
    this.#isStored = false;
    this.handle({ kind: 'tick' });
  }

  handle(input: RunInput): void {
    if (this.#isGone) return;
    this.#inputs.push(input);
    if (!this.#isBusy) this.#take();
  }

  #by() {
    return { pod: this.#pod.name, fence: this.#run.fence };
  }

  #note(entry: Entry): void {
    this.#world.note(entry);
  }

  #take(): void {
    const input = this.#inputs.shift();
    if (input === undefined || this.#isGone) return;
    const { nowMs } = this.#world.agenda;
    const before = this.#run;
    const { run, effects } = step(before, input, nowMs);
    this.#note({ kind: 'stepped', atMs: nowMs, ...this.#by(), input, effects, wasOver: isRunOver(before) });
    if (this.#pod.dies()) return;
    this.#run = run;
    const legs = this.#isStored ? legsToStore(before, run) : run.legs;
    if (legs.length === 0 && this.#isStored) {
      this.#finish(effects, false);
      return;
    }
    this.#isStored = true;
    this.#isBusy = true;
    this.#pod.save(run, legs, (saved) => {
      this.#isBusy = false;
      if (this.#isGone) return;
      if (saved === 'superseded') {
        this.abandon('superseded');
        this.#pod.onEnd(this);
      } else this.#finish(effects, legs.length > 0);
    });
    if (this.#pod.dies()) return;
  }

  #finish(effects: readonly RunEffect[], isChanged: boolean): void {
    this.#carryOut(effects);
    if (this.#isGone) return;
    this.#sleep();
    if (isChanged) this.#pod.onStep();
    if (isRunOver(this.#run) && this.#inputs.length === 0) {
      this.#isAbandoned = true;
      this.#pod.onEnd(this);
    } else this.#take();
  }

  #carryOut(effects: readonly RunEffect[]): void {
    for (const effect of effects) {
      if (this.#isGone) return;
      if (effect.kind === 'publish') this.#publish(effect.event, 0);
      else if (effect.kind === 'abandon') this.#calls.delete(effect.insurer_id);
      else this.#call(effect);
      this.#pod.dies();
    }
  }

  #call(effect: Call): void {
    const { agenda, insurers } = this.#world;
    const { insurer_id, attempt } = effect;
    this.#callCount += 1;
    const call = this.#callCount;
    this.#calls.set(insurer_id, call);
    const insurer = insurers.get(insurer_id);
    const answer =
      effect.kind === 'post'
        ? insurer?.post(this.#idempotencyKey(effect), agenda.nowMs)
        : insurer?.poll(effect.application_id, agenda.nowMs);
    if (answer === undefined) return;
    const { reply, afterMs, againAfterMs } = answer;
    const deliver = (): void => this.handle({ kind: 'replied', insurer_id, attempt, reply });
    this.#pod.later(afterMs, () => {
      if (this.#calls.get(insurer_id) === call) deliver();
    });
    // Whatever says it twice does not know that nobody waits any more.
    if (againAfterMs !== undefined) this.#pod.later(afterMs + againAfterMs, deliver);
  }

  #idempotencyKey({ insurer_id, attempt }: Call): string {
    const key = legKey(this.#run.request_id, insurer_id);
    return attempt === 1 ? key : `${key}:${attempt}`;
  }

  #publish(event: LegEvent, fails: number): void {
    const { agenda, random, append, publishFailShare } = this.#world;
    this.#pod.later(random.integer(1, 30), () => {
      if (this.#isGone) return;
      if (fails < PUBLISH_FAILS_MAX && random.chance(publishFailShare)) {
        this.#note({ kind: 'publish-failed', atMs: agenda.nowMs, ...this.#by(), event });
        // It may have been written all the same: then the repetition is a duplicate.
        if (random.chance(0.3)) append(event);
        this.#pod.later(random.integer(50, PUBLISH_AGAIN_MS_MAX), () => this.#publish(event, fails + 1));
        return;
      }
      append(event);
      if (this.#pod.dies()) return;
      this.#pod.later(random.integer(1, 10), () => this.handle({ kind: 'acked', event_id: event.id }));
    });
  }

  #sleep(): void {
    const { agenda } = this.#world;
    const wakeAtMs = isRunOver(this.#run) ? undefined : nextWakeAtMs(this.#run);
    if (wakeAtMs === undefined || wakeAtMs === this.#wakeAtMs) return;
    this.#wakeAtMs = wakeAtMs;
    this.#pod.later(wakeAtMs - agenda.nowMs, () => {
      if (this.#wakeAtMs !== wakeAtMs) return;
      this.#wakeAtMs = undefined;
      this.handle({ kind: 'tick' });
    });
  }
}
