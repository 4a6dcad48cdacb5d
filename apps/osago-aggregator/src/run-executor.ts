/**
 * Carries out one run: asks `step` what to do, stores what must survive a crash, then does it. What comes while something
 * is being stored is taken after it, so that storing comes before acting. It ends as soon as a newer holder has the run.
 */
import type { Application, LegEvent } from '@osago/contracts';
import {
  type InsurerReply,
  isRunFinished,
  isRunOver,
  lateUntilMs,
  type LegRun,
  legsToStore,
  nextWakeAtMs,
  type RunEffect,
  type RunInput,
  type RunState,
  type RuleSettings,
  type RunStep,
  type Saved,
  step,
} from '@osago/quotes';
import type { Clock, Log } from '@osago/service-kit';
import type { Insurer } from './insurer.ts';
import type { Destination, Publisher } from './publisher.ts';

/** setTimeout takes no more than 2^31 ms; a run never waits longer than its late window anyway. */
const TIMER_MS_MAX = 300_000;

/** A record may be done with it: its outcome is on the log, it was called off, or it is asked for anew. */
const maySettle = ({ attempt, cancelled, outcome }: LegRun): boolean =>
  attempt > 1 || cancelled === true || outcome?.acked === true;

export interface RunExecutorDeps {
  insurers: ReadonlyMap<string, Insurer>;
  publisher: Pick<Publisher, 'publish'>;
  clock: Clock;
  log: Log;
  /** How long a quote holds; by default as `@osago/contracts` has it. */
  rules?: RuleSettings;
}

export interface RunTask {
  /** What to begin with: a new run, or a resumed one with what it has to publish. */
  begin: RunStep;
  destination: Destination;
  /** The opened application of an attempt, or the reply that stands for its call because it cannot be opened. */
  application: (insurerId: string, attempt: number) => Promise<Application | InsurerReply>;
  /** Stores these legs of the run before the step is carried out. */
  save: (run: RunState, legs: readonly LegRun[]) => Promise<Exclude<Saved, 'lost'>>;
  /** A step that may have settled something. */
  onStep: () => void;
  /** It does nothing more: nothing is left to do, or a newer holder has the run. */
  onEnd: () => void;
}

export class RunExecutor {
  readonly #deps: RunExecutorDeps;
  readonly #task: RunTask;
  readonly #stop = new AbortController();
  readonly #calls = new Map<string, AbortController>();
  #run: RunState;
  /** Not taken yet. */
  #inputs: RunInput[] = [];
  #isTaking = false;
  #timer: NodeJS.Timeout | undefined;
  /** When it rings. */
  #wakeAtMs: number | undefined;
  /** False until Redis has every leg. */
  #isStored = false;

  constructor(deps: RunExecutorDeps, task: RunTask) {
    this.#deps = deps;
    this.#task = task;
    this.#run = task.begin.run;
  }

  get run(): RunState {
    return this.#run;
  }

