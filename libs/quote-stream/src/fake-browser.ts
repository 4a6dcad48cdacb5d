/** A browser for tests: streams and GETs are played by the test, time passes when it says so. */
import { CLOSED, type StreamBrowser, type StreamMessage, type StreamSource } from './stream-browser.ts';
import type { FrameKind } from './stream-frame.ts';

const CONNECTING_STATE = 0;
const OPEN_STATE = 1;

export class FakeSource implements StreamSource {
  readonly url: string;
  readyState = CONNECTING_STATE;
  onerror: (() => void) | null = null;
  readonly #listeners = new Map<string, (message: StreamMessage) => void>();

  constructor(url: string) {
    this.url = url;
  }

  addEventListener(kind: string, listener: (message: StreamMessage) => void): void {
    this.#listeners.set(kind, listener);
  }

  close(): void {
    this.readyState = CLOSED;
  }

  /** As a browser does, a closed source says nothing more. */
  send(kind: FrameKind, data: unknown, lastEventId = ''): void {
    if (this.readyState === CLOSED) return;
    this.readyState = OPEN_STATE;
    this.#listeners.get(kind)?.({ data: JSON.stringify(data), lastEventId });
  }

  /** The connection broke; the browser is connecting again by itself. */
  interrupt(): void {
    this.readyState = CONNECTING_STATE;
    this.onerror?.();
  }

  /** A status that `EventSource` never retries: 204, 401, 404, 5xx. */
  giveUp(): void {
    this.readyState = CLOSED;
    this.onerror?.();
  }
}

interface Call {
  url: string;
  headers: Record<string, string>;
}

interface Timer {
  atMs: number;
  run: () => void;
}

export class FakeBrowser implements StreamBrowser {
  readonly sources: FakeSource[] = [];
  readonly calls: Call[] = [];
  /** Answers of the next GETs, in order. Without one a GET hangs until it is aborted. */
  readonly answers: (Response | Error)[] = [];
  #nowMs: number;
  #timers: Timer[] = [];

  constructor(nowMs: number) {
    this.#nowMs = nowMs;
  }

  get source(): FakeSource {
    const last = this.sources.at(-1);
    if (last === undefined) throw new Error('no stream was opened');
    return last;
  }

  get timersLeft(): number {
    return this.#timers.length;
  }

  openSource(url: string): StreamSource {
    const source = new FakeSource(url);
    this.sources.push(source);
    return source;
  }

  fetch(url: string, init: { headers: Record<string, string>; signal: AbortSignal }): Promise<Response> {
    this.calls.push({ url, headers: init.headers });
    const answer = this.answers.shift();
    if (answer instanceof Error) return Promise.reject(answer);
    if (answer !== undefined) return Promise.resolve(answer);
    return new Promise((_, reject) => {
      init.signal.addEventListener('abort', () => reject(new Error('aborted')), { once: true });
    });
  }

  nowMs(): number {
    return this.#nowMs;
  }

  /** The longest jitter. */
  random(): number {
    return 1;
  }

  after(ms: number, run: () => void): () => void {
    const timer = { atMs: this.#nowMs + ms, run };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  }

  /** Lets `ms` pass, then everything that was started come to rest. */
  async pass(ms: number): Promise<void> {
    this.#nowMs += ms;
    const due = this.#timers.filter(({ atMs }) => atMs <= this.#nowMs);
    this.#timers = this.#timers.filter(({ atMs }) => atMs > this.#nowMs);
    for (const { run } of due) run();
    await new Promise((resolve) => setImmediate(resolve));
  }
}
