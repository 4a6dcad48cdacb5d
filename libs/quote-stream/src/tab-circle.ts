/**
 * The tabs of one request among themselves: one leads and tells the others, the others show what it tells. The lock
 * goes from a tab that closes to one that waits, by itself.
 *
 * A tab follows only from a point that the leading one has passed, so nobody ever shows less than before: it says
 * hello with its cursor, and when the leader has never been there (a new leader, or this tab has asked for itself
 * meanwhile), or does not answer because it is frozen, the tab asks the server for itself until they meet.
 */
import * as pace from './pace.ts';
import type { QuoteLine } from './quote-line.ts';
import type { QuoteRecord, RecordState, Restart } from './quote-record.ts';
import type { StreamTarget } from './quotes-call.ts';
import type { StreamBrowser, StreamChannel, StreamLocks } from './stream-browser.ts';
import { type Release, takeAnyLock, takeLock } from './tab-lock.ts';

/** Tabs with an older page may be open: what they say must be understood, or the version is another. */
const PREFIX = 'osago-quotes-1';

type TabMessage =
  | { kind: 'hello'; from: string; cursor?: string }
  /** From the leader. With `to` the answer to a hello, which it repeats. */
  | { kind: 'state'; term: string; seq: number; state: RecordState; to?: string; cursor?: string }
  | { kind: 'restart'; restart: Restart };

export interface TabCircleDeps {
  browser: StreamBrowser;
  target: StreamTarget;
  record: QuoteRecord;
  line: QuoteLine;
  /** The record has changed by what another tab said. */
  onAdopted: () => void;
}

type Role =
  | { kind: 'out' }
  /** Nothing more can come, unless another tab says that the request was opened again. */
  | { kind: 'resting' }
  /** Without locks there is nobody to follow. */
  | { kind: 'alone' }
  | { kind: 'leader'; term: string; seq: number; release: Release }
  | { kind: 'follower'; leader?: { term: string; seq: number }; waiting: AbortController };

export class TabCircle {
  readonly #deps: TabCircleDeps;
  readonly #id: string;
  #role: Role = { kind: 'out' };
  #channel: StreamChannel | undefined;
  #stopTimer: () => void = () => undefined;

  constructor(deps: TabCircleDeps) {
    this.#deps = deps;
    this.#id = deps.browser.newId();
  }

