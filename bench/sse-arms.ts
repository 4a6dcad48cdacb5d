/** The servers that bench:sse compares. Each is fed in its own process and sends the same frames. */
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { QuoteFrame, QuotesBody } from '@osago/contracts';
import { createLog, createMetrics, systemClock } from '@osago/service-kit';
import { createSession, type Session } from 'better-sse';
import { createHttpServer, type Routes } from '../apps/core-app/src/http-server.ts';
import { QuotesBodies } from '../apps/core-app/src/quotes-body.ts';
import { Showcase } from '../apps/core-app/src/showcase.ts';
import { Streams } from '../apps/core-app/src/streams.ts';
import { access, bodyOf, cursorOfStep, EPOCH, historyOf, type LegAt, legOf, PARTITION, submittedOf } from './sse-world.ts';

export interface Arm {
  server: Server;
  /** So many requests, each with so many answers. */
  fill(requests: number, quoted: number): void;
  deliver(leg: LegAt, step: number): void;
}

/** What is read of the log would stand between: the feed hands its events over as here. */
const ours = (): Arm => {
  const showcase = new Showcase();
  const log = createLog('bench', 'error');
  const metrics = createMetrics('bench');
  const bodies = new QuotesBodies({ epoch: { epoch: EPOCH }, feed: { isStale: () => false }, clock: systemClock });
  const reader = { read: (requestId: string) => Promise.resolve(showcase.get(requestId)) };
  const bus = { endOffsets: () => Promise.resolve([]) };
  const streams = new Streams(
    { access, bodies, bus, clock: systemClock, log, metrics, random: Math.random, reader, showcase },
    { streamsMax: 20_000, perOwnerMax: 20, pendingBytesMax: 65_536, pendingBytesSumMax: 67_108_864, stalledMs: 10_000, drainMs: 5_000 },
  );
  void streams.run(new AbortController().signal);
  // The other routes are not asked here.
  const routes = { stream: streams.handle.bind(streams) } as Partial<Routes> as Routes;
  return {
    server: createHttpServer(routes, { access, log, draining: streams.draining }),
    fill: (requests, quoted) => {
      for (let n = 0; n < requests; n += 1) {
        showcase.apply(submittedOf(n), PARTITION, 0);
        historyOf(n, quoted).forEach((event) => showcase.apply(event, PARTITION, 0));
      }
    },
    deliver: (leg, step) => showcase.apply(legOf(leg), PARTITION, step),
  };
};

const indexOf = (url: string | undefined): number => Number.parseInt(/-(\w{12})\/stream$/.exec(url ?? '')?.[1] ?? '', 16);

/** Keeps the quote for the one who comes back, and gives what the stream says of it. */
const frameDataOf = (body: QuotesBody | undefined, leg: LegAt): string => {
  const { request_id: _request, fence: _fence, step: _step, ...quote } = legOf(leg).data;
  if (body) body.quotes[leg.at] = quote;
  const data: QuoteFrame = { ...quote, progress: { total: 10, answered: 5, waiting: 5 }, request_status: 'in_progress' };
  return JSON.stringify(data);
};

const HEADERS = { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-cache, no-transform', 'x-accel-buffering': 'no', connection: 'close' };
const heartbeat = (): string => `event: heartbeat\ndata: {"now":"${new Date().toISOString()}"}\n\n`;

/** A floor that is not crippled: no framework, no checks, one write a frame, one timer for all heartbeats. */
const bare = (): Arm => {
  const bodies: QuotesBody[] = [];
  const open = new Map<number, ServerResponse>();
  setInterval(() => {
    const text = heartbeat();
    for (const response of open.values()) response.write(text);
  }, 15_000);
  const server = createServer((request, response) => {
    const n = indexOf(request.url);
    response.writeHead(200, HEADERS);
    response.write(`retry: 1500\n\nevent: snapshot\nid: ${cursorOfStep(n, 0)}\ndata: ${JSON.stringify(bodies[n])}\n\n${heartbeat()}`);
    open.set(n, response);
    response.on('close', () => open.delete(n));
  });
  return {
    server,
    fill: (requests, quoted) => {
      for (let n = 0; n < requests; n += 1) bodies.push(bodyOf(n, quoted));
    },
    deliver: (leg, step) => {
      open.get(leg.n)?.write(`event: quote\nid: ${cursorOfStep(leg.n, step)}\ndata: ${frameDataOf(bodies[leg.n], leg)}\n\n`);
    },
  };
};

const betterSse = (): Arm => {
  const bodies: QuotesBody[] = [];
  const open = new Map<number, Session>();
  setInterval(() => {
    for (const session of open.values()) session.push(`{"now":"${new Date().toISOString()}"}`, 'heartbeat');
  }, 15_000);
  const server = createServer((request, response) => {
    const n = indexOf(request.url);
    const options = { serializer: String, keepAlive: null, retry: 1_500, headers: HEADERS };
    void createSession(request, response, options).then((session) => {
      session.push(JSON.stringify(bodies[n]), 'snapshot', cursorOfStep(n, 0));
      session.push(`{"now":"${new Date().toISOString()}"}`, 'heartbeat');
      open.set(n, session);
      session.on('disconnected', () => open.delete(n));
    });
  });
  return {
    server,
    fill: (requests, quoted) => {
      for (let n = 0; n < requests; n += 1) bodies.push(bodyOf(n, quoted));
    },
    deliver: (leg, step) => {
      open.get(leg.n)?.push(frameDataOf(bodies[leg.n], leg), 'quote', cursorOfStep(leg.n, step));
    },
  };
};

export const ARMS = { ours, bare, 'better-sse': betterSse };
export type ArmName = keyof typeof ARMS;
