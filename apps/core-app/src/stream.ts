/**
 * One stream: a snapshot, then each quote that changes, then `done` or `timeout`. It writes to the socket itself, and
 * keeps little more than what its reader has seen: ten thousand of them stand open on one pod.
 */
import type { Socket } from 'node:net';
import type { EndFrame } from '@osago/contracts';
import { CLOCK_GRACE_MS, countsOf, endOf, isFinished, type View, view, type Visible } from '@osago/quotes';
import type { QuotesBodies } from './quotes-body.ts';
import type { Shown } from './showcase.ts';
import { frame, quoteFrame, retryFrame, streamHead } from './sse-frames.ts';
import { changeSince, firstMoment, type Moment } from './stream-changes.ts';

const HEARTBEAT_MS = 15_000;
/** A reader with more than this before it is told the latest of each quote once it has taken it, not each step. */
const LAG_BYTES = 16 * 1_024;
/** A reader that does not take its last bytes is cut: an end alone waits for it for ever. */
const GOODBYE_MS = 2_000;

/** How much a reader may leave lying, and how long. */
export interface StreamBounds {
  pendingBytesMax: number;
  /** Without a byte taken. */
  stalledMs: number;
}

interface Stall {
  takenBytes: number;
  sinceMs: number;
}

export class Stream {
  readonly #socket: Socket;
  readonly #bodies: QuotesBodies;
  #state: Visible;
  readonly #partition: number;
  readonly #seen: Moment;
  #nextHeartbeatMs: number;
  /** Composed, and not written yet. */
  #unsent = '';
  #stall: Stall | undefined;
  #endedAtMs: number | undefined;
  closeReason = 'gone';

  /** Sends the head of the answer and its first events, and the end when nothing more is to come. */
  constructor(
    socket: Socket,
    { bodies, shown, retryMs, heartbeat }: { bodies: QuotesBodies; shown: Shown; retryMs: number; heartbeat: string },
  ) {
    this.#socket = socket;
    this.#bodies = bodies;
    this.#state = shown.state;
    this.#partition = shown.partition;
    const nowMs = bodies.nowMs();
    const { body, view: first } = bodies.render(shown);
    this.#seen = firstMoment(shown.state, nowMs, first);
    this.#nextHeartbeatMs = nowMs + HEARTBEAT_MS;
    this.#socket.write(
      `${streamHead(nowMs)}${retryFrame(retryMs)}${frame('snapshot', body, body.cursor)}${heartbeat}`,
    );
    if (isFinished(first)) this.#finish(first);
  }

  /** Of what was sent, what still lies in this process. */
  get pendingBytes(): number {
    return this.#socket.writableLength;
  }

  /** When the clock ends the request, if nothing does before. */
  endsAtMs(): number {
    const { state, atMs } = this.#seen;
    const open = view(state, atMs).quotes.filter((quote) => !quote.final);
    return Math.max(0, ...open.map((quote) => Date.parse(quote.deadline_at))) + CLOCK_GRACE_MS;
  }

  /** The request has changed on this pod. The reader is told by {@link compose} and {@link send}. */
  show(state: Visible): void {
    this.#state = state;
  }

  /** Puts into words what the reader has not seen. An end is sent at once. */
  compose(nowMs: number): void {
    if (this.#endedAtMs !== undefined || this.#isLagging()) return;
    const { quotes, progress, status, end } = changeSince(this.#seen, this.#state, nowMs);
    const last = quotes.at(-1);
    let frames = '';
    for (const quote of quotes) {
      // Only the last carries the id: a reader cut off between two of them has not seen them all.
      frames += quoteFrame(quote, { progress, request_status: status }, quote === last ? this.#cursor() : undefined);
    }
    if (end !== undefined) this.#finish(end, frames);
    else this.#unsent = frames;
  }

  send(): void {
    if (this.#unsent === '') return;
    this.#socket.write(this.#unsent);
    this.#unsent = '';
  }

  /** What time alone brings: heartbeat, deadlines, the bounds of a reader that takes nothing. */
  sweep(nowMs: number, heartbeat: string, bounds: StreamBounds): void {
    if (this.#isStalled(nowMs, bounds)) {
      this.cut('stalled');
      return;
    }
    if (this.#endedAtMs !== undefined) return;
    if (nowMs >= this.#seen.nextClockMs || this.#state !== this.#seen.state) {
      this.compose(nowMs);
      this.send();
    }
    if (nowMs < this.#nextHeartbeatMs) return;
    this.#nextHeartbeatMs = nowMs + HEARTBEAT_MS;
    if (this.#socket.writable && !this.#isLagging()) this.#socket.write(heartbeat);
  }

  /** The first end counts. */
  end(last: string, reason: string): void {
    if (this.#endedAtMs !== undefined) return;
    this.#endedAtMs = this.#bodies.nowMs();
    this.closeReason = reason;
    this.#socket.end(last);
    this.#socket.destroySoon();
  }

  cut(reason: string): void {
    this.closeReason = reason;
    this.#socket.destroy();
  }

  #cursor(end = false): string {
    return this.#bodies.cursor({ state: this.#state, partition: this.#partition }, end);
  }

  #isLagging(): boolean {
    return this.pendingBytes > LAG_BYTES;
  }

  #isStalled(nowMs: number, { pendingBytesMax, stalledMs }: StreamBounds): boolean {
    if (this.#endedAtMs !== undefined && nowMs >= this.#endedAtMs + GOODBYE_MS) return true;
    const pending = this.pendingBytes;
    if (pending === 0) {
      this.#stall = undefined;
      return false;
    }
    const takenBytes = this.#socket.bytesWritten - pending;
    if (this.#stall?.takenBytes !== takenBytes) this.#stall = { takenBytes, sinceMs: nowMs };
    return pending > pendingBytesMax || nowMs >= this.#stall.sinceMs + stalledMs;
  }

  #finish(shown: View, before = ''): void {
    const { status, quotes, late_until } = shown;
    const data: EndFrame = { status, counts: countsOf(quotes), late_until };
    const kind = endOf(shown);
    this.end(`${before}${frame(kind, data, this.#cursor(true))}`, kind);
  }
}
