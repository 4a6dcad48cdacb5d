/** What the head of the answer must say. */
import { type Check, failed, passed, quoted, verdict } from '../check.ts';

const words = (value: string): string[] => value.toLowerCase().split(/[\s,]+/);

export const status: Check = {
  name: 'status',
  why: 'A browser gives up for ever on anything but 200; a redirect costs a round trip at each reconnect.',
  async run(context) {
    const { head, headAtMs, openedAtMs } = await context.sample();
    const seen = `${head.status} after ${Math.round(headAtMs - openedAtMs)} ms`;
    return head.status === 200 ? passed(seen) : failed(seen);
  },
};

export const contentType: Check = {
  name: 'content-type',
  why: 'A browser refuses another type; the standard knows no charset but UTF-8.',
  async run(context) {
    const value = (await context.sample()).header('content-type');
    const [type, ...parameters] = value.toLowerCase().split(/\s*;\s*/);
    const charset = parameters.find((parameter) => parameter.startsWith('charset='));
    return verdict(
      [
        ...(type === 'text/event-stream' ? [] : [`the type is ${quoted(value)}`]),
        ...(charset === undefined || /^charset="?utf-8"?$/.test(charset) ? [] : [`the charset is ${quoted(charset)}`]),
      ],
      value,
    );
  },
};

export const cacheControl: Check = {
  name: 'cache-control',
  why: 'Caches must not keep a stream (no-cache or no-store); proxies that compress hold it back (no-transform).',
  async run(context) {
    const value = (await context.sample()).header('cache-control');
    const has = words(value);
    return verdict(
      [
        ...(has.includes('no-cache') || has.includes('no-store') ? [] : ['neither no-cache nor no-store']),
        ...(has.includes('no-transform') ? [] : ['no no-transform']),
      ].map((fault) => `${fault}: ${quoted(value)}`),
      value,
    );
  },
};

export const accelBuffering: Check = {
  name: 'accel-buffering',
  why: 'nginx and what descends from it buffer an answer unless X-Accel-Buffering says no.',
  async run(context) {
    const value = (await context.sample()).header('x-accel-buffering');
    return value.toLowerCase() === 'no' ? passed(`X-Accel-Buffering: ${value}`) : failed(`it says ${quoted(value)}`);
  },
};

export const connectionClose: Check = {
  name: 'connection-close',
  why: 'Else the socket outlives the stream by seconds and a browser comes back over it to a server that is draining.',
  async run(context) {
    const stream = await context.sample();
    const value = stream.header('connection');
    if (stream.head.version === '1.0' && !words(value).includes('keep-alive')) return passed('HTTP/1.0 closes');
    return words(value).includes('close') ? passed(`Connection: ${value}`) : failed(`it says ${quoted(value)}`);
  },
};

export const contentEncoding: Check = {
  name: 'content-encoding',
  why: 'A compressor per stream costs hundreds of kilobytes each, and holds events back until its block is full.',
  async run(context) {
    const headers = { 'Accept-Encoding': 'gzip, deflate, br, zstd' };
    const stream = await context.open(await context.target(), { headers });
    const value = stream.header('content-encoding');
    return ['', 'identity'].includes(value) ? passed('none, though asked for') : failed(`it says ${quoted(value)}`);
  },
};
