/** The relay's time, and the waits of its loops. */

/** `nowMs` grows evenly, from any beginning. */
export interface RelayTime {
  nowMs(): number;
  /** Calls once when that long has passed, unless what it returns was called before. */
  after(ms: number, call: () => void): () => void;
}

export const systemTime: RelayTime = {
  nowMs: () => performance.now(),
  after: (ms, call) => {
    const timer = setTimeout(call, ms);
    return () => clearTimeout(timer);
  },
};

/** A wait that others can end. A ring before the wait ends it too, so none is missed between a look and a wait. */
export class Bell {
  readonly #time: RelayTime;
  #isRung = false;
  #end = (): void => {};

  constructor(time: RelayTime) {
    this.#time = time;
  }

  ring(): void {
    this.#isRung = true;
    this.#end();
  }

  /** Until it is rung, at most for so long. */
  async wait(msMax?: number): Promise<void> {
    if (!this.#isRung) {
      await new Promise<void>((resolve) => {
        const cancel = msMax === undefined ? undefined : this.#time.after(msMax, resolve);
        this.#end = () => {
          cancel?.();
          resolve();
        };
      });
    }
    this.#isRung = false;
  }
}
