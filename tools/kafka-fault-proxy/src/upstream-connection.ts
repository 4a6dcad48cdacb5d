/** A connection to the real broker, for one question at a time. */
import type { Socket } from 'node:net';
import { framed, framesOf } from './frames.ts';

export class UpstreamError extends Error {
  override readonly name = 'UpstreamError';
}

export class UpstreamConnection {
  readonly #socket: Socket;
  #asked: PromiseWithResolvers<Buffer> | undefined;
  #ended = false;

  /** `onEnd` once, whoever ends it. */
  constructor(socket: Socket, onEnd: () => void) {
    this.#socket = socket;
    void this.#read().then(onEnd);
  }

  /** Undefined at once where no answer is due. Rejects with {@link UpstreamError} when the broker goes. */
  async ask(frame: Buffer, answerIsDue: boolean): Promise<Buffer | undefined> {
    if (this.#ended) throw new UpstreamError('the broker is gone');
    const asked = answerIsDue ? Promise.withResolvers<Buffer>() : undefined;
    this.#asked = asked;
    this.#socket.write(framed(frame));
    return asked?.promise;
  }

  close(): void {
    this.#socket.destroySoon();
  }

  async #read(): Promise<void> {
    let reason: unknown;
    try {
      for await (const frame of framesOf(this.#socket)) this.#asked?.resolve(frame);
    } catch (error) {
      // Whoever asks is told; a broker that goes while nobody does is no fault of the proxy.
      reason = error;
    }
    this.#ended = true;
    this.#asked?.reject(new UpstreamError('the broker is gone', { cause: reason }));
    this.#socket.destroy();
  }
}
