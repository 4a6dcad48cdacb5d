/**
 * One connection to the server, on the socket itself: what HTTP libraries hide (chunks, line ends, how the end came) is
 * what is checked.
 */
import { connect, isIP, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { type BodyDecoder, bodyDecoder, type Head, splitHead } from './http-body.ts';
import { type SseEvent, SseParser } from './sse-parser.ts';

/** The server gave no answer that could be read. */
export class NoAnswerError extends Error {
  override readonly name = 'NoAnswerError';
}

export interface Ask {
  url: string;
  method?: string;
  headers?: Readonly<Record<string, string>>;
  /** How long the head may take. */
  headMs: number;
}

/**
 * `clean`: the server said that this was all. `cut`: the connection broke before. A body that only the connection ends
 * is clean at a FIN: nothing tells more.
 */
export type Ending = 'clean' | 'cut' | 'closed by us';

/** What the checks of bytes look at; floods are longer and are only counted. */
const BODY_KEPT_BYTES_MAX = 1_048_576;

const requestText = ({ url, method = 'GET', headers = {} }: Ask): string => {
  const { host, pathname, search } = new URL(url);
  const all = {
    Host: host,
    Accept: 'text/event-stream',
    'Accept-Encoding': 'identity',
    'Cache-Control': 'no-cache',
    ...(method === 'POST' && { 'Content-Length': '0' }),
    ...headers,
  };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}`);
  return `${method} ${pathname}${search} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`;
};

interface Line {
  /** What the bytes go through. */
  socket: Socket;
  /** The connection itself: only this one can be reset. */
  tcp: Socket;
}

const dial = (url: string): Line => {
  const { protocol, hostname, port } = new URL(url);
  const host = hostname.replace(/^\[(.*)\]$/, '$1');
  const isTls = protocol === 'https:';
  const tcp = connect({ host, port: Number(port || (isTls ? 443 : 80)), noDelay: true });
  if (!isTls) return { socket: tcp, tcp };
  return { socket: connectTls({ socket: tcp, host, ...(isIP(host) === 0 && { servername: host }) }), tcp };
};

export class RawStream {
  readonly parser = new SseParser();
  readonly openedAtMs = performance.now();
  readonly body: Buffer[] = [];
  bodyBytes = 0;
  headAtMs = 0;
  ending: Ending | undefined;
  endedAtMs = 0;
  #head: Head | undefined;
  #decoder: BodyDecoder | undefined;
  #headBytes = Buffer.alloc(0);
  /** Of the network, or of what cannot be read as HTTP. */
  fault: string | undefined;
  readonly #socket: Socket;
  readonly #tcp: Socket;
  readonly #method: string;
  readonly #watchers = new Set<() => void>();

  constructor(ask: Ask) {
    this.#method = ask.method ?? 'GET';
    const { socket, tcp } = dial(ask.url);
    this.#socket = socket;
    this.#tcp = tcp;
    // Header values outside of ASCII go out as UTF-8, as browsers send Last-Event-ID.
    this.#socket.write(requestText(ask), 'utf8');
    this.#socket.on('data', (bytes: Buffer) => {
      this.#guard(() => this.#take(bytes));
    });
    this.#socket.on('end', () => this.#end(this.#decoder?.endsWithConnection === true ? 'clean' : 'cut'));
    this.#socket.on('error', (error: NodeJS.ErrnoException) => {
      this.fault ??= error.code ?? error.message;
    });
    this.#socket.on('close', () => this.#end('cut'));
  }

  get head(): Head {
    if (this.#head === undefined) throw new NoAnswerError(this.fault ?? 'no answer');
    return this.#head;
  }

  get hasHead(): boolean {
    return this.#head !== undefined;
  }

  get events(): readonly SseEvent[] {
    return this.parser.events;
  }

  header(name: string): string {
    return this.head.headers.get(name) ?? '';
  }

  /** True once `holds`; false when the time is up, or when the stream has ended without it. */
  until(holds: () => boolean, forMs: number): Promise<boolean> {
    return new Promise((resolve) => {
      const settle = (value: boolean): void => {
        clearTimeout(timer);
        this.#watchers.delete(look);
        resolve(value);
      };
      const look = (): void => {
        if (holds()) settle(true);
        else if (this.ending !== undefined) settle(false);
      };
      const timer = setTimeout(() => settle(holds()), forMs);
      this.#watchers.add(look);
      look();
    });
  }

  /** True when the server has ended the answer in time. */
  ended(forMs: number): Promise<boolean> {
    return this.until(() => this.ending !== undefined, forMs);
  }

  /** Reads nothing more: the kernel's buffers fill up, then the server's. */
  stall(): void {
    this.#socket.pause();
  }

  readOn(): void {
    this.#socket.resume();
  }

  close(): void {
    this.#end('closed by us');
    this.#socket.destroy();
  }

  /** As a browser that goes away, or a phone that loses its network: a reset. */
  abort(): void {
    this.#end('closed by us');
    this.#tcp.resetAndDestroy();
  }

  #guard(action: () => void): void {
    try {
      action();
    } catch (error) {
      this.fault = (error as Error).message;
      this.#end('cut');
      this.#socket.destroy();
    }
  }

  #take(bytes: Buffer): void {
    let rest = bytes;
    if (this.#head === undefined) {
      this.#headBytes = Buffer.concat([this.#headBytes, bytes]);
      let split = splitHead(this.#headBytes);
      // 100 and 103 come before the answer.
      while (split !== undefined && split.head.status < 200) split = splitHead(split.rest);
      if (split === undefined) return;
      this.#head = split.head;
      this.headAtMs = performance.now();
      this.#decoder = bodyDecoder(this.#method, split.head);
      rest = split.rest;
    }
    this.#takeBody(rest);
    this.#tell();
  }

  #takeBody(bytes: Buffer): void {
    const decoder = this.#decoder;
    if (decoder === undefined || this.ending !== undefined) return;
    const body = decoder.feed(bytes);
    if (body.length > 0) {
      if (this.bodyBytes < BODY_KEPT_BYTES_MAX) this.body.push(body);
      this.bodyBytes += body.length;
      this.parser.feed(body);
    }
    if (decoder.isComplete) this.#end('clean');
  }

  #end(how: Ending): void {
    if (this.ending !== undefined) return;
    this.ending = how === 'clean' && this.fault !== undefined ? 'cut' : how;
    this.endedAtMs = performance.now();
    this.#tell();
  }

  #tell(): void {
    for (const watcher of [...this.#watchers]) watcher();
  }
}

/** Resolves when the head is there. Throws {@link NoAnswerError}. */
export const openRaw = async (ask: Ask): Promise<RawStream> => {
  const stream = new RawStream(ask);
  if (await stream.until(() => stream.hasHead, ask.headMs)) return stream;
  const wasClosed = stream.ending !== undefined;
  stream.close();
  if (!wasClosed) throw new NoAnswerError(`no head of an answer within ${ask.headMs} ms`);
  throw new NoAnswerError(stream.fault ?? 'closed without an answer');
};
