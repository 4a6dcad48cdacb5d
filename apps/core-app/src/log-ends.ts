/**
 * The ends of the log, asked for once by all who ask within a second: on a pod that is behind, each of its readers does, and
 * after a restart that may be thousands. Each has waited longer than that, so no answer is older than what its reader saw.
 */
import type { EventBus } from '@osago/event-bus';
import type { Clock } from '@osago/service-kit';

const SHARED_MS = 1_000;

export class LogEnds implements Pick<EventBus, 'endOffsets'> {
  readonly #bus: Pick<EventBus, 'endOffsets'>;
  readonly #clock: Clock;
  readonly #asked = new Map<string, { atMs: number; answer: Promise<bigint[]> }>();

  constructor(deps: { bus: Pick<EventBus, 'endOffsets'>; clock: Clock }) {
    this.#bus = deps.bus;
    this.#clock = deps.clock;
  }

  endOffsets(topic: string): Promise<bigint[]> {
    const nowMs = this.#clock.nowMs();
    const held = this.#asked.get(topic);
    if (held !== undefined && Math.abs(nowMs - held.atMs) < SHARED_MS) return held.answer;
    const answer = this.#bus.endOffsets(topic);
    this.#asked.set(topic, { atMs: nowMs, answer });
    return answer;
  }
}
