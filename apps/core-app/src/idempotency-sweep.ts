/** Idempotency rows are kept for 24 h. */
import { type Log, pause, type Service } from '@osago/service-kit';
import type { Pool } from 'pg';

const SWEEP_MS = 10 * 60_000;

export class IdempotencySweep implements Service {
  readonly name = 'idempotency-sweep';
  readonly #pool: Pool;
  readonly #log: Log;

  constructor(deps: { pool: Pool; log: Log }) {
    this.#pool = deps.pool;
    this.#log = deps.log;
  }

  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.#pool
        .query(`DELETE FROM idempotency_keys WHERE created_at < now() - interval '24 hours'`)
        .catch((error: unknown) => {
          this.#log.warn({ error }, 'idempotency rows could not be swept');
        });
      await pause(SWEEP_MS, signal);
    }
  }
}
