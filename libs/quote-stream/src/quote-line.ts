/**
 * One tab's own way to the server. At any moment it is one stream, or one GET, or the pause before the next of either,
 * and each begins from the cursor of what was seen, so an old answer never overtakes a newer one.
 *
 * A native `EventSource` reconnects by itself after a lost connection, but gives up for ever on any status that is not
 * 200, and never notices a stream that went mute. So after each such failure GET says how things are, and a new stream
 * is opened; after three in a row, and after a mute one at once, held GETs take the place of the stream, which is tried
 * again now and then. Whoever has no slot asks every few seconds: held GETs, too, would use up the connections of the
 * browser.
 */
import * as pace from './pace.ts';
import type { QuoteRecord } from './quote-record.ts';
import type { AskedPhase } from './quote-view.ts';
import { askQuotes, type QuotesAnswer, type Seen, type StreamTarget, streamUrl } from './quotes-call.ts';
import { CLOSED, OPEN, type StreamBrowser, type StreamMessage, type StreamSource } from './stream-browser.ts';
import { decodeFrame, FRAME_KINDS, type FrameKind } from './stream-frame.ts';
import type { Release } from './tab-lock.ts';

export interface LineDeps {
  browser: StreamBrowser;
  target: StreamTarget;
  record: QuoteRecord;
  /** One of the few long connections of this origin; undefined when there is none to have. */
  takeSlot: () => Promise<Release | undefined>;
  /** The line has stopped by itself: nothing more can come. */
  onOver: () => void;
}

/** An open stream since it was last connected. */
interface Connection {
  source: StreamSource;
  sinceMs: number;
  frames: number;
  heartbeats: number;
  /** The server has said goodbye: that it ends now is no failure. */
  isLeft: boolean;
}

const nothing = (): void => undefined;

export class QuoteLine {
  readonly #deps: LineDeps;
  #isRunning = false;
  /** Rises with each step; what was begun before has no say any more. */
  #step = 0;
  #release: Release | undefined;
  #connection: Connection | undefined;
  #asking: AbortController | undefined;
  /** The watchdog of a stream, the limit of a GET, or the pause before the next of either. */
  #stopTimer: () => void = nothing;
  /** Streams in a row that failed; one that went mute is as good as all of them. */
  #failures = 0;
  /** GETs in a row without an answer. */
  #unanswered = 0;
  #streamTries = 0;
  #streamAgainAtMs = 0;
  #aliveAtMs = Number.NEGATIVE_INFINITY;

  constructor(deps: LineDeps) {
    this.#deps = deps;
  }

  get isRunning(): boolean {
    return this.#isRunning;
  }

  /** A page that is back from the cache asks first, even when it had seen the end. */
  start({ asksFirst = false } = {}): void {
    if (this.#isRunning) return;
    this.#isRunning = true;
    void this.#next(asksFirst);
  }

  stop(): void {
    this.#isRunning = false;
    this.#halt();
    this.#release?.();
    this.#release = undefined;
  }

  /** GET at once and then a new stream, whatever was under way: a stream may have died while the machine slept. */
  wake({ isForced = false } = {}): void {
    if (!this.#isRunning) return;
    const nowMs = this.#deps.browser.nowMs();
    if (!isForced && nowMs - this.#aliveAtMs < pace.WAKE_MS) return;
    this.#aliveAtMs = nowMs;
    this.#halt();
    void this.#ask({ isWake: true });
  }

  #isPolling(): boolean {
    return this.#release === undefined || this.#failures >= pace.FAILURES_MAX;
  }

  async #next(asksFirst = false): Promise<void> {
    const step = this.#halt();
    const { browser, record, takeSlot, onOver } = this.#deps;
    if (record.isOver() && !asksFirst) {
      this.stop();
      onOver();
      return;
    }
    if (this.#release === undefined) {
      const release = await takeSlot();
      if (step !== this.#step) {
        release?.();
        return;
      }
      this.#release = release;
    }
    if (asksFirst) return this.#ask({ isWake: true });
    const isStreamDue =
      !this.#isPolling() || (this.#release !== undefined && browser.nowMs() >= this.#streamAgainAtMs);
    const isStreamWanted = record.view.phase !== 'ended' && record.awaited === undefined;
    if (isStreamDue && isStreamWanted) this.#open();
    else void this.#ask();
  }

  #open(): void {
    const { browser, record, target } = this.#deps;
    const source = browser.openSource(streamUrl(target, record.seen));
    const step = this.#step;
    this.#connection = this.#connected(source);
    for (const kind of FRAME_KINDS) {
      source.addEventListener(kind, (message) => {
        if (step === this.#step) this.#onFrame(kind, message);
      });
    }
    source.onerror = () => {
      if (step === this.#step) this.#onError();
    };
    this.#watch(pace.FIRST_FRAME_MS_MAX);
  }

  #connected(source: StreamSource): Connection {
    return { source, sinceMs: this.#deps.browser.nowMs(), frames: 0, heartbeats: 0, isLeft: false };
  }

  #onFrame(kind: FrameKind, { data, lastEventId }: StreamMessage): void {
    const { browser, record } = this.#deps;
    const nowMs = browser.nowMs();
    const frame = decodeFrame(kind, data, nowMs);
    const isEnd = frame.kind === 'done' || frame.kind === 'timeout';
    this.#aliveAtMs = nowMs;
    this.#unanswered = 0;
    this.#count(frame.kind);
    // The id of an end says "no more", which is not what a new stream or a GET should be told.
    const isNewId = lastEventId !== '' && !isEnd && lastEventId !== record.seen.cursor;
    record.learn(frame, nowMs, isNewId ? { cursor: lastEventId } : undefined);
    if (!this.#isRunning) return;
    if (!isEnd) return this.#watch(pace.SILENCE_MS_MAX);
    this.#halt();
    if (record.isOver()) void this.#next();
    else this.#pause(this.#jittered(pace.NEWS_MS));
  }

  #count(kind: FrameKind): void {
    const connection = this.#connection;
    if (connection === undefined) return;
    connection.frames += 1;
    if (kind === 'bye') connection.isLeft = true;
    if (kind === 'heartbeat') connection.heartbeats += 1;
    // The first comes at once, through any proxy that mutes later.
    if (connection.heartbeats > 1) this.#streamIsGood();
  }

  #streamIsGood(): void {
    this.#failures = 0;
    this.#streamTries = 0;
  }

