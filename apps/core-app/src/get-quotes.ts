/** `GET …/quotes`: the same body as the stream's snapshot, for a refresh and for networks that break SSE (design §4). */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { hasSeen, isClosed } from '@osago/quotes';
import { HttpProblem } from './problem.ts';
import { cursorOfEtag, isNewsTo } from './quotes-body.ts';
import { type ResumeDeps, standingTo } from './resume.ts';
import type { Shown } from './showcase.ts';
import { waitFor } from './wait.ts';

/** Proxies cut idle requests at 60 s and sooner. */
const PREFER_WAIT_S_MAX = 30;
/** As many as streams, for one costs no less. Who comes then is answered at once and asks again in a few seconds. */
const HELD_MAX = 10_000;

const preferredWaitMs = (header: string | string[] | undefined): number => {
  const wait = /(?:^|[,;\s])wait=(\d{1,6})/.exec(String(header ?? ''))?.[1];
  return Math.min(Number(wait ?? 0), PREFER_WAIT_S_MAX) * 1_000;
};

export interface QuotesDeps extends ResumeDeps {
  /** Aborts when the pod is about to stop: then nobody is held any longer, and nobody comes back by the same connection. */
  draining: AbortSignal;
}

export const getQuotes = (deps: QuotesDeps, { heldMax = HELD_MAX }: { heldMax?: number } = {}) => {
  const { bodies, draining, reader } = deps;
  let held = 0;

  const hold = async (requestId: string, until: (shown: Shown) => boolean, { forMs, gone }: { forMs: number; gone: AbortSignal }): Promise<void> => {
    if (held >= heldMax) return;
    held += 1;
    try {
      await waitFor(deps, requestId, { until, forMs, signal: AbortSignal.any([gone, draining]) });
    } finally {
      held -= 1;
    }
  };

  return async (requestId: string, query: URLSearchParams, request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const gone = new AbortController();
    response.on('close', () => {
      gone.abort();
    });

    if ((await reader.read(requestId)) === undefined) throw new HttpProblem(404);
    const { kind } = await standingTo(deps, requestId, query.get('cursor') ?? '', gone.signal);
    if (kind === 'behind') throw new HttpProblem(503, 'this pod is behind what was shown before');
    // A proxy that compresses makes an ETag weak; what it names is the same.
    const known = (request.headers['if-none-match'] ?? '').replace(/^W\//, '');
    // A pod below what the caller has seen never answers 200, even when the caller waits for no news.
    const standing = await standingTo(deps, requestId, cursorOfEtag(known), gone.signal);
    const isNewer = (shown: Shown): boolean =>
      isNewsTo(known, bodies.render(shown).etag) && (standing.kind !== 'behind' || hasSeen(shown.state, standing.cursor));
    const isSettled = (shown: Shown): boolean =>
      isNewer(shown) || isClosed(bodies.render(shown).view, bodies.nowMs());
    const preferredMs = preferredWaitMs(request.headers['prefer']);
    if (known !== '' && preferredMs > 0) await hold(requestId, isSettled, { forMs: preferredMs, gone: gone.signal });
    const shown = await reader.read(requestId);
    if (shown === undefined) throw new HttpProblem(404);
    const { body, etag } = bodies.render(shown);
    if (draining.aborted) response.shouldKeepAlive = false;
    const cacheControl = { 'cache-control': 'private, no-cache' };
    if (known !== '' && !isNewer(shown)) {
      // The caller's own ETag: that of a pod below would take back what the caller has seen.
      response.writeHead(304, { etag: known, ...cacheControl }).end();
      return;
    }
    response
      .writeHead(200, { etag, ...cacheControl, 'content-type': 'application/json' })
      .end(JSON.stringify(body));
  };
};
