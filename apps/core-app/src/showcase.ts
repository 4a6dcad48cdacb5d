/**
 * The read model: every request that is recent, as this pod's feed has folded it. Readers of one request are told of
 * each change. A request is forgotten ten minutes after its last deadline, unless somebody still watches it; never by
 * count while it is in progress.
 */
import type { OsagoEvent } from '@osago/contracts';
import {
  fold,
  isVisible,
  LATE_WINDOW_MS,
  type Offsets,
  type RequestState,
  view,
  type Visible,
  withOffsets,
} from '@osago/quotes';

/** After the last deadline. Older reads come from Postgres. */
export const SHOWCASE_TTL_MS = 10 * 60_000;

export interface Shown {
  readonly state: Visible;
  readonly partition: number;
}

type Listener = () => void;

class Entry {
  state: RequestState;
  readonly partition: number;
  readonly listeners = new Set<Listener>();
  /** Kept at least so long: looked at once and not at each eviction, because deadlines only move away. */
  keepUntilMs = 0;

  constructor(state: RequestState, partition: number) {
    this.state = state;
    this.partition = partition;
  }
}

export class Showcase {
  readonly #entries = new Map<string, Entry>();

  get size(): number {
    return this.#entries.size;
  }

  /** `offset` is left out for an event that was made from a committed row. */
  apply(event: OsagoEvent, partition: number, offset?: number): void {
    const requestId = event.data.request_id;
    const entry = this.#entries.get(requestId);
    if (entry === undefined) {
      this.#entries.set(requestId, new Entry(fold(undefined, event, offset), partition));
      return;
    }
    const next = fold(entry.state, event, offset);
    if (next === entry.state) return;
    entry.state = next;
    for (const listener of entry.listeners) listener();
  }

  /** Adds what Postgres knows of a request that the feed has not shown yet, or not any more. */
  load(events: readonly OsagoEvent[], partition: number, offsets: Offsets): void {
    for (const event of events) this.apply(event, partition);
    const entry = events[0] && this.#entries.get(events[0].data.request_id);
    if (entry !== undefined) entry.state = withOffsets(entry.state, offsets);
  }

  /** Undefined while nothing of the request can be shown. */
  get(requestId: string): Shown | undefined {
    const entry = this.#entries.get(requestId);
    if (entry === undefined || !isVisible(entry.state)) return undefined;
    return { state: entry.state, partition: entry.partition };
  }

  /** Calls `listener` after each change of the request, which must be known. Returns how to stop it. */
  watch(requestId: string, listener: Listener): () => void {
    const entry = this.#entries.get(requestId);
    if (entry === undefined) throw new Error(`request ${requestId} is not in the showcase`);
    entry.listeners.add(listener);
    return () => entry.listeners.delete(listener);
  }

  /** Forgets what is past its time. Returns how many requests that were. */
  evict(nowMs: number): number {
    let evicted = 0;
    for (const [requestId, entry] of this.#entries) {
      if (nowMs < entry.keepUntilMs || entry.listeners.size > 0) continue;
      entry.keepUntilMs = forgetAtMs(entry.state);
      if (nowMs < entry.keepUntilMs) continue;
      this.#entries.delete(requestId);
      evicted += 1;
    }
    return evicted;
  }
}

const forgetAtMs = (state: RequestState): number => {
  if (isVisible(state)) {
    return Date.parse(view(state, 0).late_until) - LATE_WINDOW_MS + SHOWCASE_TTL_MS;
  }
  const deadlines = Object.values(state.legs).map(({ data }) => Date.parse(data.deadline_at));
  return Math.max(...deadlines, 0) + SHOWCASE_TTL_MS;
};
