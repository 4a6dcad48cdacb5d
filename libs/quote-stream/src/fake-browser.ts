/**
 * A browser for tests: tabs of one origin that share locks, channels and time. Streams and GETs are played by the test,
 * time passes when it says so.
 */
import { FakeSource } from './fake-source.ts';
import {
  CLOSED,
  type LockOptions,
  type PageEvent,
  type StreamAnswer,
  type StreamBrowser,
  type StreamChannel,
  type StreamFetchOptions,
  type StreamLocks,
  type StreamSource,
} from './stream-browser.ts';

interface Timer {
  atMs: number;
  run: () => void;
}

interface Waiting {
  owner: FakeBrowser;
  grant: () => void;
}

/** What the tabs of one origin share. */
export class FakeOrigin {
  nowMs: number;
  readonly tabs: FakeBrowser[] = [];
  readonly channels = new Map<string, Set<FakeChannel>>();
  readonly held = new Map<string, FakeBrowser>();
  readonly waiting = new Map<string, Waiting[]>();
  #timers: Timer[] = [];
  #ids = 0;

  constructor(nowMs: number) {
    this.nowMs = nowMs;
  }

  openTab(): FakeBrowser {
    const tab = new FakeBrowser(this);
    this.tabs.push(tab);
    return tab;
  }

  newId(): string {
    this.#ids += 1;
    return `id-${this.#ids}`;
  }

  get timersLeft(): number {
    return this.#timers.length;
  }

  after(ms: number, run: () => void): () => void {
    const timer = { atMs: this.nowMs + ms, run };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  }

  release(name: string): void {
    this.held.delete(name);
    this.waiting.get(name)?.shift()?.grant();
  }

  /** Lets `ms` pass, timer by timer, each time until everything that was started has come to rest. */
  async pass(ms: number): Promise<void> {
    const endMs = this.nowMs + ms;
    await rest();
    for (;;) {
      const next = this.#timers.reduce<Timer | undefined>(
        (first, timer) => (first === undefined || timer.atMs < first.atMs ? timer : first),
        undefined,
      );
      if (next === undefined || next.atMs > endMs) break;
      this.#timers = this.#timers.filter((timer) => timer !== next);
      this.nowMs = next.atMs;
      next.run();
      await rest();
    }
    this.nowMs = endMs;
  }
}

const rest = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

class FakeChannel implements StreamChannel {
  readonly #owner: FakeBrowser;
  readonly #peers: Set<FakeChannel>;
  #listener: ((event: { data: unknown }) => void) | undefined;

  constructor(owner: FakeBrowser, peers: Set<FakeChannel>) {
    this.#owner = owner;
    this.#peers = peers;
    peers.add(this);
  }

  postMessage(message: unknown): void {
    for (const peer of this.#peers) {
      if (peer === this) continue;
      const data = structuredClone(message);
      queueMicrotask(() => {
        if (this.#peers.has(peer)) peer.#owner.whenAwake(() => peer.#listener?.({ data }));
      });
    }
  }

  addEventListener(_: 'message', listener: (event: { data: unknown }) => void): void {
    this.#listener = listener;
  }

  close(): void {
    this.#peers.delete(this);
  }
}

class FakeLocks implements StreamLocks {
  readonly #origin: FakeOrigin;
  readonly #owner: FakeBrowser;

  constructor(origin: FakeOrigin, owner: FakeBrowser) {
    this.#origin = origin;
    this.#owner = owner;
  }

  async request(
    name: string,
    { ifAvailable = false, signal }: LockOptions,
    callback: (lock: object | null) => Promise<void>,
  ): Promise<void> {
    const { held, waiting } = this.#origin;
    await Promise.resolve();
    await this.#owner.awake();
    if (signal?.aborted) throw new Error('aborted');
    if (held.has(name) && ifAvailable) return callback(null);
    if (held.has(name)) await this.#turn(name, waiting, signal);
    held.set(name, this.#owner);
    await this.#owner.awake();
    await callback({});
    if (held.get(name) === this.#owner) this.#origin.release(name);
  }

  #turn(name: string, waiting: Map<string, Waiting[]>, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const turn: Waiting = {
        owner: this.#owner,
        grant: () => {
          this.#origin.held.set(name, this.#owner);
          resolve();
        },
      };
      waiting.set(name, [...(waiting.get(name) ?? []), turn]);
      signal?.addEventListener('abort', () => {
        waiting.set(name, (waiting.get(name) ?? []).filter((other) => other !== turn));
        reject(new Error('aborted'));
      });
    });
  }
}

