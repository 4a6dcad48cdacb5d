/**
 * Keeps one process alive: when it ends without being asked to, it is started again after a growing pause, as Kubernetes
 * would. What is started again has the address that it had.
 */
import { pause, type Clock } from '@osago/service-kit';
import { pauseBeforeRestart } from './backoff.ts';

export interface Running {
  readonly pid: number | undefined;
  readonly ended: Promise<{ code: number | null; signal: string | null }>;
  stop(): Promise<void>;
}

export interface KeptDeps {
  name: string;
  /** Resolves when the process is started; whether it is ready is another matter. */
  again: () => Promise<Running>;
  clock: Clock;
  say: (line: string) => void;
  /** Another process does the work now. */
  changed: () => void;
}

export class Kept {
  readonly name: string;
  readonly #deps: KeptDeps;
  readonly #abort = new AbortController();
  #running: Running;

  constructor(deps: KeptDeps, running: Running) {
    this.name = deps.name;
    this.#deps = deps;
    this.#running = running;
    void this.#keep();
  }

  get pid(): number | undefined {
    return this.#running.pid;
  }

  /** From now on its end is nobody's business. */
  letGo(): void {
    this.#abort.abort();
  }

  /** Resolves when the process is gone; it is not started again. */
  async stop(): Promise<void> {
    this.letGo();
    await this.#running.stop();
  }

  async #keep(): Promise<void> {
    const { name, clock, say } = this.#deps;
    let pauseMs: number | undefined;
    for (;;) {
      const startedAtMs = clock.nowMs();
      const { code, signal } = await this.#running.ended;
      if (this.#abort.signal.aborted) return;
      pauseMs = pauseBeforeRestart(pauseMs, clock.nowMs() - startedAtMs);
      say(`! ${name} ended (${signal ?? `code ${code}`}); it is started again in ${pauseMs / 1000} s`);
      if (!(await this.#startAgain(pauseMs))) return;
    }
  }

  /** False when the platform is being stopped. */
  async #startAgain(firstPauseMs: number): Promise<boolean> {
    const { signal } = this.#abort;
    for (let pauseMs = firstPauseMs; ; pauseMs = pauseBeforeRestart(pauseMs, 0)) {
      await pause(pauseMs, signal);
      if (signal.aborted) return false;
      try {
        this.#running = await this.#deps.again();
        if (this.#abort.signal.aborted) await this.#running.stop();
        this.#deps.changed();
        return true;
      } catch (error) {
        if (this.#abort.signal.aborted) return false;
        this.#deps.say(`! ${this.name} could not be started: ${(error as Error).message}`);
      }
    }
  }
}
