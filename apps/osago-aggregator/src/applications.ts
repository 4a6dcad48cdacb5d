/** Opens applications that are sealed on the log, and waits a while for a key that is not there yet. */
import type { Application } from '@osago/contracts';
import type { InsurerReply } from '@osago/quotes';
import { type Keyring, type Log, pause, UnknownKeyError } from '@osago/service-kit';

/** A new key reaches the pods' file within this time; until then a record under it is held. */
const KEY_PATIENCE_MS = 30_000;
const KEY_RETRY_MS = 1_000;

export const UNREADABLE = 'the application cannot be opened';

export class Applications {
  readonly #keys: Keyring;
  readonly #log: Log;
  readonly #patienceMs: number;
  readonly #stop = new AbortController();

  constructor(deps: { logKeys: Keyring; log: Log }, { patienceMs = KEY_PATIENCE_MS } = {}) {
    this.#keys = deps.logKeys;
    this.#log = deps.log;
    this.#patienceMs = patienceMs;
  }

  /** Nobody waits for a key any more. */
  close(): void {
    this.#stop.abort();
  }

  /** What is not there, or cannot be opened, is the reply that stands for every call with it. */
  async open(sealed: string | undefined, requestId: string): Promise<Application | InsurerReply> {
    try {
      if (sealed === undefined) throw new Error('no application is stored with the run');
      return JSON.parse(await this.#openText(sealed)) as Application;
    } catch (error) {
      this.#log.error({ error, request_id: requestId }, 'application cannot be opened');
      return { kind: 'fault', fault: 'rejected', message: UNREADABLE };
    }
  }

  async #openText(sealed: string): Promise<string> {
    const giveUpAtMs = performance.now() + this.#patienceMs;
    for (;;) {
      try {
        return await this.#keys.open(sealed);
      } catch (error) {
        const isWorthWaiting = error instanceof UnknownKeyError && performance.now() < giveUpAtMs;
        if (!isWorthWaiting || this.#stop.signal.aborted) throw error;
        await pause(KEY_RETRY_MS, this.#stop.signal);
      }
    }
  }
}
