/** This machine's clock, corrected by the clock that all pods share: that of Redis. */
import { type Clock, Gauge, type Log, type Registry } from '@osago/service-kit';

const CORRECT_EVERY_MS = 60_000;
/** A slower answer says too little about the moment in which it was given. */
const TOOK_MS_MAX = 200;
const ALARM_MS = 1_000;

export class ServerClock implements Clock {
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #offset: Gauge;
  #offsetMs = 0;
  #correctAtMs = 0;

  constructor(deps: { clock: Clock; log: Log; metrics: Registry }) {
    this.#clock = deps.clock;
    this.#log = deps.log;
    this.#offset = new Gauge({
      name: 'osago_clock_offset_seconds',
      help: 'By how much the clock of Redis is ahead of the clock of this machine',
      registers: [deps.metrics],
    });
  }

  nowMs(): number {
    return this.#clock.nowMs() + this.#offsetMs;
  }

  /** The shared clock was read, which took so long. It corrects this one once a minute. */
  heard(sharedMs: number, tookMs: number): void {
    const nowMs = this.#clock.nowMs();
    if (tookMs > TOOK_MS_MAX || nowMs < this.#correctAtMs) return;
    this.#correctAtMs = nowMs + CORRECT_EVERY_MS;
    this.#offsetMs = Math.round(sharedMs + tookMs / 2 - nowMs);
    this.#offset.set(this.#offsetMs / 1_000);
    if (Math.abs(this.#offsetMs) <= ALARM_MS) return;
    this.#log.error({ delay_ms: this.#offsetMs }, 'the clock of this machine is wrong, that of Redis is used');
  }
}
