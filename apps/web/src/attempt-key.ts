/**
 * The Idempotency-Key of what is being sent. The same application sent again, because the answer was lost, keeps its
 * key, so the server makes no second request of it; another application gets another key. One that has arrived goes
 * without: then the server shows the request that is still in progress, and makes a new one of it only when that is over.
 */

export class AttemptKey {
  readonly #newKey: () => string;
  #attempt: { body: string; key: string } | undefined;
  /** What has arrived last. */
  #arrived: string | undefined;

  constructor(newKey: () => string) {
    this.#newKey = newKey;
  }

  keyFor(body: string): string | undefined {
    if (body === this.#arrived) return undefined;
    if (this.#attempt?.body !== body) this.#attempt = { body, key: this.#newKey() };
    return this.#attempt.key;
  }

  arrived(body: string): void {
    this.#arrived = body;
    this.#attempt = undefined;
  }
}

/** A random UUID (version 4). `crypto.randomUUID` exists over https only, and pages are tried out over http. */
export const randomUuid = (): string => {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  const hex = Array.from(bytes, (byte, index) => {
    if (index === 6) return (byte & 0x0f) | 0x40;
    return index === 8 ? (byte & 0x3f) | 0x80 : byte;
  }).map((byte) => byte.toString(16).padStart(2, '0'));
  return [hex.slice(0, 4), hex.slice(4, 6), hex.slice(6, 8), hex.slice(8, 10), hex.slice(10)]
    .map((part) => part.join(''))
    .join('-');
};
