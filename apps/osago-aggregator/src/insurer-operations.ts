/**
 * Keeps the insurers as operators want them: every pod looks for changes twice a second and says once a second how each
 * insurer is.
 */
import type { InsurerChange, InsurerHistory, InsurerSettings, InsurerState } from '@osago/contracts';
import { type Clock, type Log, pause, type Service } from '@osago/service-kit';
import type { GateControl, GateView, InsurerGate } from './insurer-gate.ts';
import type { InsurerControls } from './insurer-controls.ts';
import type { PollLearning } from './poll-learning.ts';

const REFRESH_MS = 500;
/** Every second time the states are published. */
const PUBLISH_EVERY = 2;
/** And every tenth time polls are planned anew. */
const REPLAN_EVERY = 10;
/** An insurer that has answered nobody for so long may be well or not. */
const ANSWER_COUNTS_MS = 600_000;

export interface OperationsDeps {
  controls: InsurerControls;
  learning: PollLearning;
  gates: ReadonlyMap<string, InsurerGate>;
  clock: Clock;
  log: Log;
}

export class InsurerOperations implements Service {
  readonly name = 'insurer-operations';
  readonly #deps: OperationsDeps;
  readonly #settings: ReadonlyMap<string, InsurerSettings>;

  constructor(deps: OperationsDeps, settings: readonly InsurerSettings[]) {
    this.#deps = deps;
    this.#settings = new Map(settings.map((insurer) => [insurer.insurer_id, insurer]));
  }

  async run(signal: AbortSignal): Promise<void> {
    for (let round = 0; !signal.aborted; round += 1) {
      await this.refresh();
      if (round % PUBLISH_EVERY === 0) await this.#deps.controls.publish(await this.states());
      if (round % REPLAN_EVERY === 0) this.#deps.learning.replan(performance.now());
      await pause(REFRESH_MS, signal);
    }
  }

  has(insurerId: string): boolean {
    return this.#settings.has(insurerId);
  }

  /** Takes over what other pods' operators have changed. */
  async refresh(): Promise<void> {
    await this.#deps.controls.refresh();
    for (const insurer of this.#settings.values()) {
      this.#deps.gates.get(insurer.insurer_id)?.setControl(this.#controlOf(insurer));
    }
  }

  /** For all pods: here at once, elsewhere within a second. Undefined when Redis is away. */
  async change(insurerId: string, change: InsurerChange): Promise<InsurerState | undefined> {
    const { clock, controls, log } = this.#deps;
    const control = await controls.change(insurerId, change, clock.nowMs());
    if (control === undefined) return undefined;
    log.info({ insurer_id: insurerId, change }, 'insurer changed by an operator');
    await this.refresh();
    const states = await this.states();
    await controls.publish(states);
    return states.find(({ insurer_id }) => insurer_id === insurerId);
  }

  history(insurerId: string): Promise<InsurerHistory | undefined> {
    return this.#deps.controls.history(insurerId);
  }

  /** In the order of the file. */
  states(): Promise<InsurerState[]> {
    return Promise.all(
      [...this.#settings.values()].map(async (insurer) => {
        const view = await this.#deps.gates.get(insurer.insurer_id)?.renew();
        return stateOf(insurer.insurer_id, this.#controlOf(insurer), view, this.#deps.clock.nowMs());
      }),
    );
  }

  #controlOf({ insurer_id, rate_per_s, burst, concurrency }: InsurerSettings): GateControl {
    const { breaker, limits, paused } = this.#deps.controls.of(insurer_id);
    return { breaker, paused, limits: { rate_per_s, burst, concurrency, ...limits } };
  }
}

const stateOf = (
  insurer_id: string,
  { breaker: breaker_mode, limits, paused }: GateControl,
  view: GateView | undefined,
  nowMs: number,
): InsurerState => {
  const { answeredAgoMs, breaker = 'closed', heldForMs = 0, pods = 1 } = view ?? {};
  const isDegraded = breaker !== 'closed' || heldForMs > 0;
  const isUp = answeredAgoMs !== undefined && answeredAgoMs <= ANSWER_COUNTS_MS;
  return {
    insurer_id,
    state: paused ? 'paused' : isDegraded ? 'degraded' : isUp ? 'up' : 'unknown',
    breaker: breaker === 'probe' ? 'half_open' : breaker,
    breaker_mode,
    limits,
    ...(heldForMs > 0 && { held_until: new Date(nowMs + heldForMs).toISOString() }),
    ...(answeredAgoMs !== undefined && { last_answer_at: new Date(nowMs - answeredAgoMs).toISOString() }),
    pods,
    at: new Date(nowMs).toISOString(),
  };
};
