/**
 * This machine's clock, corrected by the one that stamps requests and deadlines: that of Postgres. A pod whose own clock is
 * wrong ends legs when the others do.
 */
import { type Clock, Gauge, type Log, pause, type Registry, type Service } from '@osago/service-kit';
import type { Pool } from 'pg';

const CORRECT_EVERY_MS = 60_000;
/** After an answer that did not come or says too little. */
const AGAIN_MS = 1_000;
/** A slower answer says too little about the moment in which it was given. */
const TOOK_MS_MAX = 200;
const ALARM_MS = 1_000;

export interface PostgresClockDeps {
  clock: Clock;
  pool: Pick<Pool, 'query'>;
  log: Log;
  metrics: Registry;
}

export class PostgresClock implements Clock, Service {
  readonly name = 'postgres-clock';
  readonly #deps: PostgresClockDeps;
  readonly #offset: Gauge;
  #offsetMs = 0;

  constructor(deps: PostgresClockDeps) {
    this.#deps = deps;
    this.#offset = new Gauge({
      name: 'osago_clock_offset_seconds',
      help: 'By how much the clock of Postgres is ahead of the clock of this machine',
      registers: [deps.metrics],
    });
  }

  nowMs(): number {
    return this.#deps.clock.nowMs() + this.#offsetMs;
  }

  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const isCorrected = await this.correct();
      await pause(isCorrected ? CORRECT_EVERY_MS : AGAIN_MS, signal);
    }
  }

  /** False when Postgres did not answer, or too slowly: then the clock goes on as it did. */
  async correct(): Promise<boolean> {
    const { clock, log, pool } = this.#deps;
    try {
      const askedAtMs = clock.nowMs();
      const { rows } = await pool.query<{ now: Date }>(`SELECT clock_timestamp() AS now`);
      const nowMs = clock.nowMs();
      const [answer] = rows;
      if (answer === undefined || nowMs - askedAtMs > TOOK_MS_MAX) return false;
      this.#offsetMs = Math.round(answer.now.getTime() - (askedAtMs + nowMs) / 2);
    } catch (error) {
      log.debug({ error }, 'the clock of Postgres cannot be read');
      return false;
    }
    this.#offset.set(this.#offsetMs / 1_000);
    if (Math.abs(this.#offsetMs) > ALARM_MS) {
      log.error({ delay_ms: this.#offsetMs }, 'the clock of this machine is wrong, that of Postgres is used');
    }
    return true;
  }
}
