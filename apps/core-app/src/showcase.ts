/**
 * The read model: every request that is recent, as this pod's feed has folded it. Readers of one request are told of
 * each change. What may be forgotten, `showcase-eviction.ts` forgets, and it is read from Postgres then: ten minutes after
 * its last deadline, unless somebody still watches it; beyond a number of requests, when nothing more can come of it.
 */
import { isLegEvent, type LegEvent, type OsagoEvent, REQUEST_TOPICS, topicOf } from '@osago/contracts';
import {
  fold,
  isVisible,
  LATE_WINDOW_MS,
  NO_OFFSETS,
  type Offsets,
  type RequestState,
  unknownRequest,
  type Visible,
  withOffsets,
} from '@osago/quotes';
import { OffHeapBytes } from './off-heap-bytes.ts';
import { PackedLegs } from './packed-legs.ts';
import { SharedTexts } from './showcase-texts.ts';

/** After the last deadline. Older reads come from Postgres. */
export const SHOWCASE_TTL_MS = 10 * 60_000;
/** Of ten quotes a request takes 13 KB, most of it outside of the heap: some 520 MB, of the 768 that a pod may have. */
const REQUESTS_MAX = 40_000;

export interface Shown {
  readonly state: Visible;
  readonly partition: number;
}

type Listener = (state: Visible) => void;

class Entry {
  state: RequestState;
  readonly partition: number;
  /** Until somebody looks. Of what is here `state` knows nothing. */
  packed: PackedLegs | undefined;
  /** Of the packed legs, in the order of REQUEST_TOPICS. */
  readonly packedOffsets: [number, number, number] = [...NO_OFFSETS];
  listeners: Set<Listener> | undefined;
  /** Kept at least so long: looked at once and not at each eviction, because deadlines only move away. */
  keepUntilMs = 0;

  constructor(requestId: string, partition: number, packed: PackedLegs) {
    this.packed = packed;
    this.state = unknownRequest(requestId);
    this.partition = partition;
  }

  get isWatched(): boolean {
    return this.listeners !== undefined && this.listeners.size > 0;
  }

  pack(legs: PackedLegs, event: LegEvent, { value, offset }: FedFrom): void {
    legs.add(event, value);
    const at = REQUEST_TOPICS.indexOf(topicOf(event.type));
    this.packedOffsets[at] = Math.max(this.packedOffsets[at] ?? -1, offset);
  }

  /** The whole state; from now on it is kept as such. */
  unpack(): RequestState {
    if (this.packed !== undefined) {
      const state = this.packed.unpack().reduce((held, event) => fold(held, event), this.state);
      this.state = withOffsets(state, this.packedOffsets);
      this.packed = undefined;
    }
    return this.state;
  }

  /** Packed or not. */
  get offsets(): Offsets {
    return this.packed === undefined ? this.state.offsets : withOffsets(this.state, this.packedOffsets).offsets;
  }

  /** Of all that was ever asked; 0 when nothing is known of that. */
  lastDeadlineMs(): number {
    const { submission, retries, legs } = this.state;
    let lastMs = this.packed?.lastDeadlineMs ?? 0;
    let known = '';
    // Most of them are the same, and all requests are gone through here.
    const take = ({ deadline_at }: { deadline_at: string }): void => {
      if (deadline_at === known) return;
      known = deadline_at;
      lastMs = Math.max(lastMs, Date.parse(deadline_at));
    };
    submission?.panel.forEach(take);
    Object.values(retries).forEach(take);
    for (const { quote } of Object.values(legs)) take(quote);
    return lastMs;
  }
}

/** A request that may be forgotten, with all that is known of it here. */
export interface Forgettable {
  requestId: string;
  offsets: Offsets;
}

/** The record that an event came with. */
export interface FedFrom {
  value: Buffer;
  offset: number;
}

export class Showcase {
  readonly #entries = new Map<string, Entry>();
  readonly #requestsMax: number;
  readonly #texts = new SharedTexts();
  readonly #bytes = new OffHeapBytes();