export interface FakeCall {
  url: string;
  headers: Record<string, string>;
  signal: AbortSignal;
}

/** One tab. */
export class FakeBrowser implements StreamBrowser {
  readonly sources: FakeSource[] = [];
  readonly calls: FakeCall[] = [];
  /** Answers of the next GETs, in order. Without one a GET hangs until it is aborted. */
  readonly answers: (StreamAnswer | Error)[] = [];
  locks: StreamLocks | undefined;
  /** The longest jitter. */
  random = (): number => 1;
  onSource: (source: FakeSource) => void = () => undefined;
  onCall: ((call: FakeCall) => Promise<StreamAnswer>) | undefined;
  readonly #origin: FakeOrigin;
  readonly #listeners = new Set<(event: PageEvent) => void>();
  readonly #channels = new Set<FakeChannel>();
  /** What happens in a frozen tab waits. */
  #frozen: (() => void)[] | undefined;
  #isDead = false;

  constructor(origin: FakeOrigin) {
    this.#origin = origin;
    this.locks = new FakeLocks(origin, this);
  }

  get source(): FakeSource {
    const last = this.sources.at(-1);
    if (last === undefined) throw new Error('no stream was opened');
    return last;
  }

  get streamsOpen(): number {
    return this.sources.filter(({ readyState }) => readyState !== CLOSED).length;
  }

  openSource(url: string): StreamSource {
    const source = new FakeSource(url);
    this.sources.push(source);
    this.onSource(source);
    return source;
  }

  openChannel(name: string): StreamChannel {
    const { channels } = this.#origin;
    const peers = channels.get(name) ?? new Set();
    channels.set(name, peers);
    const channel = new FakeChannel(this, peers);
    this.#channels.add(channel);
    return channel;
  }

  fetch(url: string, { headers, signal }: StreamFetchOptions): Promise<StreamAnswer> {
    const call = { url, headers, signal };
    this.calls.push(call);
    const answer = this.answers.shift();
    if (answer instanceof Error) return Promise.reject(answer);
    if (answer !== undefined) return Promise.resolve(answer);
    if (this.onCall !== undefined) return this.onCall(call).finally(() => this.awake());
    return new Promise((_, reject) => {
      signal.addEventListener('abort', () => reject(new Error('aborted')), { once: true });
    });
  }

  nowMs(): number {
    return this.#origin.nowMs;
  }

  newId(): string {
    return this.#origin.newId();
  }

  after(ms: number, run: () => void): () => void {
    let isWanted = true;
    const stop = this.#origin.after(ms, () => this.whenAwake(() => isWanted && run()));
    return () => {
      isWanted = false;
      stop();
    };
  }

  listen(listener: (event: PageEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  emit(event: PageEvent): void {
    for (const listener of this.#listeners) listener(event);
  }

  awake(): Promise<void> {
    return new Promise((resolve) => this.whenAwake(resolve));
  }

  whenAwake(run: () => void): void {
    if (this.#isDead) return;
    if (this.#frozen === undefined) run();
    else this.#frozen.push(run);
  }

  get isFrozen(): boolean {
    return this.#frozen !== undefined;
  }

  /** As a phone does with what is not looked at: nothing runs, the connections are gone without a word. */
  freeze(): void {
    this.#frozen ??= [];
    for (const source of this.sources) source.isMute = true;
  }

  thaw(): void {
    const missed = this.#frozen ?? [];
    this.#frozen = undefined;
    for (const run of missed) run();
    this.emit('wake');
  }

  /** The tab is gone without having been told. */
  crash(): void {
    this.#isDead = true;
    for (const source of this.sources) source.close();
    for (const channel of this.#channels) channel.close();
    const { held, waiting } = this.#origin;
    for (const [name, turns] of waiting) waiting.set(name, turns.filter(({ owner }) => owner !== this));
    for (const [name, owner] of [...held]) if (owner === this) this.#origin.release(name);
  }

  get timersLeft(): number {
    return this.#origin.timersLeft;
  }

  pass(ms: number): Promise<void> {
    return this.#origin.pass(ms);
  }
}
