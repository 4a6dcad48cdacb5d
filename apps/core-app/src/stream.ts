/**
 * One stream: a snapshot, then each quote that changes, then `done` or `timeout`. What the reader has seen is kept as the
 * JSON of each quote, so that a change is what differs, whatever record or clock caused it.
 */
import type { ServerResponse } from 'node:http';
import type { EndFrame, HeartbeatFrame, Quote, QuoteFrame } from '@osago/contracts';
import { countsOf, endOf, isFinished, nextClockChangeMs, type View } from '@osago/quotes';
import type { QuotesBodies } from './quotes-body.ts';
import type { Shown } from './showcase.ts';
import { frame, retryFrame, STREAM_HEADERS } from './sse-frames.ts';

const HEARTBEAT_MS = 15_000;
/** Far more than a whole stream of a hundred quotes: only a reader that takes nothing gets there. */
const PENDING_BYTES_MAX = 256 * 1_024;
/** A reader that does not take its last bytes is cut: `end()` alone waits for it for ever. */
export const GOODBYE_MS = 2_000;

export class Stream {
  readonly #response: ServerResponse;
  readonly #bodies: QuotesBodies;
  #shown: Shown;
  /** By position in the panel. */
  #seen: string[] = [];
  #nextHeartbeatMs = Number.POSITIVE_INFINITY;
  #nextClockMs = Number.POSITIVE_INFINITY;
  #cutAtMs: number | undefined;
  closeReason = 'gone';

  constructor(response: ServerResponse, { bodies, shown }: { bodies: QuotesBodies; shown: Shown }) {
    this.#response = response;
    this.#bodies = bodies;
    this.#shown = shown;
  }

  start(retryMs: number, nowMs: number): void {
    const { body, view } = this.#bodies.render(this.#shown);
    this.#response.writeHead(200, STREAM_HEADERS);
    this.#write(
      `${retryFrame(retryMs)}${frame('snapshot', body, body.cursor)}${this.#heartbeat(nowMs)}`,
    );
    this.#seen = view.quotes.map((quote) => JSON.stringify(quote));
    this.#settle(view);
  }

  /** The request has changed on this pod. */
  show(shown: Shown): void {
    this.#shown = shown;
    if (this.#response.headersSent) this.#send();
  }

  /** Heartbeat, deadlines, stalled readers. */
  sweep(nowMs: number): void {
    if (this.#response.writableLength > PENDING_BYTES_MAX) {
      this.cut('stalled');
      return;
    }
    if (this.#response.writableEnded) {
      this.#cutAtMs ??= nowMs + GOODBYE_MS;
      if (nowMs >= this.#cutAtMs) this.cut('stalled');
      return;
    }
    if (nowMs >= this.#nextClockMs) this.#send();
    if (nowMs >= this.#nextHeartbeatMs) this.#write(this.#heartbeat(nowMs));
  }

  /** The first end counts. */
  end(last: string, reason: string): void {
    if (this.#response.writableEnded) return;
    this.closeReason = reason;
    this.#response.end(last);
  }

  cut(reason: string): void {
    this.closeReason = reason;
    this.#response.destroy();
  }

  #send(): void {
    const { view } = this.#bodies.render(this.#shown);
    const texts = view.quotes.map((quote) => JSON.stringify(quote));
    const changed = view.quotes.filter((_, at) => texts[at] !== this.#seen[at]);
    this.#seen = texts;
    const cursor = this.#bodies.cursor(this.#shown);
    // Only the last carries the id: a reader cut off between two of them has not seen them all.
    const frames = changed.map((quote, at) =>
      this.#quoteFrame(quote, view, at === changed.length - 1 ? cursor : undefined),
    );
    if (frames.length > 0) this.#write(frames.join(''));
    this.#settle(view);
  }

  #settle(view: View): void {
    if (isFinished(view)) {
      const { status, quotes, late_until } = view;
      const data: EndFrame = { status, counts: countsOf(quotes), late_until };
      const kind = endOf(view);
      this.end(frame(kind, data, this.#bodies.cursor(this.#shown, true)), kind);
      return;
    }
    this.#nextClockMs = nextClockChangeMs(view) ?? Number.POSITIVE_INFINITY;
  }

  #quoteFrame(quote: Quote, { progress, status }: View, id: string | undefined): string {
    const data: QuoteFrame = { ...quote, progress, request_status: status };
    return frame('quote', data, id);
  }

  #heartbeat(nowMs: number): string {
    this.#nextHeartbeatMs = nowMs + HEARTBEAT_MS;
    const data: HeartbeatFrame = {
      now: new Date(nowMs).toISOString(),
      ...(this.#bodies.isStale() && { feed: 'stale' as const }),
    };
    return frame('heartbeat', data);
  }

  #write(text: string): void {
    if (!this.#response.writableEnded) this.#response.write(text);
  }
}
