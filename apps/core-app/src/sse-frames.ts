/** The bytes of the stream: server-sent events in UTF-8 with LF line ends. Data is JSON and so holds no line end. */
import type { Quote, QuoteFrame } from '@osago/contracts';

const frameOf = (event: string, json: string, id: string | undefined): string =>
  `event: ${event}\n${id === undefined ? '' : `id: ${id}\n`}data: ${json}\n\n`;

export const frame = (event: string, data: unknown, id?: string): string => frameOf(event, JSON.stringify(data), id);

/** The quote and what the stream adds to it, put together as text: a copy of all members costs as much as the rest. */
export const quoteFrame = (quote: Quote, { progress, request_status }: Omit<QuoteFrame, keyof Quote>, id?: string): string => {
  const { total, answered, waiting } = progress;
  const added = `"progress":{"total":${total},"answered":${answered},"waiting":${waiting}},"request_status":"${request_status}"`;
  return frameOf('quote', `${JSON.stringify(quote).slice(0, -1)},${added}}`, id);
};

export const retryFrame = (ms: number): string => `retry: ${Math.round(ms)}\n\n`;

/** Each connection its own pause, so that the readers of a pod that went away do not come back together. */
export const jitteredRetryMs = (fromMs: number, random: () => number): number =>
  fromMs * (1 + random());

export const STREAM_HEADERS = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-cache, no-transform',
  'x-accel-buffering': 'no',
  // From the first byte: it cannot be added at drain, and without it the browser comes back over the same socket.
  connection: 'close',
} as const;

const HEAD = Object.entries(STREAM_HEADERS).map(([name, value]) => `${name}: ${value}\r\n`).join('');

/** What stands before the first frame of a stream. The body has no length and no chunks: it ends with the connection. */
export const streamHead = (nowMs: number): string =>
  `HTTP/1.1 200 OK\r\ndate: ${new Date(nowMs).toUTCString()}\r\n${HEAD}\r\n`;
