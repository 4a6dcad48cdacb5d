/**
 * The open streams of this pod: who may open one, one sweep for all heartbeats and deadlines, the drain. Overload and
 * drain are never an error status, because a native EventSource gives up for ever on one: they are a 200 with a longer
 * retry, and the end. Only 204, 401 and 404 are final.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { HeartbeatFrame } from '@osago/contracts';
import { isFinished, type Visible } from '@osago/quotes';
import { Counter, Gauge, pause, type Registry, type Service } from '@osago/service-kit';
import type { Access } from './access.ts';
import { PostgresAwayError } from './postgres-away.ts';
import { answerProblem, HttpProblem } from './problem.ts';
import type { RequestReader } from './request-reader.ts';
import { type ResumeDeps, standingTo } from './resume.ts';
import { frame, jitteredRetryMs, retryFrame, STREAM_HEADERS } from './sse-frames.ts';
import { Stream, type StreamBounds } from './stream.ts';
import { canTakeSocket, readToEnd, takeSocket } from './stream-socket.ts';

const SWEEP_MS = 500;
const DRAIN_SWEEP_MS = 20;
const RETRY_MS = 1_000;
const SHED_RETRY_MS = 5_000;

export interface StreamsOptions extends StreamBounds {
  /** Open at once on this pod. */
  streamsMax: number;
  /** Open at once of one owner, or of one request where the browser has no owner's cookie. */
  perOwnerMax: number;
  /** What all readers together may leave lying: with more, nobody new is let in. */
  pendingBytesSumMax: number;
  /** How long the drain leaves streams open whose request ends meanwhile. */
  drainMs: number;
}

export interface StreamsDeps extends ResumeDeps {
  access: Access;
  reader: Pick<RequestReader, 'read'>;
  metrics: Registry;
  random: () => number;
}

/** One that may be open soon, and counts as one that is. */
interface Opening {
  request: IncomingMessage;
  response: ServerResponse;
  owner: string;
  /** Its reader has gone. */
  gone: AbortSignal;
  /** Its request is read to the end. */
  read: Promise<void>;
}

export class Streams implements Service {
  readonly name = 'streams';
  readonly #deps: StreamsDeps;
  readonly #options: StreamsOptions;
  readonly #open = new Set<Stream>();
  /** Those that wait to be open: for their request to be read, for the feed to catch up. */
  #opening = 0;
  /** How many each owner has, open or opening. */
  readonly #owners = new Map<string, number>();
  readonly #closed: Counter;
  /** Those with news in this turn: in what one callback has brought, and all that came of it without a wait. */
  readonly #untold = new Set<Stream>();
  /** At the last sweep. */
  #pendingBytes = 0;
  readonly #draining = new AbortController();

