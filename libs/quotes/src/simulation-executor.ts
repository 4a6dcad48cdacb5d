/**
 * Carries the effects of one run out as the aggregator does: step, store, then the effects. It may die at any point of
 * that: before the step is stored, after it, between two effects, after a publish and before its acknowledgement. One
 * that has lost its lease goes on as a zombie: it can still call and publish, but not store.
 */
import { type LegEvent, legKey } from '@osago/contracts';
import type { Random } from './random.ts';
import { step } from './run.ts';
import { isRunOver, nextWakeAtMs, type RunEffect, type RunInput, type RunState } from './run-state.ts';
import type { Agenda } from './simulation-agenda.ts';
import type { LogRecord } from './simulation-events.ts';
import type { SimulatedInsurer } from './simulation-insurer.ts';
import type { Entry } from './simulation-trace.ts';

/** Redis: keeps the run, and refuses whoever has not the highest fence. */
export class RunStore {
  #run: RunState | undefined;
  #fence = 0;

  get run(): RunState | undefined {
    return this.#run;
  }

  nextFence(nowMs: number): number {
    this.#fence = Math.max(this.#fence + 1, nowMs);
    return this.#fence;
  }

  save(run: RunState): void {
    if (run.fence === this.#fence) this.#run = run;
  }
}

export interface Surroundings {
  readonly agenda: Agenda;
  readonly random: Random;
  readonly store: RunStore;
  readonly insurers: ReadonlyMap<string, SimulatedInsurer>;
  readonly append: (event: LogRecord['event']) => void;
  readonly note: (entry: Entry) => void;
  /** True: the executor dies here. Asked at every point where it could. */
  readonly isFatal: () => boolean;
  readonly onCrash: (executor: SimulatedExecutor) => void;
  readonly publishFailShare: number;
}

/** The broker is never away for longer than this many tries, so that bounds can be named. */
export const PUBLISH_FAILS_MAX = 5;
export const PUBLISH_AGAIN_MS_MAX = 300;

type Call = Extract<RunEffect, { kind: 'post' | 'poll' }>;

export class SimulatedExecutor {
  readonly #around: Surroundings;
  readonly fence: number;
  #run: RunState;
  #isAlive = true;
  #wakeAtMs: number | undefined;
  /** The number of the call in flight, by leg. */
  readonly #calls = new Map<string, number>();
  #callCount = 0;

  constructor(around: Surroundings, run: RunState) {
    this.#around = around;
    this.#run = run;
    this.fence = run.fence;
  }

  get isAlive(): boolean {
    return this.#isAlive;
  }

  start(effects: readonly RunEffect[]): void {
    this.#carryOut(effects);
    this.#sleep();
  }

  stop(kind: 'crashed' | 'stopped'): void {
    this.#isAlive = false;
    this.#around.note({ kind, atMs: this.#around.agenda.nowMs, fence: this.fence });
  }

  handle(input: RunInput): void {
    if (!this.#isAlive) return;
    const { agenda, note, store, random } = this.#around;
    const wasOver = isRunOver(this.#run);
    const { run, effects } = step(this.#run, input, agenda.nowMs);
    note({ kind: 'stepped', atMs: agenda.nowMs, fence: this.fence, input, effects, wasOver });
    if (this.#dies()) return;
    this.#run = run;
    // Only what others must not miss has to be stored before it is done: a lost poll is asked again.
    const isCheap = effects.length > 0 && effects.every(({ kind }) => kind === 'poll');
    if (!isCheap || random.chance(0.5)) store.save(run);
    if (this.#dies()) return;
    this.#carryOut(effects);
    this.#sleep();
  }

  #dies(): boolean {
    if (!this.#isAlive || !this.#around.isFatal()) return false;
    this.stop('crashed');
    this.#around.onCrash(this);
    return true;
  }

  #carryOut(effects: readonly RunEffect[]): void {
    for (const effect of effects) {
      if (!this.#isAlive) return;
      if (effect.kind === 'publish') this.#publish(effect.event, 0);
      else if (effect.kind === 'abandon') this.#calls.delete(effect.insurer_id);
      else this.#call(effect);
      this.#dies();
    }
  }

  #call(effect: Call): void {
    const { agenda, insurers } = this.#around;
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
    agenda.after(afterMs, () => {
      if (this.#calls.get(insurer_id) === call) deliver();
    });
    // Whatever says it twice does not know that nobody waits any more.
    if (againAfterMs !== undefined) agenda.after(afterMs + againAfterMs, deliver);
  }

  #idempotencyKey({ insurer_id, attempt }: Call): string {
    const key = legKey(this.#run.request_id, insurer_id);
    return attempt === 1 ? key : `${key}:${attempt}`;
  }

  #publish(event: LegEvent, fails: number): void {
    const { agenda, random, append, note, publishFailShare } = this.#around;
    agenda.after(random.integer(1, 30), () => {
      if (!this.#isAlive) return;
      if (fails < PUBLISH_FAILS_MAX && random.chance(publishFailShare)) {
        note({ kind: 'publish-failed', atMs: agenda.nowMs, fence: this.fence, event });
        // It may have been written all the same: then the repetition is a duplicate.
        if (random.chance(0.3)) append(event);
        agenda.after(random.integer(50, PUBLISH_AGAIN_MS_MAX), () => this.#publish(event, fails + 1));
        return;
      }
      append(event);
      if (this.#dies()) return;
      agenda.after(random.integer(1, 10), () => this.handle({ kind: 'acked', event_id: event.id }));
    });
  }

  #sleep(): void {
    const { agenda } = this.#around;
    const wakeAtMs = nextWakeAtMs(this.#run);
    if (!this.#isAlive || wakeAtMs === undefined || wakeAtMs === this.#wakeAtMs) return;
    this.#wakeAtMs = wakeAtMs;
    agenda.at(wakeAtMs, () => {
      if (this.#wakeAtMs !== wakeAtMs) return;
      this.#wakeAtMs = undefined;
      this.handle({ kind: 'tick' });
    });
  }
}
