/** What a check works with: targets, connections that are closed after it, one long look that many checks share. */
import type { Adapter, Target } from './adapter.ts';
import { openRaw, type RawStream } from './raw-stream.ts';
import type { SseEvent } from './sse-parser.ts';

export interface Limits {
  /** A head, a first answer: what a healthy server gives at once. */
  promptMs: number;
  /** Between two heartbeats. */
  heartbeatMs: number;
  /** Until a reader must have seen a change. */
  settleMs: number;
  /** Connections that are opened and dropped. */
  abortCycles: number;
  /** Changes made while readers come and go. */
  changes: number;
  /** What the server can buffer in the kernel (about 4 MB a side on Linux) must be passed for a stall to show. */
  floodBytes: number;
  /** The name of the query parameter that stands in for Last-Event-ID. */
  queryParameter: string;
}

export const DEFAULT_LIMITS: Limits = {
  promptMs: 2_000,
  heartbeatMs: 20_000,
  settleMs: 10_000,
  abortCycles: 200,
  changes: 30,
  floodBytes: 24_000_000,
  queryParameter: 'last_event_id',
};

export interface OpenOptions {
  method?: string;
  headers?: Readonly<Record<string, string>>;
  lastEventId?: string | undefined;
  lastEventIdBy?: 'header' | 'query';
}

export class Context {
  readonly adapter: Partial<Adapter>;
  readonly limits: Limits;
  readonly #url: string;
  readonly #open = new Set<RawStream>();
  #sample: Promise<RawStream> | undefined;
  #sampleTarget: Promise<Target> | undefined;
  #watched: Promise<RawStream> | undefined;

  constructor({ url, adapter = {} }: { url: string; adapter?: Partial<Adapter> }, limits: Limits) {
    this.#url = url;
    this.adapter = adapter;
    this.limits = limits;
  }

  /** A stream of its own for the check, where the adapter can make one. */
  async target(): Promise<Target> {
    return (await this.adapter.open?.()) ?? { url: this.#url };
  }

  /** The connection is closed after the check. */
  async open(target: Target, options: OpenOptions = {}): Promise<RawStream> {
    const { method = 'GET', headers = {}, lastEventId, lastEventIdBy = 'header' } = options;
    const url = new URL(target.url);
    const isByHeader = lastEventId !== undefined && lastEventIdBy === 'header';
    if (lastEventId !== undefined && !isByHeader) url.searchParams.set(this.limits.queryParameter, lastEventId);
    const stream = await openRaw({
      url: url.href,
      method,
      headers: { ...target.headers, ...headers, ...(isByHeader && { 'Last-Event-ID': lastEventId }) },
      headMs: this.limits.promptMs,
    });
    this.#open.add(stream);
    return stream;
  }

  sampleTarget(): Promise<Target> {
    this.#sampleTarget ??= this.target();
    return this.#sampleTarget;
  }

  /** One connection that stays; its head is there. */
  sample(): Promise<RawStream> {
    this.#sample ??= this.sampleTarget().then(async (target) => {
      const stream = await this.open(target);
      this.#open.delete(stream);
      return stream;
    });
    return this.#sample;
  }

  /** The same, after two heartbeats, or its end, or the time in which both should have come. */
  watched(): Promise<RawStream> {
    this.#watched ??= this.sample().then(async (stream) => {
      await stream.until(() => this.heartbeats(stream).length > 1, 2 * this.limits.heartbeatMs);
      return stream;
    });
    return this.#watched;
  }

  /** Events that a page sees and that change nothing: named, without an id; the name that comes most. */
  heartbeats(stream: RawStream): SseEvent[] {
    const byName = new Map<string, SseEvent[]>();
    for (const event of stream.events) {
      if (event.event === 'message' || event.ownId !== undefined) continue;
      if (this.adapter.read?.(event) !== undefined || this.adapter.isTerminal?.(event) === true) continue;
      byName.set(event.event, [...(byName.get(event.event) ?? []), event]);
    }
    return [...byName.values()].sort((a, b) => b.length - a.length)[0] ?? [];
  }

  closeOpen(): void {
    for (const stream of this.#open) stream.close();
    this.#open.clear();
  }

  async close(): Promise<void> {
    this.closeOpen();
    await this.#sample?.then(
      (stream) => stream.close(),
      () => undefined,
    );
    await this.adapter.close?.();
  }
}
