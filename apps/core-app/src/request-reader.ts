/**
 * What this pod can show of a request: from the showcase, else from Postgres. A committed command is a fact of the log to
 * come, so a pod whose feed is behind, or whose broker is away, still shows what POST, cancel and retry have returned.
 */
import type { OsagoEvent } from '@osago/contracts';
import { type Cursor, fold, hasSeen, isVisible, NO_OFFSETS, type Offsets, type RequestState, withOffsets } from '@osago/quotes';
import type { Pool } from 'pg';
import { findArchived } from './archive.ts';
import { askedOfPostgres } from './postgres-away.ts';
import { findCommands } from './request-commands.ts';
import { type RequestStore, type StoredRequest, submittedEvent } from './request-store.ts';
import type { Showcase, Shown } from './showcase.ts';

/** What Postgres knows of one request, as the log will say it. */
interface Stored {
  request: StoredRequest;
  events: OsagoEvent[];
  offsets: Offsets;
}

export class RequestReader {
  readonly #showcase: Showcase;
  readonly #store: RequestStore;
  readonly #pool: Pool;

  constructor(deps: { showcase: Showcase; store: RequestStore; pool: Pool }) {
    this.#showcase = deps.showcase;
    this.#store = deps.store;
    this.#pool = deps.pool;
  }

  /**
   * Undefined when there is no such request. Where the showcase has less than `seen`, what Postgres knows is added to it.
   * Throws PostgresAwayError when that cannot be known now.
   */
  async read(requestId: string, seen?: Pick<Cursor, 'offsets' | 'revision'>): Promise<Shown | undefined> {
    const shown = this.#showcase.get(requestId);
    if (shown !== undefined && (seen === undefined || hasSeen(shown.state, seen))) return shown;
    return askedOfPostgres(this.#load(requestId));
  }

  async #load(requestId: string): Promise<Shown | undefined> {
    const request = await this.#store.find(requestId);
    if (request === undefined) return undefined;
    for (const { events, offsets } of await this.#stored([request])) {
      this.#showcase.load(events, request.partition, offsets);
    }
    return this.#showcase.get(requestId);
  }

  /**
   * Of requests that are only listed, in their order: from the archive, and from the showcase where it is ahead. The
   * showcase stays as it is.
   */
  async readListed(requests: readonly StoredRequest[]): Promise<Shown[]> {
    const stored = await this.#stored(requests);
    return stored.flatMap(({ request, events, offsets }) => {
      const shown = this.#showcase.get(request.request_id)?.state;
      const state = events.reduce<RequestState | undefined>((held, event) => fold(held, event), shown);
      if (!isVisible(state)) return [];
      const known = withOffsets(state, offsets);
      return isVisible(known) ? [{ state: known, partition: request.partition }] : [];
    });
  }

  async #stored(requests: readonly StoredRequest[]): Promise<Stored[]> {
    if (requests.length === 0) return [];
    const ids = requests.map(({ request_id }) => request_id);
    const archived = await findArchived(this.#pool, ids);
    // After the offsets: an archived command was committed before.
    const commands = Map.groupBy(await findCommands(this.#pool, ids), ({ data }) => data.request_id);
    return requests.map((request) => {
      const { events, offsets } = archived.get(request.request_id) ?? { events: [], offsets: NO_OFFSETS };
      const ofRequest = commands.get(request.request_id) ?? [];
      // What is shown holds no application, so the events are made without one.
      return { request, events: [submittedEvent(request, ''), ...ofRequest, ...events], offsets };
    });
  }
}
