/** The epoch of the log: cursors of another one are ignored. `topics apply` changes it in Postgres. */
import { type Log, pause, type Service } from '@osago/service-kit';
import type { Pool } from 'pg';

const REFRESH_MS = 10_000;

export class PlatformEpoch implements Service {
  readonly name = 'platform-epoch';
  readonly #pool: Pool;
  readonly #log: Log;
  #epoch = '';

  constructor(deps: { pool: Pool; log: Log }) {
    this.#pool = deps.pool;
    this.#log = deps.log;
  }

  get epoch(): string {
    return this.#epoch;
  }

  readiness(): string | undefined {
    return this.#epoch === '' ? 'no epoch: `topics apply` has not been run, or Postgres is away' : undefined;
  }

  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        const { rows } = await this.#pool.query<{ epoch: string }>('SELECT epoch FROM platform_epoch');
        this.#epoch = rows[0]?.epoch ?? this.#epoch;
      } catch (error) {
        this.#log.warn({ error }, 'could not read the epoch');
      }
      await pause(this.#epoch === '' ? 500 : REFRESH_MS, signal);
    }
  }
}
