/** The bytes of the stream: server-sent events in UTF-8 with LF line ends. Data is JSON and so holds no line end. */

export const frame = (event: string, data: unknown, id?: string): string =>
  `event: ${event}\n${id === undefined ? '' : `id: ${id}\n`}data: ${JSON.stringify(data)}\n\n`;

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