  constructor(deps: StreamsDeps, options: StreamsOptions) {
    this.#deps = deps;
    this.#options = options;
    const open = this.#open;
    const pendingBytes = (): number => this.#pendingBytes;
    new Gauge({
      name: 'osago_streams_open',
      help: 'Streams that are open now',
      registers: [deps.metrics],
      collect() {
        this.set(open.size);
      },
    });
    new Gauge({
      name: 'osago_streams_pending_bytes',
      help: 'Bytes of all streams that their readers have not taken',
      registers: [deps.metrics],
      collect() {
        this.set(pendingBytes());
      },
    });
    this.#closed = new Counter({
      name: 'osago_streams_total',
      help: 'Connections to the stream route by how they went',
      labelNames: ['result'],
      registers: [deps.metrics],
    });
  }

  /** Aborts when the drain begins: the pod is about to stop. */
  get draining(): AbortSignal {
    return this.#draining.signal;
  }

  /** Red once the drain has begun. */
  readiness(): string | undefined {
    return this.draining.aborted ? 'draining' : undefined;
  }

  handle(requestId: string, query: URLSearchParams, request: IncomingMessage, response: ServerResponse): void {
    this.#handle(requestId, query, request, response).catch((error: unknown) => {
      if (error instanceof HttpProblem) {
        answerProblem(response, error);
        return;
      }
      const level = error instanceof PostgresAwayError ? 'warn' : 'error';
      this.#deps.log[level]({ error, request_id: requestId }, 'stream failed to open');
      this.#sendAway(response, 'failed', SHED_RETRY_MS);
    });
  }

  async #handle(
    requestId: string,
    query: URLSearchParams,
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<void> {
    const { access } = this.#deps;
    const gone = new AbortController();
    // With a reason, or an error is made for each stream that opens: to node:http its answer closes then.
    response.on('close', () => gone.abort('gone'));
    const read = readToEnd(request);
    access.check(request, requestId, query);
    const { id, isNew } = access.owner(request);
    const owner = isNew ? requestId : id;
    if (this.#isRefused(owner, response)) return;
    // It counts from now on: those who only wait take memory and Postgres too.
    this.#opening += 1;
    this.#count(owner, 1);
    try {
      await this.#openOrSendAway(requestId, query, { request, response, owner, gone: gone.signal, read });
    } finally {
      this.#opening -= 1;
      this.#count(owner, -1);
    }
  }

  async #openOrSendAway(
    requestId: string,
    query: URLSearchParams,
    { request, response, owner, gone, read }: Opening,
  ): Promise<void> {
    const { bodies, reader, showcase } = this.#deps;
    const shown = await reader.read(requestId);
    if (shown === undefined) throw new HttpProblem(404);
    const lastSeen = String(request.headers['last-event-id'] ?? query.get('last_event_id') ?? '');
    const standing = await standingTo(this.#deps, requestId, lastSeen, gone);
    if (standing.kind === 'behind') return this.#sendAway(response, 'behind', RETRY_MS);
    if (standing.kind === 'seen' && standing.cursor.end) {
      const { view } = bodies.render((await reader.read(requestId)) ?? shown);
      if (standing.cursor.revision === view.revision && isFinished(view)) {
        this.#closed.inc({ result: 'finished' });
        response.writeHead(204, { 'cache-control': 'no-store' }).end();
        return;
      }
    }
    await read;
    // While it waited the reader may have gone, the drain begun, the request changed or been forgotten.
    if (gone.aborted || this.#isClosedToNew(response)) return;
    const latest = showcase.get(requestId);
    if (latest === undefined || !canTakeSocket(request, response)) return this.#sendAway(response, 'failed', RETRY_MS);
    const stream = new Stream(takeSocket(request, response), {
      bodies,
      shown: latest,
      retryMs: jitteredRetryMs(RETRY_MS, this.#deps.random),
      heartbeat: this.#heartbeat(),
    });
    this.#add(stream, request.socket, { owner, requestId });
  }

  #add(stream: Stream, socket: Socket, { owner, requestId }: { owner: string; requestId: string }): void {
    const { showcase } = this.#deps;
    const unwatch = showcase.watch(requestId, (state) => this.#show(stream, state));
    this.#open.add(stream);
    this.#count(owner, 1);
    this.#pendingBytes += stream.pendingBytes;
    socket.on('close', () => {
      unwatch();
      this.#open.delete(stream);
      this.#count(owner, -1);
      this.#closed.inc({ result: stream.closeReason });
    });
  }

  #count(owner: string, more: 1 | -1): void {
    const count = (this.#owners.get(owner) ?? 0) + more;
    if (count > 0) this.#owners.set(owner, count);
    else this.#owners.delete(owner);
  }

  /**
   * Readers are told at the end of the turn: each of all its news in one write, and all writes in a row. A write that
   * stands alone finds its reader asleep and pays for waking it, as much as for the write itself.
   */
  #show(stream: Stream, state: Visible): void {
    stream.show(state);
    if (this.#untold.size === 0) process.nextTick(() => this.#tell());
    this.#untold.add(stream);
  }

  #tell(): void {
    const untold = [...this.#untold];
    this.#untold.clear();
    const nowMs = this.#deps.bodies.nowMs();
    for (const stream of untold) stream.compose(nowMs);
    for (const stream of untold) stream.send();
  }

  /** True when the reader was sent away: none is taken during the drain, none beyond the bounds. */
  #isRefused(owner: string, response: ServerResponse): boolean {
    const { streamsMax, perOwnerMax } = this.#options;
    if (this.#isClosedToNew(response)) return true;
    if (this.#open.size + this.#opening >= streamsMax) this.#sendAway(response, 'shed', SHED_RETRY_MS);
    else if ((this.#owners.get(owner) ?? 0) >= perOwnerMax) this.#sendAway(response, 'too_many_of_owner', SHED_RETRY_MS);
    else return false;
    return true;
  }

  /** The same for what a place that was kept does not help against. */
  #isClosedToNew(response: ServerResponse): boolean {
    if (this.draining.aborted) this.#sendAway(response, 'draining', RETRY_MS);
    else if (this.#pendingBytes > this.#options.pendingBytesSumMax) this.#sendAway(response, 'shed', SHED_RETRY_MS);
    else return false;
    return true;
  }

  #sendAway(response: ServerResponse, result: string, retryMs: number): void {
    this.#closed.inc({ result });
    if (response.headersSent) {
      response.destroy();
      return;
    }
    response.writeHead(200, STREAM_HEADERS).end(result === 'draining' ? this.#bye() : this.#retry(retryMs));
  }

  #retry(fromMs: number): string {
    return retryFrame(jitteredRetryMs(fromMs, this.#deps.random));
  }

  /** The reader may come back at once: to another pod. */
  #bye(): string {
    return `${this.#retry(RETRY_MS)}${frame('bye', {})}`;
  }

  #heartbeat(): string {
    const { bodies } = this.#deps;
    const data: HeartbeatFrame = {
      now: new Date(bodies.nowMs()).toISOString(),
      ...(bodies.isStale() && { feed: 'stale' as const }),
    };
    return frame('heartbeat', data);
  }

  /** One loop over all streams instead of timers of each. */
  #sweep(): void {
    const nowMs = this.#deps.clock.nowMs();
    const heartbeat = this.#heartbeat();
    this.#pendingBytes = 0;
    for (const stream of this.#open) {
      stream.sweep(nowMs, heartbeat, this.#options);
      this.#pendingBytes += stream.pendingBytes;
    }
  }

  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await pause(SWEEP_MS, signal);
      this.#sweep();
    }
    await this.#drain();
  }

  /**
   * Says goodbye to all but those whose request ends in time, then to these; one that does not take its goodbye is cut by
   * the sweep. The rest of the pod stops when the last one is gone.
   */
  async #drain(): Promise<void> {
    this.#draining.abort();
    const { clock, log } = this.#deps;
    const byMs = clock.nowMs() + this.#options.drainMs;
    log.info({ streams: this.#open.size }, 'draining the streams');
    for (const stream of this.#open) if (stream.endsAtMs() > byMs) this.#goodbye(stream);
    while (this.#open.size > 0) {
      await pause(DRAIN_SWEEP_MS, new AbortController().signal);
      this.#sweep();
      if (clock.nowMs() >= byMs) for (const stream of this.#open) this.#goodbye(stream);
    }
  }

  #goodbye(stream: Stream): void {
    stream.end(this.#bye(), 'drained');
  }
}
