/**
 * The standard insurer protocol (design §7a) over HTTP. Redirects are not followed, bodies are bounded, what is missing
 * or mistyped is `malformed`. No body of a call is ever logged.
 */
import {
  ApplicationPending,
  ApplicationReady,
  ApplicationRefused,
  type Checked,
  checker,
  InsurerAnswer,
  type InsurerSettings,
} from '@osago/contracts';
import type { FaultKind, InsurerReply } from '@osago/quotes';
import type { Static, TSchema } from '@sinclair/typebox';
import { Value } from '@sinclair/typebox/value';
import { Agent, type Dispatcher, request } from 'undici';
import type { Insurer, PostCall } from './insurer.ts';

const CONNECT_TIMEOUT_MS = 3_000;
const SOCKET_TIMEOUT_MS = 5_000;
const BODY_BYTES_MAX = 256 * 1_024;

/** Drops members that the protocol does not know: what goes on to the log is what we have checked, and no more. */
const reader = <T extends TSchema>(schema: T): ((body: unknown) => Checked<Static<T>>) => {
  const check = checker(schema);
  return (body) => {
    const checked = check(body);
    return checked.ok ? { ok: true, value: Value.Clean(schema, checked.value) as Static<T> } : checked;
  };
};

const readPending = reader(ApplicationPending);
const readReady = reader(ApplicationReady);
const readRefused = reader(ApplicationRefused);
const readQuoteAnswer = reader(InsurerAnswer);

/**
 * One pool of connections for all insurers of a pod. Undici's bound is per origin and several insurers may share one, so
 * it leaves room for all of them; each insurer's own bound is its concurrency.
 */
export const createAgent = (settings: readonly Pick<InsurerSettings, 'concurrency'>[]): Agent =>
  new Agent({
    connections: settings.reduce((sum, { concurrency }) => sum + concurrency, 0),
    connect: { timeout: CONNECT_TIMEOUT_MS },
    headersTimeout: SOCKET_TIMEOUT_MS,
    bodyTimeout: SOCKET_TIMEOUT_MS,
    maxResponseSize: BODY_BYTES_MAX,
  });

const fault = (kind: FaultKind, message: string, retryAfterMs?: number): InsurerReply => ({
  kind: 'fault',
  fault: kind,
  message,
  ...(retryAfterMs !== undefined && { retryAfterMs }),
});

/** Seconds, also fractional, or an HTTP date. */
export const retryAfterMs = (header: string | string[] | undefined, nowMs: number): number | undefined => {
  const text = Array.isArray(header) ? header[0] : header;
  if (text === undefined || text === '') return undefined;
  if (/^\d{1,9}(\.\d+)?$/.test(text)) return Number(text) * 1_000;
  const atMs = Date.parse(text);
  return Number.isNaN(atMs) ? undefined : Math.max(0, atMs - nowMs);
};

const CODES: Readonly<Record<string, FaultKind>> = {
  UND_ERR_HEADERS_TIMEOUT: 'timeout',
  UND_ERR_BODY_TIMEOUT: 'timeout',
  UND_ERR_RES_EXCEEDED_MAX_SIZE: 'malformed',
  UND_ERR_INVALID_ARG: 'malformed',
};

/** Also a name of an error says enough; its message may hold an address, so it is not passed on. */
const faultOf = (error: unknown): InsurerReply => {
  const { name, code } = error as { name?: string; code?: string };
  if (name === 'TimeoutError') return fault('timeout', 'no answer in time');
  const kind = CODES[code ?? ''] ?? (name?.startsWith('HTTPParser') ? 'malformed' : 'connection');
  return fault(kind, code ?? name ?? 'unknown error');
};

interface Answer {
  status: number;
  retryAfterMs: number | undefined;
  /** Undefined where the body is no JSON. */
  body: unknown;
}

const readAnswer = async (
  { statusCode, headers, body }: Dispatcher.ResponseData,
  nowMs: number,
): Promise<Answer> => {
  const text = await body.text();
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    // Stays undefined: only a status that needs a body makes a fault of it.
  }
  return { status: statusCode, retryAfterMs: retryAfterMs(headers['retry-after'], nowMs), body: parsed };
};