  get isFinished(): boolean {
    return isRunFinished(this.#run);
  }

  start(): void {
    for (const effect of this.#task.begin.effects) this.#carryOut(effect);
    this.input({ kind: 'tick' });
  }

  /** Ends at once: calls are aborted, nothing more is stored or published. */
  abandon(): void {
    this.#stop.abort();
    clearTimeout(this.#timer);
    for (const call of this.#calls.values()) call.abort();
  }

  input(input: RunInput): void {
    this.#inputs.push(input);
    if (this.#isTaking) return;
    this.#isTaking = true;
    // What else comes in this turn is taken with it.
    queueMicrotask(() => void this.#takeAll());
  }

  async #takeAll(): Promise<void> {
    while (this.#inputs.length > 0 && !this.#isAbandoned()) {
      const inputs = this.#inputs;
      this.#inputs = [];
      try {
        await this.#take(inputs);
      } catch (error) {
        this.#deps.log.error({ error, request_id: this.#run.request_id }, 'run failed to step');
      }
    }
    this.#isTaking = false;
  }

  /** Redis has lost what was stored: with the next step it gets every leg. */
  storeAgain(): void {
    this.#isStored = false;
    this.input({ kind: 'tick' });
  }

  #isAbandoned(): boolean {
    return this.#stop.signal.aborted;
  }

  /** Those that came while others were being stored are stored together. */
  async #take(inputs: readonly RunInput[]): Promise<void> {
    const before = this.#run;
    const effects: RunEffect[] = [];
    for (const input of inputs) {
      const stepped = step(this.#run, input, this.#deps.clock.nowMs(), this.#deps.rules);
      this.#run = stepped.run;
      effects.push(...stepped.effects);
    }
    const run = this.#run;
    const changed = this.#isStored ? legsToStore(before, run) : run.legs;
    if (changed.length > 0 || !this.#isStored) {
      this.#isStored = true;
      const saved = await this.#task.save(run, changed);
      // Abandoned meanwhile: what was decided before is not carried out any more.
      if (this.#isAbandoned()) return;
      if (saved === 'superseded') {
        this.#deps.log.info({ request_id: run.request_id, fence: run.fence }, 'a newer holder has the run');
        this.abandon();
        this.#task.onEnd();
        return;
      }
    }
    for (const effect of effects) this.#carryOut(effect);
    this.#sleep();
    if (changed.some(maySettle)) this.#task.onStep();
    // A retry among those opens a run again that is over.
    if (!isRunOver(this.#run) || this.#inputs.length > 0) return;
    this.abandon();
    this.#task.onEnd();
  }

  #sleep(): void {
    const wakeAtMs = isRunOver(this.#run) ? undefined : nextWakeAtMs(this.#run);
    if (wakeAtMs === this.#wakeAtMs) return;
    clearTimeout(this.#timer);
    this.#wakeAtMs = wakeAtMs;
    if (wakeAtMs === undefined) return;
    const delayMs = Math.min(Math.max(wakeAtMs - this.#deps.clock.nowMs(), 0), TIMER_MS_MAX);
    this.#timer = setTimeout(() => {
      this.#wakeAtMs = undefined;
      this.input({ kind: 'tick' });
    }, delayMs);
  }

  #carryOut(effect: RunEffect): void {
    switch (effect.kind) {
      case 'post':
      case 'poll':
        void this.#call(effect);
        return;
      case 'abandon':
        this.#calls.get(effect.insurer_id)?.abort();
        return;
      case 'publish':
        void this.#publish(effect.event);
        return;
    }
  }

  async #publish(event: LegEvent): Promise<void> {
    const { destination } = this.#task;
    const isAcked = await this.#deps.publisher.publish(event, destination, this.#stop.signal);
    if (isAcked) this.input({ kind: 'acked', event_id: event.id });
  }

  async #call(effect: Extract<RunEffect, { kind: 'post' | 'poll' }>): Promise<void> {
    const { insurer_id, attempt } = effect;
    const call = new AbortController();
    this.#calls.set(insurer_id, call);
    const reply = await this.#ask(effect, call.signal).catch((error: unknown): InsurerReply => {
      this.#deps.log.error({ error, request_id: this.#run.request_id, insurer_id }, 'call broke');
      return { kind: 'fault', fault: 'connection', message: 'the call broke' };
    });
    if (this.#calls.get(insurer_id) === call) this.#calls.delete(insurer_id);
    if (!call.signal.aborted) this.input({ kind: 'replied', insurer_id, attempt, reply });
  }

  async #ask(effect: Extract<RunEffect, { kind: 'post' | 'poll' }>, signal: AbortSignal): Promise<InsurerReply> {
    const { insurer_id, attempt } = effect;
    const insurer = this.#deps.insurers.get(insurer_id);
    if (insurer === undefined) return { kind: 'skipped', reason: { code: 'unknown_insurer' } };
    const leg = this.#run.legs.find((one) => one.insurer_id === insurer_id);
    const startByMs =
      leg === undefined ? 0 : leg.outcome === undefined ? leg.deadlineAtMs : lateUntilMs(leg);
    const isLate = leg?.outcome !== undefined;
    if (effect.kind === 'poll') return insurer.poll(effect.application_id, { signal, startByMs, isLate });
    const application = await this.#task.application(insurer_id, attempt);
    if ('kind' in application) return application;
    const { request_id } = this.#run;
    const key = `${request_id}:${insurer_id}`;
    const idempotencyKey = attempt === 1 ? key : `${key}:${attempt}`;
    return insurer.post({ request_id, idempotencyKey, application }, { signal, startByMs });
  }
}
