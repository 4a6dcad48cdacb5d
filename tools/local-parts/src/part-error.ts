/** A part could not be had. The message is one sentence for the person at the terminal; it is shown without a stack. */
export class PartError extends Error {
  override readonly name: string = 'PartError';
}

/** This machine lacks what the part is made of. So it may come from Docker instead; a part that crashes may not. */
export class PartMissingError extends PartError {
  override readonly name = 'PartMissingError';
}
