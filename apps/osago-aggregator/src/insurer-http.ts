/**
 * HTTP as every adapter speaks it: bounded in time and bytes, redirects are not followed, every failure is a value. No body
 * of a call is ever logged.
 */
import { EventEmitter } from 'node:events';
import { InsurerLimits } from '@osago/contracts';
import type { FaultKind, InsurerReply } from '@osago/quotes';
import { Agent, type Dispatcher } from 'undici';

const CONNECT_TIMEOUT_MS = 3_000;
export const SOCKET_TIMEOUT_MS = 5_000;
const BODY_BYTES_MAX = 256 * 1_024;
/** What an operator may raise the concurrency of one insurer to. */
const CONCURRENCY_MAX = InsurerLimits.properties.concurrency.maximum ?? 100;

/**
 * One pool of connections for all insurers of a pod. Undici's bound is per origin and several insurers may share one, so
 * it leaves room for all of them; each insurer's own bound is its concurrency.
 */
export const createAgent = (settings: readonly unknown[]): Agent =>
  new Agent({
    connections: settings.length * CONCURRENCY_MAX,
    connect: { timeout: CONNECT_TIMEOUT_MS },
    headersTimeout: SOCKET_TIMEOUT_MS,
    bodyTimeout: SOCKET_TIMEOUT_MS,
    maxResponseSize: BODY_BYTES_MAX,
  });

export const fault = (kind: FaultKind, message: string, retryAfterMs?: number): InsurerReply => ({
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

export interface Answer {
  status: number;
  retryAfterMs: number | undefined;
  /** Undefined where the body is no JSON. */
  body: unknown;
}

const readAnswer = async ({ statusCode, headers, body }: Dispatcher.ResponseData, nowMs: number): Promise<Answer> => {
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
export const commonReply = ({ status, retryAfterMs: afterMs }: Answer): InsurerReply | undefined => {
  if (status === 429 || status === 503) return fault('busy', `HTTP ${status}`, afterMs);
  if (status >= 500) return fault('server', `HTTP ${status}`, afterMs);
  if (status >= 300 && status < 400) return fault('malformed', `HTTP ${status}`);
  return undefined;
};

export const rejected = ({ status }: Answer): InsurerReply => fault('rejected', `HTTP ${status}`);

export interface HttpCall {
  method: 'GET' | 'POST';
  headers: Record<string, string>;
  body?: string;
  signal: AbortSignal;
}

/** Calls a path under the insurer's base address. Never rejects. */
export type HttpCaller = (
  path: string,
  call: HttpCall,
  timeoutMs: number,
  read: (answer: Answer) => InsurerReply,
) => Promise<InsurerReply>;

/** Ends a call for one of two reasons. Undici takes an emitter too; an AbortController more a call costs many times as much. */
class Stop extends EventEmitter {
  reason: DOMException | undefined;

  get aborted(): boolean {
    return this.reason !== undefined;
  }

  abort(name: 'AbortError' | 'TimeoutError'): void {
    this.reason ??= new DOMException('no answer in time', name);
    this.emit('abort');
  }
}

/** The socket is freed when the call is abandoned or its time is up. Throws for an address that is no URL. */
export const httpCaller = (deps: { agent: Agent; nowMs: () => number }, baseUrl: string): HttpCaller => {
  // Taken apart once and not by each call.
  const { origin, pathname } = new URL(baseUrl);
  const base = pathname.replace(/\/+$/, '');
  return async (path, { method, headers, body, signal }, timeoutMs, read) => {
    const stop = new Stop();
    const abandon = (): void => {
      stop.abort('AbortError');
    };
    // Its own timer, and not AbortSignal.timeout: that one would go on for seconds after the answer.
    const timer = setTimeout(() => {
      stop.abort('TimeoutError');
    }, timeoutMs);
    signal.addEventListener('abort', abandon, { once: true });
    if (signal.aborted) abandon();
    try {
      const options = { origin, path: `${base}${path}`, method, headers, body: body ?? null, signal: stop, headersTimeout: timeoutMs };
      return read(await readAnswer(await deps.agent.request(options), deps.nowMs()));
    } catch (error) {
      return faultOf(error);
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', abandon);
    }
  };
};
