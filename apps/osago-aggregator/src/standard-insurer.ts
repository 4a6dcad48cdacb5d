/** The standard insurer protocol (design §7a): what is missing or mistyped is `malformed`. */
import {
  ApplicationPending,
  ApplicationReady,
  ApplicationRefused,
  type Checked,
  checker,
  InsurerAnswer,
  InsurerQuote,
} from '@osago/contracts';
import type { InsurerReply } from '@osago/quotes';
import { type Static, type TSchema, Type } from '@sinclair/typebox';
import { Value } from '@sinclair/typebox/value';
import { type Answer, commonReply, fault, type HttpCaller, rejected, SOCKET_TIMEOUT_MS } from './insurer-http.ts';
import type { CallOptions, Insurer, PostCall } from './insurer.ts';

/** Drops members that the protocol does not know: what goes on to the log is what we have checked, and no more. */
const cleaned = <T extends TSchema>(schema: T, value: Static<T>): Static<T> => Value.Clean(schema, value);

const reader = <T extends TSchema>(schema: T): ((body: unknown) => Checked<Static<T>>) => {
  const check = checker(schema);
  return (body) => {
    const checked = check(body);
    return checked.ok ? { ok: true, value: cleaned(schema, checked.value) } : checked;
  };
};

/** Cleaned by what the status says they are: to look for it among the variants anew costs more than all else here. */
const Refusal = Type.Omit(ApplicationRefused, ['status']);

const readPending = reader(ApplicationPending);
const readReady = reader(ApplicationReady);
const readRefused = reader(ApplicationRefused);
const checkQuoteAnswer = checker(InsurerAnswer);

const hint = (afterMs: number | undefined) => (afterMs === undefined ? {} : { retryAfterMs: afterMs });

export const postReply = (answer: Answer): InsurerReply => {
  const common = commonReply(answer);
  if (common !== undefined) return common;
  const { status, body } = answer;
  if (status === 201 || status === 202 || status === 200) {
    const pending = readPending(body);
    if (pending.ok) return { kind: 'accepted', application_id: pending.value.application_id, ...hint(answer.retryAfterMs) };
  }
  if (status === 200 || status === 201) {
    const ready = readReady(body);
    if (ready.ok) return { kind: 'quoted', quote: ready.value.quote };
  }
  if (status === 422) {
    const refused = readRefused(body);
    if (refused.ok) {
      const { status: kind, ...members } = refused.value;
      return { kind, ...members };
    }
    return fault('malformed', 'HTTP 422 without a refusal');
  }
  if (status >= 400) return rejected(answer);
  return fault('malformed', `HTTP ${status} with a body outside the protocol`);
};

export const pollReply = (answer: Answer): InsurerReply => {
  const common = commonReply(answer);
  if (common !== undefined) return common;
  if (answer.status === 404) return { kind: 'unknown' };
  if (answer.status >= 400) return rejected(answer);
  const checked = checkQuoteAnswer(answer.body);
  if (!checked.ok) return fault('malformed', `HTTP ${answer.status} with a body outside the protocol`);
  const { value } = checked;
  switch (value.status) {
    // Most polls, and nothing of them goes on.
    case 'pending':
      return { kind: 'pending', ...hint(answer.retryAfterMs) };
    case 'estimated':
      return { kind: 'estimated', quote: cleaned(InsurerQuote, value.quote), ...hint(answer.retryAfterMs) };
    case 'ready':
      return { kind: 'quoted', quote: cleaned(InsurerQuote, value.quote) };
    case 'declined':
    case 'needs_data':
    case 'failed':
      return { kind: value.status, ...cleaned(Refusal, value) };
  }
};

export class StandardInsurer implements Insurer {
  readonly #call: HttpCaller;
  readonly #postTimeoutMs: number;

  constructor(call: HttpCaller, postTimeoutMs: number) {
    this.#call = call;
    this.#postTimeoutMs = postTimeoutMs;
  }

  post({ application, idempotencyKey, request_id }: PostCall, { signal }: Pick<CallOptions, 'signal'>): Promise<InsurerReply> {
    const headers = { 'content-type': 'application/json', 'idempotency-key': idempotencyKey };
    const body = JSON.stringify({ request_id, application });
    return this.#call('/applications', { method: 'POST', headers, body, signal }, this.#postTimeoutMs, postReply);
  }

  poll(applicationId: string, { signal }: Pick<CallOptions, 'signal'>): Promise<InsurerReply> {
    const path = `/quotes/${encodeURIComponent(applicationId)}`;
    return this.#call(path, { method: 'GET', headers: {}, signal }, SOCKET_TIMEOUT_MS, pollReply);
  }
}