  #onError(): void {
    const { browser, record } = this.#deps;
    const connection = this.#connection;
    if (connection === undefined) return;
    const { source, sinceMs, frames, isLeft } = connection;
    const isShort = browser.nowMs() - sinceMs < pace.SHORT_LIFE_MS;
    if (frames === 0 || (isShort && !isLeft)) this.#failures += 1;
    // A pod that is draining says goodbye to newcomers and nothing else, which proves nothing.
    else if (frames > 1 || !isLeft) this.#streamIsGood();
    const isOver = source.readyState === CLOSED;
    if (!isLeft || isOver) record.learn({ kind: 'interrupted' });
    if (!this.#isRunning) return;
    if (isOver || this.#failures >= pace.FAILURES_MAX) return this.#giveUpStream();
    // The browser is connecting again by itself.
    this.#connection = this.#connected(source);
    if (!isLeft) return this.#watch(pace.RECONNECT_MS_MAX);
    this.#wait(pace.GOODBYE_MS_MAX, () => {
      record.learn({ kind: 'interrupted' });
      if (this.#isRunning) this.#watch(pace.RECONNECT_MS_MAX - pace.GOODBYE_MS_MAX);
    });
  }

  #watch(silenceMsMax: number): void {
    this.#wait(silenceMsMax, () => {
      // Connected, and nothing comes: a network that does that to one stream does it to the next.
      const isMute = this.#connection?.source.readyState === OPEN;
      this.#failures = isMute ? pace.FAILURES_MAX : this.#failures + 1;
      this.#deps.record.learn({ kind: 'interrupted' });
      this.#giveUpStream();
    });
  }

  #giveUpStream(): void {
    if (!this.#isRunning) return;
    this.#halt();
    if (this.#failures >= pace.FAILURES_MAX) {
      this.#streamTries += 1;
      const ceilingMs = pace.growing(pace.STREAM_AGAIN_MS, this.#streamTries, pace.STREAM_AGAIN_MS_MAX);
      this.#streamAgainAtMs = this.#deps.browser.nowMs() + this.#jittered(ceilingMs);
    }
    void this.#ask({ isAtOnce: true });
  }

  /** `isAtOnce`: the answer is wanted as things are, for a page that has just lost its stream or woken. */
  async #ask({ isWake = false, isAtOnce = false } = {}): Promise<void> {
    const step = this.#step;
    const { browser, record, target } = this.#deps;
    const askedAtMs = browser.nowMs();
    const isEnded = record.view.phase === 'ended';
    const isHeld = this.#release !== undefined && !isWake && !isAtOnce && (isEnded || this.#isPolling());
    const seen = this.#wanted();
    const waitS = isHeld && record.awaited === undefined ? pace.WAIT_S : 0;
    const asking = new AbortController();
    this.#asking = asking;
    this.#wait(pace.ASK_MS_MAX + waitS * 1_000, () => asking.abort());
    const answer = await askQuotes(browser, target, seen, { waitS, signal: asking.signal });
    if (step !== this.#step) return;
    this.#stopTimer();
    const { etag } = record.seen;
    this.#take(answer, isWake);
    if (!this.#isRunning || step !== this.#step) return;
    if (answer.kind === 'refused' || record.isOver()) return void this.#next();
    const isHeldOrNews =
      (answer.kind === 'body' && answer.etag !== undefined && answer.etag !== etag) ||
      (answer.kind === 'unchanged' && browser.nowMs() - askedAtMs >= pace.HELD_MS_MIN);
    if (answer.kind === 'unavailable') this.#pause(this.#retryMs(answer.retryAfterMs));
    else this.#pause(this.#pauseMs(isWake, isHeldOrNews));
  }

  /**
   * A retry's cursor says nothing of what this page has seen, and a GET takes one cursor. So the first GET goes by the
   * cursor that was seen; the next by the retry's, with the ETag of the first, below which no pod answers either.
   */
  #wanted(): Seen {
    const { awaited, seen } = this.#deps.record;
    const isShownAsked = seen.etag !== undefined || seen.cursor === undefined;
    return awaited !== undefined && isShownAsked ? { ...seen, cursor: awaited.cursor } : seen;
  }

  #take(answer: QuotesAnswer, isWake: boolean): void {
    const { browser, record } = this.#deps;
    const nowMs = browser.nowMs();
    switch (answer.kind) {
      case 'refused':
        return record.learn(answer);
      case 'unavailable':
        this.#unanswered += 1;
        return record.learn({ kind: 'unreachable' });
      case 'body': {
        const { body, etag, serverNowMs } = answer;
        this.#answered(nowMs);
        const news = { kind: 'answer', body, phase: this.#phase(isWake), receivedAtMs: nowMs } as const;
        const seen = { cursor: body.cursor, ...(etag !== undefined && { etag }) };
        return record.learn({ ...news, ...(serverNowMs !== undefined && { serverNowMs }) }, nowMs, seen);
      }
      case 'unchanged':
        this.#answered(nowMs);
        return record.learn({ kind: 'unchanged', phase: this.#phase(isWake) }, nowMs);
    }
  }

  #answered(nowMs: number): void {
    this.#aliveAtMs = nowMs;
    this.#unanswered = 0;
  }

  /** A stream that is only renewed is not shown as a lost one. */
  #phase(isWake: boolean): AskedPhase {
    if (this.#isPolling()) return 'polling';
    return isWake && this.#deps.record.view.phase === 'live' ? 'live' : 'connecting';
  }

  #retryMs(retryAfterMs: number): number {
    const ceilingMs = pace.growing(pace.REOPEN_MS, this.#unanswered, pace.REOPEN_MS_MAX);
    const hurriedMs = this.#release === undefined ? Math.max(ceilingMs, pace.POLL_MS) : ceilingMs;
    return Math.max(this.#jittered(hurriedMs), retryAfterMs);
  }

  #pauseMs(isWake: boolean, isHeldOrNews: boolean): number {
    const { view, awaited } = this.#deps.record;
    // An ETag that was not there allows to ask for the retry now.
    if (awaited !== undefined) return isHeldOrNews ? 0 : this.#jittered(pace.NEWS_MS);
    if (this.#release === undefined) return this.#jittered(pace.POLL_MS);
    if (this.#isPolling() || view.phase === 'ended') return this.#jittered(isHeldOrNews ? pace.NEWS_MS : pace.POLL_MS);
    return isWake ? 0 : this.#jittered(pace.growing(pace.REOPEN_MS, this.#failures, pace.REOPEN_MS_MAX));
  }

  #jittered(ms: number): number {
    return pace.jittered(ms, this.#deps.browser.random());
  }

  #pause(ms: number): void {
    this.#wait(ms, () => void this.#next());
  }

  #wait(ms: number, then: () => void): void {
    this.#stopTimer();
    this.#stopTimer = this.#deps.browser.after(ms, then);
  }

  /** Ends whatever is under way. Returns the number of the step that begins. */
  #halt(): number {
    this.#stopTimer();
    this.#stopTimer = nothing;
    this.#connection?.source.close();
    this.#connection = undefined;
    this.#asking?.abort();
    this.#asking = undefined;
    this.#step += 1;
    return this.#step;
  }
}
