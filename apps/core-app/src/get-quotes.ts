/** `GET …/quotes`: the same body as the stream's snapshot, for a refresh and for networks that break SSE (design §4). */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { hasSeen, isClosed } from '@osago/quotes';
import { HttpProblem } from './problem.ts';
import { cursorOfEtag } from './quotes-body.ts';
import { type ResumeDeps, standingTo } from './resume.ts';
import type { Shown } from './showcase.ts';
import { waitFor } from './wait.ts';

/** Proxies cut idle requests at 60 s and sooner. */
const PREFER_WAIT_S_MAX = 30;

const preferredWaitMs = (header: string | string[] | undefined): number => {
  const wait = /(?:^|[,;\s])wait=(\d{1,6})/.exec(String(header ?? ''))?.[1];
  return Math.min(Number(wait ?? 0), PREFER_WAIT_S_MAX) * 1_000;
};

export const getQuotes =
  (deps: ResumeDeps) =>
  async (
    requestId: string,
    query: URLSearchParams,
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<void> => {
    const { bodies, reader } = deps;
    const gone = new AbortController();
    response.on('close', () => {
      gone.abort();
    });
    const wait = (until: (shown: Shown) => boolean, forMs: number): Promise<boolean> =>
      waitFor(deps, requestId, { until, forMs, signal: gone.signal });

    if ((await reader.read(requestId)) === undefined) throw new HttpProblem(404);
    const { kind } = await standingTo(deps, requestId, query.get('cursor') ?? '', gone.signal);
    if (kind === 'behind') throw new HttpProblem(503, 'this pod is behind what was shown before');
    // A proxy that compresses makes an ETag weak; what it names is the same.
    const known = (request.headers['if-none-match'] ?? '').replace(/^W\//, '');
    // A pod below what the caller has seen never answers 200, even when the caller waits for no news.
    const standing = await standingTo(deps, requestId, cursorOfEtag(known), gone.signal);
    const isNewer = (shown: Shown): boolean =>
      bodies.render(shown).etag !== known &&
      (standing.kind !== 'behind' || hasSeen(shown.state, standing.cursor));
    const isSettled = (shown: Shown): boolean =>
      isNewer(shown) || isClosed(bodies.render(shown).view, bodies.nowMs());
    const preferredMs = preferredWaitMs(request.headers['prefer']);
    if (known !== '' && preferredMs > 0) await wait(isSettled, preferredMs);
    const shown = await reader.read(requestId);
    if (shown === undefined) throw new HttpProblem(404);
    const { body, etag } = bodies.render(shown);
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
