/**
 * Opens sealed applications for an export that may hold personal data. Who does it, what for and with which keys is in the
 * audit log, on the disk, before the first one is opened: a log that cannot be written stops the export.
 */
import { open } from 'node:fs/promises';
import { hostname, userInfo } from 'node:os';
import { decodeEvent, TOPICS } from '@osago/contracts';
import type { LogRecord } from '@osago/event-bus';
import { type Clock, loadKeyring } from '@osago/service-kit';
import { ReplayError } from './replay-error.ts';

export interface DecryptOptions {
  /** JWKS with the private halves of the log keys. */
  readonly keyFile: string;
  readonly purpose: string;
  readonly ticket: string;
  /** Gets a line of JSON at the begin and at the end; only ever appended to. */
  readonly auditFile: string;
}

export interface Decrypted {
  readonly opened: number;
  /** Those whose key is not in the file, or which were tampered with. */
  readonly unopened: number;
}

export class ApplicationOpener {
  readonly #open: (sealed: string) => Promise<string>;
  readonly #audit: (happened: string, counts?: Decrypted) => Promise<void>;
  #opened = 0;
  #unopened = 0;

  private constructor(
    opens: (sealed: string) => Promise<string>,
    audit: (happened: string, counts?: Decrypted) => Promise<void>,
  ) {
    this.#open = opens;
    this.#audit = audit;
  }

  /** Throws {@link ReplayError} when the keys cannot be read or the audit log cannot be written. */
  static async begin(
    { keyFile, purpose, ticket, auditFile }: DecryptOptions,
    scope: Readonly<Record<string, string>>,
    clock: Clock,
  ): Promise<ApplicationOpener> {
    const keyring = await loadKeyring(keyFile).catch((error: unknown) => {
      throw new ReplayError(`the keys cannot be read: ${(error as Error).message}`, { cause: error });
    });
    const audit = async (happened: string, counts: Partial<Decrypted> = {}): Promise<void> => {
      const at = new Date(clock.nowMs()).toISOString();
      const who = { by: userInfo().username, host: hostname() };
      const line = `${JSON.stringify({ at, happened, ...who, purpose, ticket, ...scope, key_file: keyFile, ...counts })}\n`;
      const file = await open(auditFile, 'a', 0o600).catch((error: unknown) => {
        throw new ReplayError(`the audit log cannot be written: ${(error as Error).message}`, { cause: error });
      });
      try {
        await file.appendFile(line);
        await file.sync();
      } finally {
        await file.close();
      }
    };
    await audit('decrypt-begun');
    return new ApplicationOpener((sealed) => keyring.open(sealed), audit);
  }

  /** The application of a record of commands; undefined where it has none or cannot be opened. */
  async applicationOf({ topic, value }: LogRecord): Promise<object | undefined> {
    if (topic !== TOPICS.requests) return undefined;
    const decoded = decodeEvent(value);
    if (!decoded.ok || !('application_sealed' in decoded.event.data)) return undefined;
    try {
      const application = JSON.parse(await this.#open(decoded.event.data.application_sealed)) as object;
      this.#opened += 1;
      return application;
    } catch {
      // Counted, and said at the end: keys are destroyed eight days after their last use, so old ones are expected.
      this.#unopened += 1;
      return undefined;
    }
  }

  async end(): Promise<Decrypted> {
    const counts = { opened: this.#opened, unopened: this.#unopened };
    await this.#audit('decrypt-ended', counts);
    return counts;
  }
}
