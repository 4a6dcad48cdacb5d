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

/** `EventSource.OPEN`: the head of an answer is there. */
export const OPEN = 1;
/** `EventSource.CLOSED`: it met a status that it never retries. */
export const CLOSED = 2;

/** As much of `Response` as is used. */
export interface StreamAnswer {
  readonly status: number;
  readonly headers: { get(name: string): string | null };
  json(): Promise<unknown>;
}

export interface StreamFetchOptions {
  headers: Record<string, string>;
  signal: AbortSignal;
}

export interface LockOptions {
  ifAvailable?: boolean;
  signal?: AbortSignal;
}

/** As much of `LockManager` as is used. A lock is held until the promise of its callback is settled. */
export interface StreamLocks {
  request(
    name: string,
    options: LockOptions,
    callback: (lock: object | null) => Promise<void>,
  ): Promise<unknown>;
}

/** As much of `BroadcastChannel` as is used. */
export interface StreamChannel {
  postMessage(message: unknown): void;
  addEventListener(kind: 'message', listener: (event: { readonly data: unknown }) => void): void;
  close(): void;
}

/**
 * `hide`: the page goes, perhaps into the back/forward cache. `show`: it is back from there. `wake`: it is looked at
 * again, or the network is back.
 */
export type PageEvent = 'hide' | 'show' | 'wake';

export interface StreamBrowser {
  /** Undefined where there are none: an old browser, or a page without TLS. */
  readonly locks: StreamLocks | undefined;
  openSource(url: string): StreamSource;
  openChannel(name: string): StreamChannel | undefined;
  fetch(url: string, options: StreamFetchOptions): Promise<StreamAnswer>;
  nowMs(): number;
  /** In [0, 1). */
  random(): number;
  /** No two are equal among the tabs that are open. */
  newId(): string;
  /** Runs once after `ms`; the returned function takes it back. */
  after(ms: number, run: () => void): () => void;
  /** The returned function ends it. */
  listen(listener: (event: PageEvent) => void): () => void;
}

export const thisBrowser: StreamBrowser = {
  get locks() {
    // Its type says that it is always there; a page without TLS knows better.
    return navigator.locks as LockManager | undefined;
  },
  openSource: (url) => new EventSource(url),
  openChannel: (name) => (typeof BroadcastChannel === 'undefined' ? undefined : new BroadcastChannel(name)),
  fetch: (url, options) => fetch(url, options),
  nowMs: () => Date.now(),
  random: () => Math.random(),
  newId: () => Math.random().toString(36).slice(2),
  after: (ms, run) => {
    const timer = setTimeout(run, ms);
    return () => clearTimeout(timer);
  },
  listen: (listener) => {
    const ending = new AbortController();
    const { signal } = ending;
    addEventListener('pagehide', () => listener('hide'), { signal });
    // iOS comes back from the cache without `visibilitychange`.
    addEventListener('pageshow', ({ persisted }) => persisted && listener('show'), { signal });
    addEventListener('online', () => listener('wake'), { signal });
    document.addEventListener(
      'visibilitychange',
      () => document.visibilityState === 'visible' && listener('wake'),
      { signal },
    );
    return () => ending.abort();
  },
};
