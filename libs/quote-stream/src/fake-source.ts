/** A stream for tests: what it says, and how it breaks, is played by the test. */
import { CLOSED, OPEN, type StreamMessage, type StreamSource } from './stream-browser.ts';
import type { FrameKind } from './stream-frame.ts';

const CONNECTING_STATE = 0;

export class FakeSource implements StreamSource {
  readonly url: string;
  readyState = CONNECTING_STATE;
  onerror: (() => void) | null = null;
  /** Nothing comes through any more, and nobody says so. */
  isMute = false;
  readonly #listeners = new Map<string, (message: StreamMessage) => void>();

  constructor(url: string) {
    this.url = url;
  }

  addEventListener(kind: string, listener: (message: StreamMessage) => void): void {
    this.#listeners.set(kind, listener);
  }

  /** The head of an answer is there, and nothing else. */
  open(): void {
    this.readyState = OPEN;
  }

  close(): void {
    this.readyState = CLOSED;
  }

  /** As a browser does, a closed source says nothing more. */
  send(kind: FrameKind, data: unknown, lastEventId = ''): void {
    if (this.readyState === CLOSED || this.isMute) return;
    this.readyState = OPEN;
    this.#listeners.get(kind)?.({ data: JSON.stringify(data), lastEventId });
  }

  /** The connection broke; the browser is connecting again by itself. */
  interrupt(): void {
    if (this.readyState === CLOSED || this.isMute) return;
    this.readyState = CONNECTING_STATE;
    this.onerror?.();
  }

  /** A status that `EventSource` never retries: 204, 401, 404, 5xx. */
  giveUp(): void {
    if (this.readyState === CLOSED || this.isMute) return;
    this.readyState = CLOSED;
    this.onerror?.();
  }
}
