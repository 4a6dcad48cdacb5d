/**
 * Carries out one run: asks `step` what to do, stores what must survive a crash, then does it. Inputs are taken one at a
 * time, so that storing comes before acting. It ends as soon as a newer holder has the run.
 */
import type { Application, LegEvent } from '@osago/contracts';
import {
  type InsurerReply,
  isRunFinished,
  isRunOver,
  lateUntilMs,
  type LegRun,
  nextWakeAtMs,
  type RunEffect,
  type RunInput,
  type RunState,
  type RunStep,
  step,
} from '@osago/quotes';
import type { Clock, Log } from '@osago/service-kit';
import type { Insurer } from './insurer.ts';
import type { Destination, Publisher } from './publisher.ts';
import type { RunStore } from './run-store.ts';

/** setTimeout takes no more than 2^31 ms; a run never waits longer than its late window anyway. */
const TIMER_MS_MAX = 300_000;

export interface RunExecutorDeps {
  insurers: ReadonlyMap<string, Insurer>;
  publisher: Pick<Publisher, 'publish'>;
  runStore: Pick<RunStore, 'claim' | 'save'>;
  clock: Clock;
  log: Log;
}

export interface RunTask {
  /** What to begin with: a new run, or a resumed one with what it has to publish. */
  begin: RunStep;
  destination: Destination;
  /** The opened application, or the reply that stands for every call because it cannot be opened. */
  application: Application | InsurerReply;
  /** Every outcome is on the log: the record may be committed. */
  onFinished: () => void;
  /** Nothing is left to do. */
  onOver: () => void;
  /** A newer holder has the run, and this one did not finish it. */
  onTaken: () => void;
}

/** What of a leg must survive a crash: not its next poll time. */
const storedAspect = ({ attempt, phase, outcome, cancelled }: LegRun): string =>
  JSON.stringify([
    attempt,
    phase.kind.startsWith('poll') ? 'poll' : phase.kind,
    'application_id' in phase ? phase.application_id : '',
    outcome?.event.id,
    outcome?.acked,
    cancelled,
  ]);

export class RunExecutor {
  readonly #deps: RunExecutorDeps;
  readonly #task: RunTask;
  readonly #stop = new AbortController();
  readonly #calls = new Map<string, AbortController>();
  #run: RunState;
  #inputs: Promise<void> = Promise.resolve();
  #timer: NodeJS.Timeout | undefined;
  #isFinished = false;

  constructor(deps: RunExecutorDeps, task: RunTask) {
    this.#deps = deps;
    this.#task = task;
    this.#run = task.begin.run;
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
    this.#inputs = this.#inputs.then(() => this.#take(input)).catch((error: unknown) => {
      this.#deps.log.error({ error, request_id: this.#run.request_id }, 'run failed to step');
    });
  }

  #isAbandoned(): boolean {
    return this.#stop.signal.aborted;
  }

  async #take(input: RunInput): Promise<void> {
    if (this.#isAbandoned()) return;
    const before = this.#run;
    const { run, effects } = step(before, input, this.#deps.clock.nowMs());
    this.#run = run;
    const changed = run.legs.filter((leg, at) => {
      const old = before.legs[at];
      return old === undefined || (old !== leg && storedAspect(old) !== storedAspect(leg));
    });
    if (changed.length > 0) {
      const { partition } = this.#task.destination;
      const isHolder = await this.#deps.runStore.save(partition, run, changed);
      // Abandoned meanwhile: what was decided before is not carried out any more.
      if (this.#isAbandoned()) return;
      if (!isHolder) {
        this.#deps.log.info({ request_id: run.request_id, fence: run.fence }, 'a newer holder has the run');
        this.abandon();
        if (this.#isFinished) this.#task.onOver();
        else this.#task.onTaken();
        return;
      }
    }
    for (const effect of effects) this.#carryOut(effect);
    this.#settle();
  }

  #settle(): void {
    if (!this.#isFinished && isRunFinished(this.#run)) {
      this.#isFinished = true;
      this.#task.onFinished();
    }
    if (isRunOver(this.#run)) {
      this.abandon();
      this.#task.onOver();
      return;
    }
    clearTimeout(this.#timer);
    const wakeAtMs = nextWakeAtMs(this.#run);
    if (wakeAtMs === undefined) return;
    const delayMs = Math.min(Math.max(wakeAtMs - this.#deps.clock.nowMs(), 0), TIMER_MS_MAX);
    this.#timer = setTimeout(() => {
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

  #ask(effect: Extract<RunEffect, { kind: 'post' | 'poll' }>, signal: AbortSignal): Promise<InsurerReply> {
    const { insurer_id, attempt } = effect;
    const insurer = this.#deps.insurers.get(insurer_id);
    const { application } = this.#task;
    if (insurer === undefined) {
      return Promise.resolve({ kind: 'skipped', reason: { code: 'unknown_insurer' } });
    }
    if ('kind' in application) return Promise.resolve(application);
    const leg = this.#run.legs.find((one) => one.insurer_id === insurer_id);
    const startByMs =
      leg === undefined ? 0 : leg.outcome === undefined ? leg.deadlineAtMs : lateUntilMs(leg);
    if (effect.kind === 'poll') return insurer.poll(effect.application_id, { signal, startByMs });
    const { request_id } = this.#run;
    const key = `${request_id}:${insurer_id}`;
    const idempotencyKey = attempt === 1 ? key : `${key}:${attempt}`;
    return insurer.post({ request_id, idempotencyKey, application }, { signal, startByMs });
  }
}
