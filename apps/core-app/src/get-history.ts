/**
 * `GET /requests`: the requests of the browser that asks, by its owner cookie, newest first. Pages go on from the last
 * request that was shown and not by a number, so they have neither gap nor repeat while new requests come.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { type Fault, faultOf, type HistoryItem, type RequestHistory } from '@osago/contracts';
import { countsOf, isExpired, view } from '@osago/quotes';
import type { Clock } from '@osago/service-kit';
import type { Pool } from 'pg';
import { type Access, requestPath } from './access.ts';
import { askedOfPostgres } from './postgres-away.ts';
import { HttpProblem } from './problem.ts';
import type { RequestReader } from './request-reader.ts';
import { REQUEST_COLUMNS, type RequestRow, storedRequest } from './request-store.ts';
import type { Shown } from './showcase.ts';

const PAGE_DEFAULT = 20;
const PAGE_MAX = 100;

/** One row more than the page: it says whether there is another. */
const FIND_PAGE = `
  SELECT ${REQUEST_COLUMNS} FROM requests
  WHERE owner_mac = ANY($1::bytea[])
    AND ($2::timestamptz IS NULL OR (accepted_at, request_id) < ($2, $3::uuid))
  ORDER BY accepted_at DESC, request_id DESC LIMIT $4`;

/** Where a page ended: the next one begins with what is older. */
interface PageEnd {
  acceptedAt: Date;
  requestId: string;
}

interface Page {
  limit: number;
  after: PageEnd | undefined;
}

const encodePageEnd = ({ accepted_at, request_id }: { accepted_at: string; request_id: string }): string =>
  Buffer.from(`${Date.parse(accepted_at)} ${request_id}`).toString('base64url');

const PAGE_END = /^(\d{1,14}) ([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/;

/** Undefined for what no page has ended with. */
const decodePageEnd = (cursor: string): PageEnd | undefined => {
  const [, ms, requestId] = PAGE_END.exec(Buffer.from(cursor, 'base64url').toString('latin1')) ?? [];
  return ms === undefined || requestId === undefined ? undefined : { acceptedAt: new Date(Number(ms)), requestId };
};

/** Throws a 400 that lists every fault. */
const pageOf = (query: URLSearchParams): Page => {
  const faults: Fault[] = [];
  const limit = query.get('limit') ?? String(PAGE_DEFAULT);
  if (!/^\d{1,3}$/.test(limit) || Number(limit) < 1 || Number(limit) > PAGE_MAX) {
    faults.push(faultOf('/limit', 'bad_limit', { max: PAGE_MAX }));
  }
  const cursor = query.get('cursor');
  const after = cursor === null ? undefined : decodePageEnd(cursor);
  if (cursor !== null && after === undefined) {
    faults.push(faultOf('/cursor', 'bad_cursor'));
  }
  if (faults.length > 0) throw new HttpProblem(400, undefined, faults);
  return { limit: Number(limit), after };
};

const itemOf = ({ state }: Shown, nowMs: number, access: Access): HistoryItem => {
  const { request_id, status, accepted_at, deadline_at, progress, quotes } = view(state, nowMs);
  const totals = quotes.flatMap((quote) =>
    quote.status === 'quoted' && !isExpired(quote, nowMs) ? (quote.total_kopecks ?? []) : [],
  );
  const self = requestPath(request_id);
  return {
    request_id,
    status,
    accepted_at,
    deadline_at,
    progress,
    counts: countsOf(quotes),
    ...(totals.length > 0 && { best_total_kopecks: Math.min(...totals) }),
    access_token: access.token(request_id),
    links: { self, stream: `${self}/stream`, quotes: `${self}/quotes` },
  };
};

export interface HistoryDeps {
  access: Access;
  reader: Pick<RequestReader, 'readListed'>;
  pool: Pick<Pool, 'query'>;
  clock: Clock;
}

export const getHistory = (deps: HistoryDeps) => {
  const { access, clock, pool, reader } = deps;

  const find = async (ownerMacs: readonly Buffer[], { limit, after }: Page): Promise<RequestHistory> => {
    const { rows } = await pool.query<RequestRow>(FIND_PAGE, [ownerMacs, after?.acceptedAt, after?.requestId, limit + 1]);
    const requests = rows.slice(0, limit).map(storedRequest);
    const shown = await reader.readListed(requests);
    const last = requests.at(-1);
    return {
      requests: shown.map((one) => itemOf(one, clock.nowMs(), access)),
      ...(rows.length > limit && last && { next_cursor: encodePageEnd(last) }),
    };
  };

  return async (query: URLSearchParams, request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const page = pageOf(query);
    const owner = access.owner(request);
    const history = owner.isNew ? { requests: [] } : await askedOfPostgres(find(access.macs('owner', owner.id), page));
    response
      .writeHead(200, { 'content-type': 'application/json', 'cache-control': 'private, no-store' })
      .end(JSON.stringify(history));
  };
};
