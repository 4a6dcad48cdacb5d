/** A browser as the standard makes it, over several connections: it keeps the last id and what it has been told. */
import type { Adapter, Target, Versions } from './adapter.ts';
import type { Context, OpenOptions } from './context.ts';
import { History } from './history.ts';
import type { RawStream } from './raw-stream.ts';

export type ReadingAdapter = Adapter & Required<Pick<Adapter, 'read' | 'truth' | 'makeChange'>>;

/** Undefined when the adapter cannot tell what is true. */
export const readingAdapter = ({ adapter }: Context): ReadingAdapter | undefined =>
  adapter.read && adapter.truth && adapter.makeChange ? (adapter as ReadingAdapter) : undefined;

export class Reader {
  readonly history: History;
  lastEventId: string | undefined;
  /** A 204: a browser never comes back. */
  isFinished = false;
  #stream: RawStream | undefined;
  #taken = 0;
  readonly #context: Context;
  readonly #adapter: ReadingAdapter;

  constructor(context: Context, adapter: ReadingAdapter) {
    this.#context = context;
    this.#adapter = adapter;
    this.history = new History({ sendsEveryVersion: adapter.sendsEveryVersion });
  }

  /** Undefined, or why the reader was turned away in a way that a browser does not survive. */
  async connect(target: Target, lastEventIdBy: OpenOptions['lastEventIdBy'] = 'header'): Promise<string | undefined> {
    const stream = await this.#context.open(target, { lastEventId: this.lastEventId, lastEventIdBy });
    this.#stream = stream;
    this.#taken = 0;
    const { status } = stream.head;
    this.isFinished = status === 204;
    return status === 200 || status === 204 ? undefined : `${status} to a reader that comes back`;
  }

  get stream(): RawStream | undefined {
    return this.#stream;
  }

  /** Takes what has come since. */
  take(): void {
    const stream = this.#stream;
    if (stream === undefined) return;
    for (; this.#taken < stream.events.length; this.#taken += 1) {
      const event = stream.events[this.#taken];
      const facts = event && this.#adapter.read(event);
      if (facts !== undefined) this.history.take(facts);
    }
    if (stream.parser.lastEventId !== '') this.lastEventId = stream.parser.lastEventId;
  }

  /** True when it knows all of that in time. */
  async knows(truth: Versions, forMs: number): Promise<boolean> {
    const knowsNow = (): boolean => {
      this.take();
      return this.history.lacks(truth).length === 0;
    };
    return (await this.#stream?.until(knowsNow, forMs)) ?? knowsNow();
  }

  /** True when `count` more events have come in time. */
  async takesMore(count: number, forMs: number): Promise<boolean> {
    const from = this.#stream?.events.length ?? 0;
    const enough = (): boolean => (this.#stream?.events.length ?? 0) >= from + count;
    return (await this.#stream?.until(enough, forMs)) ?? false;
  }

  /** Drops the connection as a lost network does. */
  drop(): void {
    this.#stream?.abort();
    this.take();
    this.#stream = undefined;
  }
}
