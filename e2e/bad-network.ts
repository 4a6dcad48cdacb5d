/**
 * A stretch of the network between a browser and the platform that does to event streams what some networks do. All else
 * passes as it is, but for `buffers`, which keeps every answer until it is whole.
 */
import { createServer, type IncomingMessage, request as ask, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export type Fault =
  | { kind: 'none' }
  /** An answer comes when all of it is there. */
  | { kind: 'buffers' }
  /** After so many bytes of a stream nothing comes any more; the connection stays. */
  | { kind: 'mutes'; afterBytes: number }
  /** The first message of a stream comes together with the second, as some antivirus filters do it. */
  | { kind: 'holds the first message' }
  /** A connection on which nothing came for so long is cut. */
  | { kind: 'cuts idle connections'; afterMs: number };

export interface Counts {
  streamsOpened: number;
  streamsOpen: number;
  streamsOpenMost: number;
  /** Streams that the fault has hit. */
  hits: number;
}

type Write = (chunk: Buffer) => void;

const isStream = ({ headers }: IncomingMessage): boolean => headers['content-type']?.startsWith('text/event-stream') ?? false;

/** Blocks of comments and `retry` alone are no messages. */
const messagesIn = (text: string): number =>
  text
    .split('\n\n')
    .slice(0, -1)
    .filter((block) => /^data:/m.test(block)).length;

export class BadNetwork {
  readonly counts: Counts = { streamsOpened: 0, streamsOpen: 0, streamsOpenMost: 0, hits: 0 };
  /** The phone sleeps in a tunnel: what is under way goes mute without a word, what is new gets no answer. */
  isAway = false;
  readonly #fault: Fault;
  readonly #upstream: URL;
  readonly #server: Server;

  constructor(upstream: string, fault: Fault) {
    this.#upstream = new URL(upstream);
    this.#fault = fault;
    this.#server = createServer((request, response) => this.#pass(request, response));
  }

  /** The origin that browsers go to. */
  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #pass(request: IncomingMessage, response: ServerResponse): void {
    if (this.isAway) return;
    const { hostname, port } = this.#upstream;
    const upstream = ask({ hostname, port, method: request.method, path: request.url, headers: request.headers });
    request.pipe(upstream);
    upstream.once('error', () => response.destroy());
    response.once('close', () => upstream.destroy());
    upstream.once('response', (answer) => {
      answer.once('error', () => response.destroy());
      if (this.#fault.kind === 'buffers') this.#passWhole(answer, response);
      else if (isStream(answer)) this.#passStream(answer, response);
      else answer.pipe(response.writeHead(answer.statusCode ?? 502, answer.headers));
    });
  }

  #passWhole(answer: IncomingMessage, response: ServerResponse): void {
    if (isStream(answer)) this.#count(response);
    const chunks: Buffer[] = [];
    answer.on('data', (chunk: Buffer) => chunks.push(chunk));
    answer.once('end', () => response.writeHead(answer.statusCode ?? 502, answer.headers).end(Buffer.concat(chunks)));
  }

  #passStream(answer: IncomingMessage, response: ServerResponse): void {
    this.#count(response);
    response.writeHead(answer.statusCode ?? 502, answer.headers).flushHeaders();
    const write = this.#through(response);
    let isMute = false;
    answer.on('data', (chunk: Buffer) => {
      isMute ||= this.isAway;
      if (!isMute) write(chunk);
    });
    answer.once('end', () => {
      if (!isMute && !this.isAway) response.end();
    });
  }

  #count(response: ServerResponse): void {
    const { counts } = this;
    counts.streamsOpened += 1;
    counts.streamsOpen += 1;
    counts.streamsOpenMost = Math.max(counts.streamsOpenMost, counts.streamsOpen);
    response.once('close', () => {
      counts.streamsOpen -= 1;
    });
  }

  #through(response: ServerResponse): Write {
    const fault = this.#fault;
    switch (fault.kind) {
      case 'mutes':
        return this.#muting(response, fault.afterBytes);
      case 'holds the first message':
        return this.#holding(response);
      case 'cuts idle connections':
        return this.#cutting(response, fault.afterMs);
      case 'none':
      case 'buffers':
        return (chunk) => void response.write(chunk);
    }
  }

  #muting(response: ServerResponse, afterBytes: number): Write {
    let left = afterBytes;
    return (chunk) => {
      if (left > 0) response.write(chunk.subarray(0, left));
      if (left > 0 && chunk.length >= left) this.counts.hits += 1;
      left -= chunk.length;
    };
  }

  #holding(response: ServerResponse): Write {
    let held: Buffer | undefined = Buffer.alloc(0);
    this.counts.hits += 1;
    return (chunk) => {
      if (held === undefined) return void response.write(chunk);
      held = Buffer.concat([held, chunk]);
      if (messagesIn(held.toString()) < 2) return;
      response.write(held);
      held = undefined;
    };
  }

  #cutting(response: ServerResponse, afterMs: number): Write {
    const cut = (): void => {
      this.counts.hits += 1;
      response.destroy();
    };
    let timer = setTimeout(cut, afterMs);
    response.once('close', () => clearTimeout(timer));
    return (chunk) => {
      clearTimeout(timer);
      timer = setTimeout(cut, afterMs);
      response.write(chunk);
    };
  }
}