  constructor({ requestsMax = REQUESTS_MAX }: { requestsMax?: number } = {}) {
    this.#requestsMax = requestsMax;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** What is held of it outside of the heap. */
  get offHeapBytes(): number {
    return this.#bytes.bytes;
  }

  /** `offset` is left out for an event that was made from a committed row. */
  apply(event: OsagoEvent, partition: number, offset?: number): void {
    const entry = this.#entryOf(event.data.request_id, partition);
    this.#set(entry, fold(entry.state, event, offset));
  }

  /** The same for an event that was decoded from a record of the log. */
  feed(event: OsagoEvent, partition: number, from: FedFrom): void {
    const entry = this.#entryOf(event.data.request_id, partition);
    if (entry.packed !== undefined && isLegEvent(event)) entry.pack(entry.packed, event, from);
    else this.#set(entry, fold(entry.state, this.#texts.in(event), from.offset));
  }

  /**
   * Adds what Postgres knows of a request that the feed has not shown yet, or not any more. It is seen as one change:
   * an offset is never shown without the events below it.
   */
  load(events: readonly OsagoEvent[], partition: number, offsets: Offsets): void {
    const [first] = events;
    if (first === undefined) return;
    const entry = this.#entryOf(first.data.request_id, partition);
    const state = events.reduce((held, event) => fold(held, event), entry.unpack());
    this.#set(entry, withOffsets(state, offsets));
  }

  #entryOf(requestId: string, partition: number): Entry {
    let entry = this.#entries.get(requestId);
    if (entry === undefined) {
      entry = new Entry(requestId, partition, new PackedLegs(this.#bytes));
      this.#entries.set(requestId, entry);
    }
    return entry;
  }

  #set(entry: Entry, next: RequestState): void {
    if (next === entry.state) return;
    entry.state = next;
    if (!entry.isWatched || !isVisible(next)) return;
    for (const listener of entry.listeners ?? []) listener(next);
  }

  /** Undefined while nothing of the request can be shown. */
  get(requestId: string): Shown | undefined {
    const entry = this.#entries.get(requestId);
    if (entry === undefined || !isVisible(entry.state)) return undefined;
    const state = entry.unpack();
    return isVisible(state) ? { state, partition: entry.partition } : undefined;
  }

  /**
   * Calls `listener` after each change of the request, which must be known, with the state shown then. Returns how to stop it.
   * The state bare: an object around it that a listener keeps, V8 comes to make in the old space at once, and from there
   * each one that is replaced keeps its state alive until a whole collection.
   */
  watch(requestId: string, listener: Listener): () => void {
    const entry = this.#entries.get(requestId);
    if (entry === undefined) throw new Error(`request ${requestId} is not in the showcase`);
    entry.unpack();
    const listeners = (entry.listeners ??= new Set());
    listeners.add(listener);
    return () => listeners.delete(listener);
  }

  /** How many more than the bound. */
  get surplus(): number {
    return Math.max(0, this.size - this.#requestsMax);
  }

  /** What is past its time, the oldest first, at most `countMax`: to be forgotten once the archive has it. */
  past(nowMs: number, countMax: number): Forgettable[] {
    return this.#forgettable(nowMs, countMax);
  }

  /**
   * What is closed, the oldest first: nothing more can come of it but by a command. Within the late window an answer may
   * still come, and there is no end to looking a request up for each.
   */
  closed(nowMs: number, countMax: number): Forgettable[] {
    return this.#forgettable(nowMs + SHOWCASE_TTL_MS - LATE_WINDOW_MS - 1, countMax);
  }

  /** Those whose time is `timeMs` or before, by the deadlines that they have now. */
  #forgettable(timeMs: number, countMax: number): Forgettable[] {
    const found: Forgettable[] = [];
    for (const [requestId, entry] of this.#entries) {
      if (found.length >= countMax) break;
      if (timeMs < entry.keepUntilMs || entry.isWatched) continue;
      entry.keepUntilMs = entry.lastDeadlineMs() + SHOWCASE_TTL_MS;
      if (timeMs >= entry.keepUntilMs) found.push({ requestId, offsets: entry.offsets });
    }
    return found;
  }

  /** False for one that is watched meanwhile, or of which more has come. */
  forget({ requestId, offsets }: Forgettable): boolean {
    const entry = this.#entries.get(requestId);
    if (entry === undefined || entry.isWatched || String(entry.offsets) !== String(offsets)) return false;
    entry.packed?.release();
    return this.#entries.delete(requestId);
  }
}
