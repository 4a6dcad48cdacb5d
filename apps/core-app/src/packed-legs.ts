/**
 * The legs of a request that nobody looks at on this pod, each as the bytes of its record. Every pod holds every request and
 * shows few of them; to the collector an event is dozens of objects and its bytes are none, which is most of what catching
 * up costs.
 */
import type { LegEvent, PublishedStatus } from '@osago/contracts';
import { compareLegs, type LegOrder, legOrderOf } from '@osago/quotes';
import type { OffHeapBytes, Place } from './off-heap-bytes.ts';

/** Enough of a leg event to say whether another replaces it. */
class PackedLeg implements LegOrder {
  readonly insurer_id: string;
  readonly attempt: number;
  readonly status: PublishedStatus;
  readonly fence: number;
  readonly step: number;
  readonly place: Place;

  constructor({ data }: LegEvent, place: Place) {
    this.insurer_id = data.insurer_id;
    this.attempt = data.attempt;
    // The status of an event that was decoded is one that is published.
    this.status = data.status as PublishedStatus;
    this.fence = data.fence;
    this.step = data.step;
    this.place = place;
  }

  /** Asked for where all numbers are equal: of a repeat. */
  get id(): string {
    return this.unpack().id;
  }

  unpack(): LegEvent {
    return JSON.parse(this.place.text) as LegEvent;
  }
}

export class PackedLegs {
  readonly #bytes: OffHeapBytes;
  readonly #legs: PackedLeg[] = [];
  /** The last of all legs, in milliseconds; 0 of none. */
  lastDeadlineMs = 0;
  #deadline = '';

  constructor(bytes: OffHeapBytes) {
    this.#bytes = bytes;
  }

  /** Keeps the effective event of each leg. `value` is what `event` was decoded from. */
  add(event: LegEvent, value: Buffer): void {
    const { deadline_at, insurer_id } = event.data;
    if (deadline_at !== this.#deadline) {
      this.#deadline = deadline_at;
      this.lastDeadlineMs = Math.max(this.lastDeadlineMs, Date.parse(deadline_at));
    }
    const at = this.#legs.findIndex((leg) => leg.insurer_id === insurer_id);
    const held = this.#legs[at];
    if (held !== undefined && compareLegs(legOrderOf(event), held) <= 0) return;
    const leg = new PackedLeg(event, this.#bytes.keep(value));
    if (held === undefined) {
      this.#legs.push(leg);
    } else {
      this.#legs[at] = leg;
      this.#bytes.release(held.place);
    }
  }

  /** The events of all legs. To be called once, and `add` not after it: the bytes are released. */
  unpack(): LegEvent[] {
    const events = this.#legs.map((leg) => leg.unpack());
    this.release();
    return events;
  }

  /** Of a request that is forgotten unread. */
  release(): void {
    for (const { place } of this.#legs.splice(0)) this.#bytes.release(place);
  }
}
