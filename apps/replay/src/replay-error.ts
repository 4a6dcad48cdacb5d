/** Something that the person at the terminal can put right; it is shown as one sentence, without a stack. */
export class ReplayError extends Error {
  override readonly name = 'ReplayError';
}