/** Statuses that mean the same whatever was asked; undefined for the rest. */
const commonReply = ({ status, retryAfterMs: afterMs }: Answer): InsurerReply | undefined => {
  if (status === 429 || status === 503) return fault('busy', `HTTP ${status}`, afterMs);
  if (status >= 500) return fault('server', `HTTP ${status}`, afterMs);
  if (status >= 300 && status < 400) return fault('malformed', `HTTP ${status}`);
  return undefined;
};

const hint = (afterMs: number | undefined) => (afterMs === undefined ? {} : { retryAfterMs: afterMs });

export const postReply = (answer: Answer): InsurerReply => {
  const common = commonReply(answer);
  if (common !== undefined) return common;
  const { status, body } = answer;
  const pending = readPending(body);
  if ((status === 201 || status === 202 || status === 200) && pending.ok) {
    return { kind: 'accepted', application_id: pending.value.application_id, ...hint(answer.retryAfterMs) };
  }
  const ready = readReady(body);
  if ((status === 200 || status === 201) && ready.ok) return { kind: 'quoted', quote: ready.value.quote };
  if (status === 422) {
    const refused = readRefused(body);
    if (refused.ok) {
      const { status: kind, ...members } = refused.value;
      return { kind, ...members };
    }
    return fault('malformed', 'HTTP 422 without a refusal');
  }
  if (status >= 400) return fault('rejected', `HTTP ${status}`);
  return fault('malformed', `HTTP ${status} with a body outside the protocol`);
};

export const pollReply = (answer: Answer): InsurerReply => {
  const common = commonReply(answer);
  if (common !== undefined) return common;
  if (answer.status === 404) return { kind: 'unknown' };
  if (answer.status >= 400) return fault('rejected', `HTTP ${answer.status}`);
  const checked = readQuoteAnswer(answer.body);
  if (!checked.ok) return fault('malformed', `HTTP ${answer.status} with a body outside the protocol`);
  const { value } = checked;
  switch (value.status) {
    case 'pending':
      return { kind: 'pending', ...hint(answer.retryAfterMs) };
    case 'estimated':
      return { kind: 'estimated', quote: value.quote, ...hint(answer.retryAfterMs) };
    case 'ready':
      return { kind: 'quoted', quote: value.quote };
    case 'declined':
    case 'needs_data':
    case 'failed': {
      const { status: kind, application_id: _id, ...members } = value;
      return { kind, ...members };
    }
  }
};

export interface StandardInsurerOptions {
  baseUrl: string;
  postTimeoutMs: number;
}

export class StandardInsurer implements Insurer {
  readonly #agent: Agent;
  readonly #nowMs: () => number;
  readonly #options: StandardInsurerOptions;

  constructor(deps: { agent: Agent; nowMs: () => number }, options: StandardInsurerOptions) {
    this.#agent = deps.agent;
    this.#nowMs = deps.nowMs;
    this.#options = { ...options, baseUrl: options.baseUrl.replace(/\/+$/, '') };
  }

  async #call(
    path: string,
    options: { method: 'GET' | 'POST'; headers: Record<string, string>; body?: string; signal: AbortSignal },
    timeoutMs: number,
  ): Promise<Answer> {
    const signal = AbortSignal.any([options.signal, AbortSignal.timeout(timeoutMs)]);
    const response = await request(`${this.#options.baseUrl}${path}`, {
      ...options,
      signal,
      dispatcher: this.#agent,
      headersTimeout: timeoutMs,
    });
    return readAnswer(response, this.#nowMs());
  }

  async post(call: PostCall, { signal }: { signal: AbortSignal }): Promise<InsurerReply> {
    const { application, idempotencyKey, request_id } = call;
    try {
      const answer = await this.#call(
        '/applications',
        {
          method: 'POST',
          headers: { 'content-type': 'application/json', 'idempotency-key': idempotencyKey },
          body: JSON.stringify({ request_id, application }),
          signal,
        },
        this.#options.postTimeoutMs,
      );
      return postReply(answer);
    } catch (error) {
      return faultOf(error);
    }
  }

  async poll(applicationId: string, { signal }: { signal: AbortSignal }): Promise<InsurerReply> {
    try {
      const path = `/quotes/${encodeURIComponent(applicationId)}`;
      const answer = await this.#call(path, { method: 'GET', headers: {}, signal }, SOCKET_TIMEOUT_MS);
      return pollReply(answer);
    } catch (error) {
      return faultOf(error);
    }
  }
}
