/**
 * Keeps the view of one request up to date until nothing more can come.
 *
 * A native `EventSource` reconnects by itself after a lost connection, but gives up for ever on any status that is not
 * 200, and never notices a stream that went mute. So: when it has given up, or no event (a heartbeat is one) came for
 * too long, this asks `GET …/quotes` and, unless that ends the matter, opens a new one after a jittered delay. At any
 * moment there is one source of news, the stream or one GET, so an old answer never overtakes a newer one.
 */
import { askQuotes, type QuotesAnswer, type Seen, type StreamTarget, streamUrl } from './quotes-call.ts';
import { CONNECTING, mayAnswerLate, type QuoteView, reduceView, type ViewNews } from './quote-view.ts';
import { CLOSED, type StreamBrowser, type StreamMessage, type StreamSource, thisBrowser } from './stream-browser.ts';
import { decodeFrame, FRAME_KINDS, type FrameKind } from './stream-frame.ts';

/** Heartbeats come every 15 s: two may be lost, with ten seconds for a slow network. */
const SILENCE_MS_MAX = 40_000;
/** A GET waits up to 2 s on the server for a pod that is behind; the rest is for the network. */
const ASK_MS_MAX = 10_000;
/** The first new try comes within this, later ones in twice as much each time, up to the maximum. */
const REOPEN_MS = 1_000;
const REOPEN_MS_MAX = 15_000;
/** A late answer is no hurry, and 2,500 pages may be asking. */
const LATE_ASK_MS = 5_000;

export interface QuoteStreamHandle {
  /** Ends everything; `onView` is not called any more. */
  close(): void;
}

/** Calls `onView` with each new view. `browser` is replaced in tests. */
export const openQuoteStream = (
  target: StreamTarget,
  onView: (view: QuoteView) => void,
  browser: StreamBrowser = thisBrowser,
): QuoteStreamHandle => {
  const stream = new QuoteStream(target, onView, browser);
  stream.open();
  return stream;
};

class QuoteStream implements QuoteStreamHandle {
  readonly #target: StreamTarget;
  readonly #onView: (view: QuoteView) => void;
  readonly #browser: StreamBrowser;
  #view: QuoteView = CONNECTING;
  #seen: Seen = {};
  /** GETs in a row, while the request goes on, without one frame between them. */
  #failures = 0;
  #source: StreamSource | undefined;
  #asking: AbortController | undefined;
  /** The only timer: the watchdog of a stream, the limit of a GET, or the pause before the next of either. */
  #stopTimer: () => void = () => undefined;
  #closed = false;

  constructor(target: StreamTarget, onView: (view: QuoteView) => void, browser: StreamBrowser) {
    this.#target = target;
    this.#onView = onView;
    this.#browser = browser;
  }

  open(): void {
    const source = this.#browser.openSource(streamUrl(this.#target, this.#seen));
    this.#source = source;
    for (const kind of FRAME_KINDS) {
      source.addEventListener(kind, (message) => this.#onFrame(kind, message));
    }
    source.onerror = () => this.#onError(source);
    this.#watch();
  }

  close(): void {
    this.#closed = true;
    this.#stopTimer();
    this.#source?.close();
    this.#asking?.abort();
  }

  #onFrame(kind: FrameKind, { data, lastEventId }: StreamMessage): void {
    if (this.#closed) return;
    this.#failures = 0;
    this.#watch();
    const frame = decodeFrame(kind, data, this.#browser.nowMs());
    const isEnd = frame.kind === 'done' || frame.kind === 'timeout';
    // The id of an end says "no more", which is not what a new stream or a GET should be told.
    if (lastEventId !== '' && !isEnd) this.#seen = { cursor: lastEventId };
    if (isEnd) this.#source?.close();
    this.#learn(frame);
    if (isEnd) this.#restUntilLateAsk();
  }

  #onError(source: StreamSource): void {
    if (this.#closed) return;
    this.#learn({ kind: 'interrupted' });
    if (source.readyState === CLOSED) void this.#ask();
  }

  /** Called at each sign of life: starts the wait for the next one. */
  #watch(): void {
    this.#wait(SILENCE_MS_MAX, () => {
      this.#source?.close();
      this.#learn({ kind: 'interrupted' });
      void this.#ask();
    });
  }

  async #ask(): Promise<void> {
    const asking = new AbortController();
    this.#asking = asking;
    this.#wait(ASK_MS_MAX, () => asking.abort());
    const answer = await askQuotes(this.#browser, this.#target, this.#seen, asking.signal);
    if (this.#closed) return;
    this.#stopTimer();
    if (this.#view.phase !== 'ended') this.#failures += 1;
    this.#onAnswer(answer);
  }

  #onAnswer(answer: QuotesAnswer): void {
    switch (answer.kind) {
      case 'refused':
        return this.#learn(answer);
      case 'body': {
        const { body, etag } = answer;
        this.#seen = { cursor: body.cursor, ...(etag !== undefined && { etag }) };
        this.#learn({ kind: 'answer', body });
        return this.#goOn(0);
      }
      case 'unchanged':
        return this.#goOn(0);
      case 'unavailable':
        return this.#goOn(answer.retryAfterMs);
    }
  }

  #goOn(pauseMsMin: number): void {
    if (this.#view.phase === 'ended') return this.#restUntilLateAsk();
    // Without a limit to the number of tries: the person may be in a tunnel, and the page is closed when it is over.
    const ceilingMs = Math.min(REOPEN_MS * 2 ** Math.max(this.#failures - 1, 0), REOPEN_MS_MAX);
    this.#wait(Math.max(this.#jittered(ceilingMs), pauseMsMin), () => this.open());
  }

  #restUntilLateAsk(): void {
    this.#stopTimer();
    if (!mayAnswerLate(this.#view, this.#browser.nowMs())) return;
    this.#wait(this.#jittered(LATE_ASK_MS), () => void this.#ask());
  }

  /** Between half and all of it, so that pages cut off together do not come back together. */
  #jittered(ms: number): number {
    return (ms / 2) * (1 + this.#browser.random());
  }

  #wait(ms: number, then: () => void): void {
    this.#stopTimer();
    this.#stopTimer = this.#browser.after(ms, then);
  }

  #learn(news: ViewNews): void {
    const view = reduceView(this.#view, news);
    if (view === this.#view) return;
    this.#view = view;
    this.#onView(view);
  }
}
