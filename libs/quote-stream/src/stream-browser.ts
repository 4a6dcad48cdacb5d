/** The few things of a browser that the stream uses, so that its tests need neither a browser nor a wait. */

export interface StreamMessage {
  readonly data: string;
  readonly lastEventId: string;
}

/** As much of `EventSource` as is used. */
export interface StreamSource {
  readonly readyState: number;
  addEventListener(kind: string, listener: (message: StreamMessage) => void): void;
  onerror: ((event: never) => void) | null;
  close(): void;
}

/** `EventSource.CLOSED`: it met a status that it never retries. */
export const CLOSED = 2;

export interface StreamBrowser {
  openSource(url: string): StreamSource;
  fetch(url: string, init: { headers: Record<string, string>; signal: AbortSignal }): Promise<Response>;
  nowMs(): number;
  /** In [0, 1). */
  random(): number;
  /** Runs once after `ms`; the returned function takes it back. */
  after(ms: number, run: () => void): () => void;
}

export const thisBrowser: StreamBrowser = {
  openSource: (url) => new EventSource(url),
  fetch: (url, init) => fetch(url, init),
  nowMs: () => Date.now(),
  random: () => Math.random(),
  after: (ms, run) => {
    const timer = setTimeout(run, ms);
    return () => clearTimeout(timer);
  },
};
