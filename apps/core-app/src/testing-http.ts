/** Test kit: a client of HTTP that shows every byte, and a small parser of server-sent events that shares no code with ours. */
import { type IncomingHttpHeaders, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Exchange {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** The body so far. */
  text(): string;
  json(): unknown;
  isEnded(): boolean;
  /** The connection went before the body's end. */
  isCut(): boolean;
  readonly ended: Promise<void>;
  close(): void;
}

export interface SendOptions {
  method?: string;
  /** Instead of the path of the URL, and exactly these characters. */
  path?: string;
  headers?: Readonly<Record<string, string>>;
  body?: string | Buffer;
}

/** Resolves with the head of the answer; the body goes on coming. */
export const send = (url: string, { method = 'GET', headers = {}, body, path }: SendOptions = {}): Promise<Exchange> =>
  new Promise((resolve, reject) => {
    const call = request(url, { method, headers, agent: false, ...(path !== undefined && { path }) }, (response) => {
      const chunks: Buffer[] = [];
      let state: 'open' | 'ended' | 'cut' = 'open';
      const text = (): string => Buffer.concat(chunks).toString('utf8');
      const ended = new Promise<void>((resolveEnd) => {
        response.on('end', () => {
          state = 'ended';
        });
        response.on('close', () => {
          if (state === 'open') state = 'cut';
          resolveEnd();
        });
      });
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', () => undefined);
      resolve({
        status: response.statusCode ?? 0,
        headers: response.headers,
        text,
        json: () => JSON.parse(text()) as unknown,
        isEnded: () => state === 'ended',
        isCut: () => state === 'cut',
        ended,
        close: () => call.destroy(),
      });
    });
    call.on('error', reject);
    call.end(body);
  });

/** The whole answer. */
export const fetchAll = async (url: string, options?: SendOptions): Promise<Exchange> => {
  const exchange = await send(url, options);
  await exchange.ended;
  return exchange;
};

export const listen = (server: Server): Promise<string> =>
  new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      resolve(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    });
  });

export const closeServer = (server: Server): Promise<void> =>
  new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });

export interface SseMessage {
  event: string;
  data: string;
  /** The last event id after this message. */
  id: string;
  /** True when this message itself set it. */
  hasId: boolean;
}

/** By the HTML standard, for whole messages only: what stands after the last empty line is not dispatched. */
export const parseSse = (text: string): { messages: SseMessage[]; retryMs: number[] } => {
  const messages: SseMessage[] = [];
  const retryMs: number[] = [];
  let id = '';
  let event = '';
  let data: string[] = [];
  let hasId = false;
  for (const line of text.replace(/^\uFEFF/, '').split(/\r\n|\n|\r/).slice(0, -1)) {
    const [, field = '', value = ''] = /^([^:]*):? ?(.*)$/s.exec(line) ?? [];
    if (line === '') {
      if (data.length > 0) messages.push({ event: event || 'message', data: data.join('\n'), id, hasId });
      event = '';
      data = [];
      hasId = false;
    } else if (field === 'event') event = value;
    else if (field === 'data') data.push(value);
    else if (field === 'retry' && /^\d+$/.test(value)) retryMs.push(Number(value));
    else if (field === 'id') {
      id = value;
      hasId = true;
    }
  }
  return { messages, retryMs };
};
