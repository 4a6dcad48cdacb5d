/** Something that the person at the terminal can put right; it is shown as one sentence, without a stack. */
export class ReplayError extends Error {
  override readonly name: string = 'ReplayError';
}

/** Ctrl-C, or a reader of the pipe that has seen enough: what was read until then is no answer. */
export class StoppedError extends ReplayError {
  override readonly name = 'StoppedError';

  constructor() {
    super('stopped');
  }
}
