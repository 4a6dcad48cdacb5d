/** The requests of this browser (`GET /requests`), newest first; its owner cookie says which they are. */
import type { HistoryItem, RequestHistory } from '@osago/contracts';
import { API_PREFIX } from '@osago/quote-stream';
import { type Fetch, jsonOf, POST_MS_MAX, type Refused, refused } from './post-request.ts';

export type HistoryPart =
  | { kind: 'part'; requests: readonly HistoryItem[]; nextCursor: string | undefined }
  | Exclude<Refused, { kind: 'faults' }>;

const PART_MAX = 20;
/** The most that the server gives at once. */
const SEARCHED_MAX = 100;

const read = async (query: URLSearchParams, fetch: Fetch): Promise<HistoryPart> => {
  let response: Response;
  let answer: unknown;
  try {
    response = await fetch(`${API_PREFIX}/requests?${query.toString()}`, { signal: AbortSignal.timeout(POST_MS_MAX) });
    answer = await jsonOf(response);
  } catch {
    return { kind: 'unreachable' };
  }
  if (!response.ok) {
    const problem = refused(response, answer ?? {});
    return problem.kind === 'faults' ? { kind: 'other', status: response.status } : problem;
  }
  const { requests, next_cursor: nextCursor } = (answer ?? {}) as Partial<RequestHistory>;
  // A page of a proxy instead of an answer is no answer of ours.
  return requests === undefined ? { kind: 'unreachable' } : { kind: 'part', requests, nextCursor };
};

/** The newest ones, or those after the end of a part. */
export const readHistory = (cursor: string | undefined, fetch: Fetch): Promise<HistoryPart> =>
  read(new URLSearchParams({ limit: String(PART_MAX), ...(cursor !== undefined && { cursor }) }), fetch);

/** The token of a request whose own cookie is over; undefined where it is not among the newest of this browser. */
export const findToken = async (requestId: string, fetch: Fetch): Promise<string | undefined> => {
  const part = await read(new URLSearchParams({ limit: String(SEARCHED_MAX) }), fetch);
  if (part.kind !== 'part') return undefined;
  return part.requests.find(({ request_id }) => request_id === requestId.toLowerCase())?.access_token;
};
