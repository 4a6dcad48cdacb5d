/**
 * The open streams of this pod: who may open one, one sweep for all heartbeats and deadlines, the drain. Overload and
 * drain are never an error status, because a native EventSource gives up for ever on one: they are a 200 with a longer
 * retry, and the end. Only 204, 401 and 404 are final.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { HeartbeatFrame } from '@osago/contracts';
import { isFinished } from '@osago/quotes';
import { Counter, Gauge, pause, type Registry, type Service } from '@osago/service-kit';
import type { Access } from './access.ts';
import { answerProblem, HttpProblem } from './problem.ts';
import type { RequestReader } from './request-reader.ts';
import { type ResumeDeps, standingTo } from './resume.ts';
import type { Shown } from './showcase.ts';
import { frame, jitteredRetryMs, retryFrame, STREAM_HEADERS } from './sse-frames.ts';
import { Stream, type StreamBounds } from './stream.ts';
import { canTakeSocket, readToEnd, takeSocket } from './stream-socket.ts';

const SWEEP_MS = 250;
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

export class Streams implements Service {
  readonly name = 'streams';
  readonly #deps: StreamsDeps;
  readonly #options: StreamsOptions;
  readonly #open = new Set<Stream>();
  /** How many each owner has open. */
  readonly #owners = new Map<string, number>();
  readonly #closed: Counter;
  /** Counts the turns that brought news: what one callback has brought, and all that came of it without a wait. */
  #turn = 0;
  #isTurnCounted = false;
  /** Those with more news in this turn than they were told. */
  readonly #untold = new Set<Stream>();
  /** At the last sweep. */
  #pendingBytes = 0;
  #isDraining = false;

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

  /** Red once the drain has begun. */
  readiness(): string | undefined {
    return this.#isDraining ? 'draining' : undefined;
  }

  handle(requestId: string, query: URLSearchParams, request: IncomingMessage, response: ServerResponse): void {
    this.#handle(requestId, query, request, response).catch((error: unknown) => {
      if (error instanceof HttpProblem) {
        answerProblem(response, error);
        return;
      }
      this.#deps.log.error({ error, request_id: requestId }, 'stream failed to open');
      this.#sendAway(response, 'failed', SHED_RETRY_MS);
    });
  }

  async #handle(
    requestId: string,
    query: URLSearchParams,
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<void> {
    const { access, bodies, reader, showcase } = this.#deps;
    const gone = new AbortController();
    response.on('close', () => gone.abort());
    const read = readToEnd(request);
    access.check(request, requestId, query);
    const { id, isNew } = access.owner(request);
    const owner = isNew ? requestId : id;
    if (this.#isRefused(owner, response)) return;
    let shown = await reader.read(requestId);
    if (shown === undefined) throw new HttpProblem(404);
    const lastSeen = String(request.headers['last-event-id'] ?? query.get('last_event_id') ?? '');
    const standing = await standingTo(this.#deps, requestId, lastSeen, gone.signal);
    if (standing.kind === 'behind') return this.#sendAway(response, 'behind', RETRY_MS);
    shown = (await reader.read(requestId)) ?? shown;
    if (standing.kind === 'seen' && standing.cursor.end) {
      const { view } = bodies.render(shown);
      if (standing.cursor.revision === view.revision && isFinished(view)) {
        this.#closed.inc({ result: 'finished' });
        response.writeHead(204, { 'cache-control': 'no-store' }).end();
        return;
      }
    }
    await read;
    // While it waited the reader may have gone, the drain begun, the request changed.
    if (gone.signal.aborted || this.#isRefused(owner, response)) return;
    if (!canTakeSocket(request, response)) return this.#sendAway(response, 'failed', RETRY_MS);
    const stream = new Stream(takeSocket(request, response), {
      bodies,
      shown: showcase.get(requestId) ?? shown,
      retryMs: jitteredRetryMs(RETRY_MS, this.#deps.random),
      heartbeat: this.#heartbeat(),
    });
    this.#add(stream, request.socket, { owner, requestId });
  }

  #add(stream: Stream, socket: Socket, { owner, requestId }: { owner: string; requestId: string }): void {
    const { showcase } = this.#deps;
    const unwatch = showcase.watch(requestId, () => {
      const news = showcase.get(requestId);
      if (news !== undefined) this.#show(stream, news);
    });
    this.#open.add(stream);
    this.#owners.set(owner, (this.#owners.get(owner) ?? 0) + 1);
    socket.on('close', () => {
      unwatch();
      this.#open.delete(stream);
      const left = (this.#owners.get(owner) ?? 1) - 1;
      if (left > 0) this.#owners.set(owner, left);
      else this.#owners.delete(owner);
      this.#closed.inc({ result: stream.closeReason });
    });
  }

  /** A system call costs as much as all the rest, so a stream has one for the first news of a turn and one for the others. */
  #show(stream: Stream, news: Shown): void {
    if (!stream.show(news, this.#turn)) this.#untold.add(stream);
    if (this.#isTurnCounted) return;
    this.#isTurnCounted = true;
    process.nextTick(() => {
      this.#isTurnCounted = false;
      this.#turn += 1;
      for (const untold of this.#untold) untold.tell();
      this.#untold.clear();
    });
  }

  /** True when the reader was sent away: none is taken during the drain, none beyond the bounds. */
  #isRefused(owner: string, response: ServerResponse): boolean {
    const { streamsMax, perOwnerMax, pendingBytesSumMax } = this.#options;
    const isFull = this.#open.size >= streamsMax || this.#pendingBytes > pendingBytesSumMax;
    if (this.#isDraining) this.#sendAway(response, 'draining', RETRY_MS);
    else if (isFull) this.#sendAway(response, 'shed', SHED_RETRY_MS);
    else if ((this.#owners.get(owner) ?? 0) >= perOwnerMax) this.#sendAway(response, 'too_many_of_owner', SHED_RETRY_MS);
    else return false;
    return true;
  }

  #sendAway(response: ServerResponse, result: string, retryMs: number): void {
    this.#closed.inc({ result });
    if (response.headersSent) {
      response.destroy();
      return;
    }
    response.writeHead(200, STREAM_HEADERS).end(retryFrame(jitteredRetryMs(retryMs, this.#deps.random)));
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
    this.#isDraining = true;
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
    const retry = retryFrame(jitteredRetryMs(RETRY_MS, this.#deps.random));
    stream.end(`${retry}${frame('bye', {})}`, 'drained');
  }
}
