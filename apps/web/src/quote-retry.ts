/** Asking one insurer again, and calling a request off (design §4), with every way they can end as a value. */
import { API_PREFIX } from '@osago/quote-stream';
import { bearer, type Fetch, jsonOf, POST_MS_MAX, type Refused, refused, type RequestAccess } from './post-request.ts';

/** What a stream goes on from. */
export interface Restart {
  cursor: string;
  revision: number;
}

export type Retried =
  | { kind: 'accepted'; restart: Restart }
  /** 409: the quote is another by now; the stream shows which. */
  | { kind: 'changed' }
  | Refused;

export type Cancelled = { kind: 'accepted' } | Exclude<Refused, { kind: 'faults' }>;

/** JSON Pointer into the application to the value that is set there. */
export type Changes = Readonly<Record<string, string | number | boolean>>;

interface Call {
  method: 'POST' | 'DELETE';
  body?: string;
  accessToken?: string | undefined;
}

const call = async (url: string, { method, body, accessToken }: Call, fetch: Fetch): Promise<{ response: Response; answer: unknown } | undefined> => {
  try {
    const response = await fetch(url, {
      method,
      headers: { ...(body !== undefined && { 'content-type': 'application/json' }), ...bearer(accessToken) },
      ...(body !== undefined && { body }),
      signal: AbortSignal.timeout(POST_MS_MAX),
    });
    return { response, answer: await jsonOf(response) };
  } catch {
    return undefined;
  }
};

const requestUrl = (requestId: string): string => `${API_PREFIX}/requests/${requestId}`;

export interface RetryTarget extends RequestAccess {
  insurerId: string;
  /** The one that is on the screen: a second click, or a click in another tab, asks nothing twice. */
  attempt: number;
}

export const retryQuote = async (
  { requestId, accessToken, insurerId, attempt }: RetryTarget,
  changes: Changes,
  fetch: Fetch,
): Promise<Retried> => {
  const hasChanges = Object.keys(changes).length > 0;
  const body = JSON.stringify({ attempt, ...(hasChanges && { changes }) });
  const done = await call(`${requestUrl(requestId)}/quotes/${insurerId}/retry`, { method: 'POST', body, accessToken }, fetch);
  if (done === undefined) return { kind: 'unreachable' };
  const { response, answer } = done;
  if (response.status === 409) return { kind: 'changed' };
  if (!response.ok) return refused(response, answer ?? {});
  const { cursor, revision } = (answer ?? {}) as Partial<Restart>;
  // A page of a proxy instead of an answer is no answer of ours.
  return cursor === undefined || revision === undefined
    ? { kind: 'unreachable' }
    : { kind: 'accepted', restart: { cursor, revision } };
};

export const cancelRequest = async ({ requestId, accessToken }: RequestAccess, fetch: Fetch): Promise<Cancelled> => {
  const done = await call(requestUrl(requestId), { method: 'DELETE', accessToken }, fetch);
  if (done === undefined) return { kind: 'unreachable' };
  const { response, answer } = done;
  if (response.ok) return { kind: 'accepted' };
  const problem = refused(response, answer ?? {});
  return problem.kind === 'faults' ? { kind: 'other', status: response.status } : problem;
};
