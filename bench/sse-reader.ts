/** A light reader of one stream by the rules of the page's client: it comes back when `retry` says, with its last id. */
import { connect, type Socket } from 'node:net';
import { type Quote, Quote as QuoteSchema, QuotesBody } from '@osago/contracts';
import { Value } from '@sinclair/typebox/value';
import { access, requestIdOf } from './sse-world.ts';

/** As in libs/quote-stream: so many failures in a row, and the page says that it is offline. */
const FAILURES_MAX = 3;
const RETRY_MS = 1_000;

export class Reader {
  readonly #n: number;
  readonly #port: () => number | undefined;
  readonly #expected = new Set<string>();
  /** Insurers whose quote was seen. */
  readonly #seen = new Set<string>();
  #socket: Socket | undefined;
  #held = '';
  #lastId = '';
  #retryMs = RETRY_MS;
  #failuresInARow = 0;
  #awaySinceMs: number | undefined;
  #isClosed = false;
  isReading = false;
  wasOffline = false;
  failures = 0;
  awayMsMax = 0;

  constructor(n: number, { port }: { port: () => number | undefined }) {
    this.#n = n;
    this.#port = port;
  }

  expect(insurerId: string): void {
    this.#expected.add(insurerId);
  }

  /** Quotes that were published and not seen. */
  get missing(): number {
    return [...this.#expected].filter((insurerId) => !this.#seen.has(insurerId)).length;
  }

  open(): void {
    const port = this.#port();
    if (port === undefined || this.#isClosed) return;
    const id = requestIdOf(this.#n);
    const socket = connect({ port, host: '127.0.0.1', localAddress: `127.0.0.${1 + (this.#n % 8)}` });
    this.#socket = socket;
    this.#held = '';
    let hasStarted = false;
    socket.on('data', (chunk) => {
      this.#held += chunk.toString();
      const frames = this.#held.split('\n\n');
      this.#held = frames.pop() ?? '';
      for (const text of frames) if (this.#read(text)) hasStarted = true;
      if (!hasStarted || this.isReading) return;
      this.isReading = true;
      this.#failuresInARow = 0;
      if (this.#awaySinceMs !== undefined) this.awayMsMax = Math.max(this.awayMsMax, performance.now() - this.#awaySinceMs);
      this.#awaySinceMs = undefined;
    });
    socket.on('error', () => undefined);
    socket.on('close', () => this.#onClose(hasStarted));
    const last = this.#lastId === '' ? '' : `Last-Event-ID: ${this.#lastId}\r\n`;
    const cookie = `osago_owner=${String(this.#n).padStart(22, '0')}; osago_access=${access.token(id)}`;
    socket.write(`GET /api/osago/requests/${id}/stream HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: text/event-stream\r\n${last}Cookie: ${cookie}\r\n\r\n`);
  }

  close(): void {
    this.#isClosed = true;
    this.#socket?.destroy();
  }

  #onClose(hasStarted: boolean): void {
    this.isReading = false;
    this.#awaySinceMs ??= performance.now();
    if (!hasStarted) {
      this.failures += 1;
      this.#failuresInARow += 1;
      if (this.#failuresInARow >= FAILURES_MAX) this.wasOffline = true;
    }
    if (!this.#isClosed) setTimeout(() => this.open(), this.#retryMs);
  }

  /** True for an event that shows something. */
  #read(text: string): boolean {
    const field = (name: string): string | undefined => new RegExp(`(?:^|\\n)${name}: (.*)`).exec(text)?.[1];
    const retry = field('retry');
    if (retry !== undefined) this.#retryMs = Number(retry);
    this.#lastId = field('id') ?? this.#lastId;
    const event = field('event');
    const data: unknown = JSON.parse(field('data') ?? 'null');
    if (event === 'quote') this.#see([data]);
    if (event === 'snapshot' && Value.Check(QuotesBody, data)) this.#see(data.quotes);
    return event === 'heartbeat';
  }

  #see(quotes: readonly unknown[]): void {
    const isQuote = (quote: unknown): quote is Quote => Value.Check(QuoteSchema, quote);
    for (const quote of quotes.filter(isQuote)) if (quote.status === 'quoted') this.#seen.add(quote.insurer_id);
  }
}
