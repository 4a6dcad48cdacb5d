/**
 * The legs of a request that nobody looks at on this pod, each as the text of its event. Every pod holds every request and
 * shows few of them; a text is one object to the collector where the event it says is dozens, which is most of what
 * catching up costs.
 */
import type { LegEvent, PublishedStatus } from '@osago/contracts';
import { compareLegEvents } from '@osago/quotes';

/** Enough of a leg event to say whether another replaces it. */
class PackedLeg {
  readonly insurer_id: string;
  readonly attempt: number;
  readonly status: PublishedStatus;
  readonly fence: number;
  readonly step: number;
  /** The bytes as they were on the log, a character each: UTF-8 with one Cyrillic letter would be held at two. */
  readonly #bytes: string;

  constructor({ data }: LegEvent, value: Buffer) {
    this.insurer_id = data.insurer_id;
    this.attempt = data.attempt;
    // The status of an event that was decoded is one that is published.
    this.status = data.status as PublishedStatus;
    this.fence = data.fence;
    this.step = data.step;
    this.#bytes = value.toString('latin1');
  }

  /** In the shape of an event, for the order. */
  get data(): this {
    return this;
  }

  /** Asked for where all numbers are equal: of a repeat. */
  get id(): string {
    return this.unpack().id;
  }

  unpack(): LegEvent {
    return JSON.parse(Buffer.from(this.#bytes, 'latin1').toString('utf8')) as LegEvent;
  }
}

export class PackedLegs {
  readonly #legs: PackedLeg[] = [];
  /** The last of all legs, in milliseconds; 0 of none. */
  lastDeadlineMs = 0;
  #deadline = '';

  /** Keeps the effective event of each leg. `value` is what `event` was decoded from. */
  add(event: LegEvent, value: Buffer): void {
    const { deadline_at, insurer_id } = event.data;
    if (deadline_at !== this.#deadline) {
      this.#deadline = deadline_at;
      this.lastDeadlineMs = Math.max(this.lastDeadlineMs, Date.parse(deadline_at));
    }
    const at = this.#legs.findIndex((leg) => leg.insurer_id === insurer_id);
    const held = this.#legs[at];
    if (held === undefined) this.#legs.push(new PackedLeg(event, value));
    else if (compareLegEvents(event, held) > 0) this.#legs[at] = new PackedLeg(event, value);
  }

  unpack(): LegEvent[] {
    return this.#legs.map((leg) => leg.unpack());
  }
}
