/**
 * The open streams of this pod: who may open one, one sweep for all heartbeats and deadlines, the drain. Overload and
 * drain are never an error status, because a native EventSource gives up for ever on one: they are a 200 with a longer
 * retry, and the end. Only 204, 401 and 404 are final.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { isFinished } from '@osago/quotes';
import { Counter, Gauge, pause, type Registry, type Service } from '@osago/service-kit';
import type { Access } from './access.ts';
import { answerProblem, HttpProblem } from './problem.ts';
import type { RequestReader } from './request-reader.ts';
import { type ResumeDeps, standingTo } from './resume.ts';
import { frame, jitteredRetryMs, retryFrame, STREAM_HEADERS } from './sse-frames.ts';
import { GOODBYE_MS, Stream } from './stream.ts';

const SWEEP_MS = 250;
const RETRY_MS = 1_000;
const SHED_RETRY_MS = 5_000;

export interface StreamsDeps extends ResumeDeps {
  access: Access;
  reader: Pick<RequestReader, 'read'>;
  metrics: Registry;
  random: () => number;
}

export class Streams implements Service {
  readonly name = 'streams';
  readonly #deps: StreamsDeps;
  readonly #streamsMax: number;
  readonly #open = new Set<Stream>();
  readonly #closed: Counter;
  #isDraining = false;

  constructor(deps: StreamsDeps, { streamsMax }: { streamsMax: number }) {
    this.#deps = deps;
    this.#streamsMax = streamsMax;
    const open = this.#open;
    new Gauge({
      name: 'osago_streams_open',
      help: 'Streams that are open now',
      registers: [deps.metrics],
      collect() {
        this.set(open.size);
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
    const { access, bodies, clock, reader, random, showcase } = this.#deps;
    const gone = new AbortController();
    response.on('close', () => {
      gone.abort();
    });
    access.check(request, requestId, query);
    if (this.#isRefused(response)) return;
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
    // While it waited the reader may have gone, the drain begun, the request changed.
    if (gone.signal.aborted || this.#isRefused(response)) return;
    const stream = new Stream(response, { bodies, shown: showcase.get(requestId) ?? shown });
    this.#open.add(stream);
    const unwatch = showcase.watch(requestId, () => {
      const news = showcase.get(requestId);
      if (news !== undefined) stream.show(news);
    });
    response.on('close', () => {
      unwatch();
      this.#open.delete(stream);
      this.#closed.inc({ result: stream.closeReason });
    });
    stream.start(jitteredRetryMs(RETRY_MS, random), clock.nowMs());
  }

  /** True when the reader was sent away: none is taken during the drain, none beyond the bound. */
  #isRefused(response: ServerResponse): boolean {
    if (this.#isDraining) this.#sendAway(response, 'draining', RETRY_MS);
    else if (this.#open.size >= this.#streamsMax) this.#sendAway(response, 'shed', SHED_RETRY_MS);
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

  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await pause(SWEEP_MS, signal);
      const nowMs = this.#deps.clock.nowMs();
      for (const stream of this.#open) stream.sweep(nowMs);
    }
    await this.#drain();
  }

  /** Says goodbye to all; the rest of the pod stops when the last one is gone. */
  async #drain(): Promise<void> {
    this.#isDraining = true;
    this.#deps.log.info({ streams: this.#open.size }, 'draining the streams');
    for (const stream of this.#open) {
      const retry = retryFrame(jitteredRetryMs(RETRY_MS, this.#deps.random));
      stream.end(`${retry}${frame('bye', {})}`, 'drained');
    }
    const deadline = AbortSignal.timeout(GOODBYE_MS);
    while (this.#open.size > 0 && !deadline.aborted) await pause(20, deadline);
    for (const stream of this.#open) stream.cut('stalled');
  }
}
