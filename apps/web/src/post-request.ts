/** `POST /requests`, with every way it can end as a value. */
import type { Fault, PostRequestReply, Problem } from '@osago/contracts';

export type Posted =
  /** A duplicate: the same was sent before and is in progress, this is its request. */
  | { kind: 'accepted'; requestId: string; isDuplicate: boolean }
  /** 400: each fault says where. */
  | { kind: 'faults'; faults: readonly Fault[] }
  | { kind: 'busy'; retryAfterS: number }
  | { kind: 'server' }
  /** What was wrong is the server's to know: its words are for programmers, and in English. */
  | { kind: 'other'; status: number }
  /** No answer: it may or may not have arrived. */
  | { kind: 'unreachable' };

/** How a call can go wrong. */
export type Refused = Exclude<Posted, { kind: 'accepted' }>;

/** The cookie of a request lives three days; after them its token, from the history, says the same. */
export interface RequestAccess {
  requestId: string;
  accessToken?: string;
}

export const bearer = (accessToken: string | undefined): Record<string, string> =>
  accessToken === undefined ? {} : { authorization: `Bearer ${accessToken}` };

export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

/** The server answers in milliseconds; a person on a bad network waits this long before being told. */
export const POST_MS_MAX = 20_000;
/** Named when the server asks to come back but says not when. */
const RETRY_AFTER_S = 5;

export const postRequest = async (url: string, body: string, key: string | undefined, fetch: Fetch): Promise<Posted> => {
  let response: Response;
  let answer: unknown;
  try {
    response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...(key !== undefined && { 'idempotency-key': key }) },
      body,
      signal: AbortSignal.timeout(POST_MS_MAX),
    });
    answer = await jsonOf(response);
  } catch {
    return { kind: 'unreachable' };
  }
  if (response.ok) return accepted(answer);
  return refused(response, answer ?? {});
};

/** A page of a proxy instead of an answer is no answer of ours: nobody knows what became of the request. */
const accepted = (answer: unknown): Posted => {
  const { request_id: requestId, duplicate } = (answer ?? {}) as Partial<PostRequestReply>;
  return requestId === undefined ? { kind: 'unreachable' } : { kind: 'accepted', requestId, isDuplicate: duplicate === true };
};

export const refused = ({ status, headers }: Response, problem: Partial<Problem>): Refused => {
  if (status === 400 && problem.errors !== undefined && problem.errors.length > 0) {
    return { kind: 'faults', faults: problem.errors };
  }
  if (status === 429 || status === 503) {
    const seconds = Number(headers.get('retry-after') ?? RETRY_AFTER_S);
    return { kind: 'busy', retryAfterS: Number.isFinite(seconds) ? Math.ceil(seconds) : RETRY_AFTER_S };
  }
  if (status >= 500) return { kind: 'server' };
  return { kind: 'other', status };
};

/** Undefined where there is no JSON; a body cut short by the network still throws. */
export const jsonOf = async (response: Response): Promise<unknown> => {
  const text = await response.text();
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
};
