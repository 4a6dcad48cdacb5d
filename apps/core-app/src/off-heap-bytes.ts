/**
 * Bytes kept outside of the heap: the collector neither copies them while they are young nor counts them. In pages that stay
 * until the process ends; a place that is released takes the next bytes of its size, so there are as many places of a size
 * as were ever needed at once.
 */

const PAGE_BYTES = 4 * 1_048_576;
/** Sizes are whole numbers of these: of one that is released the next of about its length can take the place. */
const UNIT_BYTES = 64;

class Place {
  readonly #page: Buffer;
  readonly #at: number;
  readonly sizeBytes: number;
  #length = 0;

  constructor(page: Buffer, at: number, sizeBytes: number) {
    this.#page = page;
    this.#at = at;
    this.sizeBytes = sizeBytes;
  }

  fill(bytes: Buffer): this {
    this.#length = bytes.copy(this.#page, this.#at);
    return this;
  }

  /** The bytes, read as UTF-8. */
  get text(): string {
    return this.#page.toString('utf8', this.#at, this.#at + this.#length);
  }
}

export type { Place };

export class OffHeapBytes {
  #page: Buffer = Buffer.alloc(0);
  #used = 0;
  readonly #released = new Map<number, Place[]>();
  #pagesBytes = 0;

  /** Of all pages. Shared buffers are in none of Node's own figures but the resident set. */
  get bytes(): number {
    return this.#pagesBytes;
  }

  /** Copies them. The place is the caller's until it is released, and must not be read after. */
  keep(bytes: Buffer): Place {
    const sizeBytes = Math.ceil(bytes.length / UNIT_BYTES) * UNIT_BYTES;
    const place = this.#released.get(sizeBytes)?.pop() ?? this.#newPlace(sizeBytes);
    return place.fill(bytes);
  }

  release(place: Place): void {
    const released = this.#released.get(place.sizeBytes);
    if (released === undefined) this.#released.set(place.sizeBytes, [place]);
    else released.push(place);
  }

  #newPlace(sizeBytes: number): Place {
    if (this.#used + sizeBytes > this.#page.length) {
      // Shared, though nobody shares it: V8 starts a collection for each 64 MB that its other buffers grow by.
      this.#page = Buffer.from(new SharedArrayBuffer(Math.max(PAGE_BYTES, sizeBytes)));
      this.#pagesBytes += this.#page.length;
      this.#used = 0;
    }
    const at = this.#used;
    this.#used += sizeBytes;
    return new Place(this.#page, at, sizeBytes);
  }
}
