/**
 * A server for tests: the history of one request is a line, each pod is somewhere on it, and no pod answers with less
 * than what a cursor names (design §4, §5). Streams can be cut, muted or refused; a browser's own reconnects are played.
 */
import type { QuotesBody } from '@osago/contracts';
import type { FakeBrowser, FakeCall, FakeOrigin } from './fake-browser.ts';
import type { FakeSource } from './fake-source.ts';
import { hasEnded } from './quote-view.ts';
import type { StreamAnswer } from './stream-browser.ts';

const HEARTBEAT_MS = 15_000;
const RETRY_MS = 1_500;
const BEHIND_MS = 2_000;
/** How often a held answer and a stream look for news. */
const LOOK_MS = 250;

interface Pod {
  at: number;
}

/** `drains`: whichever pod is asked for a stream is about to stop. */
export type Network = 'good' | 'refuses streams' | 'mutes streams' | 'drains' | 'away';

export class FakeServer {
  readonly #origin: FakeOrigin;
  readonly #history: readonly QuotesBody[];
  readonly #pods: Pod[] = [{ at: 0 }, { at: 0 }, { at: 0 }];
  readonly #random: () => number;
  readonly #cuts = new Set<(isGoodbye: boolean) => void>();
  network: Network = 'good';
  /** When each stream was opened and each GET was sent. */
  readonly requestsAtMs = new Map<FakeBrowser, number[]>();

  constructor(origin: FakeOrigin, history: readonly QuotesBody[], random: () => number) {
    this.#origin = origin;
    this.#history = history.map((body, at) => ({ ...body, cursor: `c${at}` }));
    this.#random = random;
  }

  serve(tab: FakeBrowser): void {
    this.requestsAtMs.set(tab, []);
    tab.onSource = (source) => this.#stream(tab, source, cursorIn(source.url));
    tab.onCall = (call) => this.#answer(tab, call);
  }

  /** Something happened: it is in the log, and one pod after another hears of it. */
  advance(pod: number, steps: number): void {
    const there = this.#pods[pod % this.#pods.length];
    if (there !== undefined) there.at = Math.min(there.at + steps, this.#history.length - 1);
  }

  /** Every pod is there, except for so many steps. */
  finish(stepsLeft: number): void {
    this.network = 'good';
    const end = this.#history.length - 1 - stepsLeft;
    for (const pod of this.#pods) pod.at = Math.max(pod.at, end);
  }

  /** Every connection breaks. */
  cut(): void {
    for (const cut of [...this.#cuts]) cut(false);
  }

  /** Every stream is told goodbye. */
  replacePods(): void {
    for (const cut of [...this.#cuts]) cut(true);
  }

  #anyPod(): Pod {
    return this.#pods[Math.floor(this.#random() * this.#pods.length)] ?? { at: 0 };
  }

  #note(tab: FakeBrowser): void {
    this.requestsAtMs.get(tab)?.push(this.#origin.nowMs);
  }

  async #answer(tab: FakeBrowser, { url, headers, signal }: FakeCall): Promise<StreamAnswer> {
    this.#note(tab);
    const pod = this.#anyPod();
    const known = headers['if-none-match'];
    const etagAt = known === undefined ? -1 : Number(known.slice(2, -1));
    this.#send();
    if (!(await this.#until(() => pod.at >= cursorIn(url), BEHIND_MS, signal))) return answer(503);
    const waitMs = Number(headers['prefer']?.slice(5) ?? 0) * 1_000;
    const isSettled = (): boolean => pod.at > etagAt || this.#isLast(pod);
    if (waitMs > 0) await this.#until(isSettled, waitMs, signal);
    this.#send();
    return etagAt >= pod.at ? answer(304) : answer(200, this.#history[pod.at], `"e${pod.at}"`);
  }

  #send(): void {
    if (this.network === 'away') throw new Error('network');
  }

  #isLast(pod: Pod): boolean {
    return pod.at === this.#history.length - 1;
  }

  /** False when the time is up. */
  #until(holds: () => boolean, ms: number, signal: AbortSignal): Promise<boolean> {
    const endMs = this.#origin.nowMs + ms;
    return new Promise((resolve, reject) => {
      const look = (): void => {
        if (signal.aborted) reject(new Error('aborted'));
        else if (holds()) resolve(true);
        else if (this.#origin.nowMs >= endMs) resolve(false);
        else this.#origin.after(LOOK_MS, look);
      };
      look();
    });
  }

  #stream(tab: FakeBrowser, source: FakeSource, seen: number): void {
    if (source.readyState === 2 || source.isMute) return;
    this.#note(tab);
    if (this.network === 'refuses streams') {
      this.#origin.after(0, () => source.giveUp());
      return;
    }
    if (this.network === 'mutes streams') return;
    let shown = seen;
    const again = (isGoodbye: boolean): void => {
      this.#cuts.delete(again);
      if (isGoodbye) source.send('bye', {});
      source.interrupt();
      // By itself, with the last id.
      this.#origin.after(RETRY_MS, () => this.#stream(tab, source, shown));
    };
    const pod = this.#anyPod();
    if (this.network === 'away' || pod.at < seen) {
      this.#origin.after(0, () => again(false));
      return;
    }
    if (this.network === 'drains') {
      this.#origin.after(0, () => again(true));
      return;
    }
    this.#cuts.add(again);
    let beatAtMs = 0;
    let isFirst = true;
    const look = (): void => {
      if (source.readyState === 2 || !this.#cuts.has(again)) return void this.#cuts.delete(again);
      const body = this.#history[pod.at];
      if (body === undefined) throw new Error('the history is empty');
      if (isFirst || pod.at > shown) source.send('snapshot', body, body.cursor);
      shown = pod.at;
      isFirst = false;
      if (hasEnded(body)) {
        this.#cuts.delete(again);
        source.send('timeout', { status: body.status, counts: {}, late_until: body.late_until }, 'end');
        return;
      }
      if (this.#origin.nowMs >= beatAtMs) {
        source.send('heartbeat', { now: new Date(this.#origin.nowMs).toISOString() });
        beatAtMs = this.#origin.nowMs + HEARTBEAT_MS;
      }
      this.#origin.after(LOOK_MS, look);
    };
    this.#origin.after(20, look);
  }
}

const cursorIn = (url: string): number => Number(/(?:cursor|last_event_id)=c(\d+)/.exec(url)?.[1] ?? -1);

const answer = (status: number, body?: unknown, etag: string | null = null): StreamAnswer => ({
  status,
  headers: { get: (name) => (name === 'etag' ? etag : null) },
  json: () => Promise.resolve(structuredClone(body)),
});
