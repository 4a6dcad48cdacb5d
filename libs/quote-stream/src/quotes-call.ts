/** Where a request's stream and quotes are, and `GET …/quotes` as a value: no status of it is an exception. */
import type { QuotesBody } from '@osago/contracts';
import type { Refusal } from './quote-view.ts';
import type { StreamAnswer, StreamBrowser } from './stream-browser.ts';

/** contracts' `API_PREFIX`, repeated to keep TypeBox out of the page; a test holds them equal. */
export const API_PREFIX = '/api/osago';

/** Whoever holds the cookie of the request needs no `accessToken`. */
export interface StreamTarget {
  requestId: string;
  /** Origin of core-app; the page's own when left out. */
  baseUrl?: string;
  accessToken?: string;
}

/** How far this page has seen: answers older than that are not wanted. */
export interface Seen {
  cursor?: string;
  etag?: string;
}

export interface Asking {
  /** The server holds its answer this long for news; without an ETag it never does. */
  waitS?: number;
  signal: AbortSignal;
}

export type QuotesAnswer =
  | { kind: 'body'; body: QuotesBody; etag?: string; serverNowMs?: number }
  | { kind: 'unchanged' }
  | { kind: 'refused'; refusal: Refusal }
  /** No answer, or one that says: later. */
  | { kind: 'unavailable'; retryAfterMs: number };

/** A `Retry-After` beyond this would leave a person in front of a page that does nothing. */
const RETRY_AFTER_MS_MAX = 30_000;

export const streamUrl = (target: StreamTarget, { cursor }: Seen): string =>
  url(target, 'stream', { last_event_id: cursor, access_token: target.accessToken });

export const askQuotes = async (
  browser: Pick<StreamBrowser, 'fetch'>,
  target: StreamTarget,
  { cursor, etag }: Seen,
  { waitS = 0, signal }: Asking,
): Promise<QuotesAnswer> => {
  const headers: Record<string, string> = { accept: 'application/json' };
  if (etag !== undefined) headers['if-none-match'] = etag;
  if (etag !== undefined && waitS > 0) headers['prefer'] = `wait=${waitS}`;
  if (target.accessToken !== undefined) headers['authorization'] = `Bearer ${target.accessToken}`;
  try {
    const response = await browser.fetch(url(target, 'quotes', { cursor }), { headers, signal });
    switch (response.status) {
      case 200:
        return await bodyOf(response);
      case 304:
        return { kind: 'unchanged' };
      case 401:
        return { kind: 'refused', refusal: 'no-access' };
      case 404:
        return { kind: 'refused', refusal: 'not-found' };
      default:
        return { kind: 'unavailable', retryAfterMs: retryAfterMs(response) };
    }
  } catch {
    // Offline, aborted, or a captive portal's page instead of JSON: all mean that nothing was learnt.
    return { kind: 'unavailable', retryAfterMs: 0 };
  }
};

const bodyOf = async (response: StreamAnswer): Promise<QuotesAnswer> => {
  const etag = response.headers.get('etag');
  const serverNowMs = Date.parse(response.headers.get('date') ?? '');
  const body = (await response.json()) as QuotesBody;
  return {
    kind: 'body',
    body,
    ...(etag !== null && { etag }),
    ...(Number.isFinite(serverNowMs) && { serverNowMs }),
  };
};

const retryAfterMs = (response: StreamAnswer): number => {
  const seconds = Number(response.headers.get('retry-after') ?? 0);
  return Number.isFinite(seconds) ? Math.min(Math.max(seconds, 0) * 1_000, RETRY_AFTER_MS_MAX) : 0;
};

const url = (
  { requestId, baseUrl = '' }: StreamTarget,
  leaf: 'stream' | 'quotes',
  query: Record<string, string | undefined>,
): string => {
  const given = Object.entries(query).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}=${encodeURIComponent(value)}`],
  );
  const path = `${baseUrl}${API_PREFIX}/requests/${encodeURIComponent(requestId)}/${leaf}`;
  return given.length === 0 ? path : `${path}?${given.join('&')}`;
};
