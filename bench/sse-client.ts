/** The readers of bench:sse: plain sockets in a process of their own, told what to do by the parent. */
import { connect, type Socket } from 'node:net';
import { access, cursorOfStep, requestIdOf } from './sse-world.ts';
import { quantile } from './report.ts';

export interface Asked {
  open?: { port: number; from: number; to: number; perSecond: number; resumed?: boolean };
  /** The share of the readers that takes nothing from now on. */
  stall?: number;
  close?: true;
  /** How many quotes to wait for, at most ten seconds; then what was read since the last answer. */
  read?: { quotes: number };
}

export interface Readers {
  open: number;
  quotes: number;
  /** Ms from the making of a quote to its reading. */
  p50: number;
  p99: number;
  p999: number;
  /** Ms from the first connect to the last first heartbeat. */
  lastMs: number;
}

const HEADERS =
  'Accept: text/event-stream\r\nAccept-Language: ru-RU,ru;q=0.9\r\nCache-Control: no-cache\r\nPragma: no-cache\r\n' +
  'User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36\r\n' +
  'Sec-Fetch-Dest: empty\r\nSec-Fetch-Mode: cors\r\nSec-Fetch-Site: same-origin\r\nReferer: https://osago.example/\r\n';
const STAMP = Buffer.from('"premium_kopecks":');
const END = Buffer.from('\n\n');
const HEARTBEAT = Buffer.from('heartbeat\n');

let sockets: Socket[] = [];
let delaysMs: number[] = [];
let started = 0;

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Returns where the last frame starts that is not whole: the next chunk has the rest of it. */
const readQuotes = (bytes: Buffer): number => {
  let from = 0;
  for (let at = bytes.indexOf(END); at >= 0; at = bytes.indexOf(END, from)) {
    const frame = bytes.subarray(from, at);
    from = at + END.length;
    const stampAt = frame.indexOf(STAMP);
    if (stampAt < 0) continue;
    const stampUs = Number.parseInt(frame.toString('latin1', stampAt + STAMP.length, stampAt + STAMP.length + 16), 10);
    delaysMs.push((Number(process.hrtime.bigint() / 1_000n) - stampUs) / 1_000);
  }
  return from;
};

const open = (port: number, n: number, resumed: boolean): void => {
  const socket = connect({ port, host: '127.0.0.1', localAddress: `127.0.0.${1 + (n % 8)}` });
  let isStarted = false;
  let held: Buffer = Buffer.alloc(0);
  socket.on('data', (chunk: Buffer) => {
    const bytes = held.length === 0 ? chunk : Buffer.concat([held, chunk]);
    if (isStarted) {
      held = Buffer.from(bytes.subarray(readQuotes(bytes)));
      return;
    }
    held = bytes;
    if (!held.includes(HEARTBEAT)) return;
    isStarted = true;
    started += 1;
    held = Buffer.alloc(0);
  });
  socket.on('error', () => undefined);
  const id = requestIdOf(n);
  const last = resumed ? `Last-Event-ID: ${cursorOfStep(n, 0)}\r\n` : '';
  socket.write(`GET /api/osago/requests/${id}/stream HTTP/1.1\r\nHost: 127.0.0.1\r\n${HEADERS}${last}Cookie: osago_owner=${String(n).padStart(22, '0')}; osago_access=${access.token(id)}\r\n\r\n`);
  sockets.push(socket);
};

const perform = async (asked: Asked): Promise<Readers> => {
  let lastMs = 0;
  if (asked.open) {
    const { port, from, to, perSecond, resumed = false } = asked.open;
    const startedMs = performance.now();
    for (let n = from; n < to; ) {
      const due = Math.min(to, from + 1 + Math.floor(((performance.now() - startedMs) * perSecond) / 1_000));
      for (; n < due; n += 1) open(port, n, resumed);
      await pause(0);
    }
    while (started < to - from) {
      if (performance.now() - startedMs > 60_000) throw new Error(`only ${started} of ${to - from} streams have opened`);
      await pause(1);
    }
    lastMs = performance.now() - startedMs;
  }
  if (asked.stall !== undefined) {
    const every = Math.round(1 / asked.stall);
    for (const [at, socket] of sockets.entries()) if (at % every === 0) socket.pause();
  }
  if (asked.close) {
    for (const socket of sockets) socket.destroy();
    sockets = [];
    started = 0;
  }
  const untilMs = performance.now() + 10_000;
  while (asked.read && delaysMs.length < asked.read.quotes && performance.now() < untilMs) await pause(5);
  const read = delaysMs;
  delaysMs = [];
  return {
    open: sockets.filter((socket) => !socket.destroyed).length,
    quotes: read.length,
    p50: quantile(read, 0.5),
    p99: quantile(read, 0.99),
    p999: quantile(read, 0.999),
    lastMs,
  };
};

process.on('message', (asked) => {
  void perform(asked as Asked).then((readers) => process.send?.(readers));
});
process.on('disconnect', () => process.exit());
process.send?.('ready');
