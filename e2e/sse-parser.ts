/** A reader of event streams made from the HTML standard alone; shares nothing with the platform. */
export interface SseEvent {
  event: string;
  data: string;
  /** The last event id after this event; only what the event itself carried is in `ownId`. */
  lastEventId: string;
  ownId: string | undefined;
}

export class SseParser {
  readonly events: SseEvent[] = [];
  readonly retries: number[] = [];
  #buffer = '';
  #data: string[] = [];
  #event = '';
  #ownId: string | undefined;
  #lastEventId = '';

  feed(text: string): void {
    this.#buffer += text;
    for (;;) {
      const end = /\r\n|\n|\r/.exec(this.#buffer);
      if (end === null) return;
      this.#line(this.#buffer.slice(0, end.index));
      this.#buffer = this.#buffer.slice(end.index + end[0].length);
    }
  }

  #line(line: string): void {
    if (line === '') {
      this.#dispatch();
      return;
    }
    if (line.startsWith(':')) return;
    const at = line.indexOf(':');
    const field = at < 0 ? line : line.slice(0, at);
    const value = at < 0 ? '' : line.slice(at + 1).replace(/^ /, '');
    if (field === 'data') this.#data.push(value);
    else if (field === 'event') this.#event = value;
    else if (field === 'id' && !value.includes('\0')) {
      this.#ownId = value;
      this.#lastEventId = value;
    } else if (field === 'retry' && /^\d+$/.test(value)) this.retries.push(Number(value));
  }

  #dispatch(): void {
    if (this.#data.length > 0) {
      this.events.push({
        event: this.#event === '' ? 'message' : this.#event,
        data: this.#data.join('\n'),
        lastEventId: this.#lastEventId,
        ownId: this.#ownId,
      });
    }
    this.#data = [];
    this.#event = '';
    this.#ownId = undefined;
  }
}

export interface ReadStream {
  status: number;
  headers: Headers;
  parser: SseParser;
  /** Resolves when the server has ended the stream. */
  ended: Promise<void>;
  close(): void;
}

export const openStream = async (url: string, headers: Record<string, string> = {}): Promise<ReadStream> => {
  const abort = new AbortController();
  const response = await fetch(url, { headers, signal: abort.signal });
  const parser = new SseParser();
  const read = async (): Promise<void> => {
    const decoder = new TextDecoder();
    for await (const chunk of response.body ?? []) parser.feed(decoder.decode(chunk as Uint8Array, { stream: true }));
  };
  return {
    status: response.status,
    headers: response.headers,
    parser,
    ended: read().catch((error: unknown) => {
      if (!abort.signal.aborted) throw error;
    }),
    close: () => {
      abort.abort();
    },
  };
};
