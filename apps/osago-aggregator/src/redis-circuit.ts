/**
 * Whether a part of Redis can be asked: one server, or what shares a hash tag on a cluster. Once a command got no answer it
 * counts as away and nobody waits for it any more: a probe in the background finds out when it is back.
 */
const PROBE_EVERY_MS = 200;

export class RedisCircuit {
  readonly #probe: () => Promise<unknown>;
  readonly #onChange: () => void;
  /** Nothing is asked but the probe. */
  #isAway: boolean;
  /** Since when nothing has succeeded: it is away, or answers with errors (a replica that may not write, no memory). */
  #failingSinceMs: number | undefined;
  #timer: NodeJS.Timeout | undefined;
  #isClosed = false;

  /** `probe` rejects while there is no answer. `isAway`: until its first answer. */
  constructor({ probe, onChange, isAway }: { probe: () => Promise<unknown>; onChange: () => void; isAway: boolean }) {
    this.#probe = probe;
    this.#onChange = onChange;
    this.#isAway = isAway;
    this.#failingSinceMs = isAway ? performance.now() : undefined;
    if (isAway) this.#ask();
  }

  get isAway(): boolean {
    return this.#isAway;
  }

  get isFailing(): boolean {
    return this.#failingSinceMs !== undefined;
  }

  /** For how long it has done nothing that it was asked; 0 while it does. */
  awayForMs(): number {
    return this.#failingSinceMs === undefined ? 0 : performance.now() - this.#failingSinceMs;
  }

  succeeded(): void {
    if (this.#failingSinceMs === undefined) return;
    this.#failingSinceMs = undefined;
    this.#onChange();
  }

  /** An error that Redis itself says is no silence: it costs no time, and Redis may be asked again. */
  failed({ isSilent }: { isSilent: boolean }): void {
    this.#failingSinceMs ??= performance.now();
    if (isSilent) this.#goneAway();
    this.#onChange();
  }

  /** It may be back, sooner than the next probe would tell. */
  check(): void {
    if (this.#isAway) void this.#tryOnce();
  }

  close(): void {
    this.#isClosed = true;
    clearInterval(this.#timer);
  }

  #goneAway(): void {
    if (this.#isClosed) return;
    this.#isAway = true;
    this.#ask();
  }

  #ask(): void {
    this.#timer ??= setInterval(() => void this.#tryOnce(), PROBE_EVERY_MS);
  }

  async #tryOnce(): Promise<void> {
    try {
      await this.#probe();
    } catch {
      return;
    }
    clearInterval(this.#timer);
    this.#timer = undefined;
    if (!this.#isAway || this.#isClosed) return;
    this.#isAway = false;
    this.#onChange();
  }
}