  join({ isBack = false } = {}): void {
    if (this.#role.kind !== 'out' && this.#role.kind !== 'resting') return;
    const { browser, line } = this.#deps;
    this.#channel ??= this.#openChannel();
    if (browser.locks === undefined || this.#channel === undefined) {
      this.#role = { kind: 'alone' };
      line.start({ asksFirst: isBack });
      return;
    }
    const waiting = new AbortController();
    this.#role = { kind: 'follower', waiting };
    void this.#waitToLead(browser.locks, { waiting, isBack });
    this.#hello();
  }

  /** Gives everything back that other tabs may be waiting for. */
  leave(): void {
    this.rest();
    this.#role = { kind: 'out' };
    this.#channel?.close();
    this.#channel = undefined;
  }

  /** As {@link leave}, but still hears of a restart. */
  rest(): void {
    const role = this.#role;
    if (role.kind === 'out') return;
    this.#role = { kind: 'resting' };
    this.#stopTimer();
    this.#deps.line.stop();
    if (role.kind === 'leader') role.release();
    if (role.kind === 'follower') role.waiting.abort();
  }

  wake(): void {
    if (this.#role.kind === 'follower') this.#hello();
    this.#deps.line.wake();
  }

  restart(restart: Restart): void {
    this.#post({ kind: 'restart', restart });
    this.#onRestart(restart);
  }

  /** To be told of each news of this tab's own line. */
  onNews(): void {
    const role = this.#role;
    if (role.kind === 'leader') {
      role.seq += 1;
      this.#tell(role);
    }
    if (role.kind === 'follower') this.#hello();
  }

  /** A slot is for the leader: the others have no need of a long connection. */
  takeSlot(): Promise<Release | undefined> {
    const { locks } = this.#deps.browser;
    if (this.#role.kind !== 'leader' || locks === undefined) return Promise.resolve(undefined);
    const names = Array.from({ length: pace.SLOTS }, (_, at) => `${PREFIX}:slot:${at}`);
    return takeAnyLock(locks, names);
  }

  get #name(): string {
    const { baseUrl = '', requestId } = this.#deps.target;
    return `${PREFIX}:${baseUrl}:${requestId}`;
  }

  #openChannel(): StreamChannel | undefined {
    const channel = this.#deps.browser.openChannel(this.#name);
    channel?.addEventListener('message', ({ data }) => this.#onMessage(data as TabMessage));
    return channel;
  }

  async #waitToLead(
    locks: StreamLocks,
    { waiting, isBack }: { waiting: AbortController; isBack: boolean },
  ): Promise<void> {
    const { browser, line } = this.#deps;
    const release = await takeLock(locks, this.#name, { signal: waiting.signal });
    const role = this.#role;
    if (role.kind !== 'follower' || role.waiting !== waiting) return release?.();
    this.#stopTimer();
    this.#role =
      release === undefined ? { kind: 'alone' } : { kind: 'leader', term: browser.newId(), seq: 0, release };
    line.start({ asksFirst: isBack });
  }

  /** Asks the leader how things are; without an answer this tab asks the server. */
  #hello(): void {
    const { cursor } = this.#deps.record.seen;
    this.#post({ kind: 'hello', from: this.#id, ...(cursor !== undefined && { cursor }) });
    if (!this.#deps.line.isRunning) this.#expectLeader(pace.HELLO_MS_MAX);
  }

  #expectLeader(withinMs: number): void {
    this.#stopTimer();
    this.#stopTimer = this.#deps.browser.after(withinMs, () => {
      if (this.#role.kind !== 'follower') return;
      delete this.#role.leader;
      this.#deps.line.start();
    });
  }

  #onMessage(message: TabMessage): void {
    switch (message.kind) {
      case 'hello':
        return this.#onHello(message);
      case 'state':
        return this.#onState(message);
      case 'restart':
        return this.#onRestart(message.restart);
    }
  }

  #onHello({ from, cursor }: Extract<TabMessage, { kind: 'hello' }>): void {
    if (this.#role.kind !== 'leader' || !this.#deps.record.hasPassed(cursor)) return;
    this.#tell(this.#role, { to: from, ...(cursor !== undefined && { cursor }) });
  }

  #tell({ term, seq }: Extract<Role, { kind: 'leader' }>, answering: { to?: string; cursor?: string } = {}): void {
    const { state } = this.#deps.record;
    // Each tab finds out by itself whether it is refused: their tokens may differ.
    if (state.view.phase !== 'lost') this.#post({ kind: 'state', term, seq, state, ...answering });
  }

  #onState({ term, seq, state, to, cursor }: Extract<TabMessage, { kind: 'state' }>): void {
    const role = this.#role;
    if (role.kind !== 'follower' || (to !== undefined && to !== this.#id)) return;
    const { record, line, onAdopted } = this.#deps;
    const isNext = role.leader?.term === term && role.leader.seq + 1 === seq;
    const isAnswer = to !== undefined && cursor === record.seen.cursor;
    if (!isAnswer && role.leader?.term === term && seq <= role.leader.seq) return;
    if (!isAnswer && (to !== undefined || !isNext)) return this.#hello();
    role.leader = { term, seq };
    line.stop();
    record.adopt(state);
    this.#expectLeader(pace.LEADER_MS_MAX);
    onAdopted();
    if (record.isOver()) this.rest();
  }

  #onRestart(restart: Restart): void {
    if (this.#role.kind === 'out') return;
    const { browser, line, record } = this.#deps;
    record.restart(restart, browser.nowMs());
    if (this.#role.kind === 'resting') this.join();
    else line.wake({ isForced: true });
  }

  #post(message: TabMessage): void {
    this.#channel?.postMessage(message);
  }
}
