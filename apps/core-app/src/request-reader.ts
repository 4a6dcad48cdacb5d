/**
 * What this pod can show of a request: from the showcase, else from Postgres. A committed request is a fact of the log
 * to come, so a pod whose feed is behind, or whose broker is away, still shows what POST has returned.
 */
import type { Pool } from 'pg';
import { findLegs } from './archive.ts';
import { askedOfPostgres } from './postgres-away.ts';
import { type RequestStore, submittedEvent } from './request-store.ts';
import type { Showcase, Shown } from './showcase.ts';

export class RequestReader {
  readonly #showcase: Showcase;
  readonly #store: RequestStore;
  readonly #pool: Pool;

  constructor(deps: { showcase: Showcase; store: RequestStore; pool: Pool }) {
    this.#showcase = deps.showcase;
    this.#store = deps.store;
    this.#pool = deps.pool;
  }

  /** Undefined when there is no such request. Throws PostgresAwayError when that cannot be known now. */
  async read(requestId: string): Promise<Shown | undefined> {
    return this.#showcase.get(requestId) ?? (await askedOfPostgres(this.#load(requestId)));
  }

  async #load(requestId: string): Promise<Shown | undefined> {
    const request = await this.#store.find(requestId);
    if (request === undefined) return undefined;
    const { events, offsets } = await findLegs(this.#pool, requestId);
    // What is shown holds no application, so the event is made without one.
    this.#showcase.load([submittedEvent(request, ''), ...events], request.partition, offsets);
    return this.#showcase.get(requestId);
  }
}
