/**
 * A second protocol, as an example of an adapter: one call that answers at once, other names, money in roubles with
 * decimals.
 *
 *     POST {base_url}/calc    X-Request-Key: <idempotency key>
 *       {"ref": "…", "car": {…}, "persons": {"owner", "insurant", "drivers"}, "terms": {"months", "start", "purpose"}}
 *       → 200 {"result": "OK", "price": "7123.45", "till": "2026-11-28T09:00:00Z"}
 *       → 200 {"result": "REFUSED", "code": "segment", "text": "…"}
 */
import { checker, type InsurerQuote, Timestamp } from '@osago/contracts';
import type { InsurerReply } from '@osago/quotes';
import { Type } from '@sinclair/typebox';
import { type Answer, commonReply, fault, type HttpCaller, rejected } from './insurer-http.ts';
import type { CallOptions, Insurer, PostCall } from './insurer.ts';

const Roubles = Type.String({ pattern: '^\\d{1,8}(\\.\\d{1,2})?$' });
const Answered = Type.Union([
  Type.Object({ result: Type.Literal('OK'), price: Roubles, till: Type.Optional(Timestamp) }),
  Type.Object({
    result: Type.Literal('REFUSED'),
    code: Type.String({ minLength: 1, maxLength: 60 }),
    text: Type.Optional(Type.String({ maxLength: 500 })),
  }),
]);
const check = checker(Answered);

/** Exact: no float ever holds the roubles. */
export const kopecksOf = (roubles: string): number => {
  const [whole = '0', decimals = ''] = roubles.split('.');
  return Number(whole) * 100 + Number(decimals.padEnd(2, '0'));
};

const replyOf = (answer: Answer): InsurerReply => {
  const common = commonReply(answer);
  if (common !== undefined) return common;
  if (answer.status >= 400) return rejected(answer);
  const checked = check(answer.body);
  if (!checked.ok) return fault('malformed', `HTTP ${answer.status} with a body outside the protocol`);
  if (checked.value.result === 'REFUSED') {
    const { code, text } = checked.value;
    return { kind: 'declined', reason: { code, ...(text !== undefined && { message: text }) } };
  }
  const { price, till } = checked.value;
  const quote: InsurerQuote = { premium_kopecks: kopecksOf(price), ...(till !== undefined && { valid_until: till }) };
  return { kind: 'quoted', quote };
};

export class InstantInsurer implements Insurer {
  readonly #call: HttpCaller;
  readonly #timeoutMs: number;

  constructor(call: HttpCaller, timeoutMs: number) {
    this.#call = call;
    this.#timeoutMs = timeoutMs;
  }

  post({ application, idempotencyKey, request_id }: PostCall, { signal }: Pick<CallOptions, 'signal'>): Promise<InsurerReply> {
    const { drivers, owner, period, policy_start_date, policyholder, purpose, vehicle } = application;
    const body = {
      ref: request_id,
      car: vehicle,
      persons: { owner, insurant: policyholder, drivers },
      terms: { months: period.months, start: policy_start_date, purpose },
    };
    const headers = { 'content-type': 'application/json', 'x-request-key': idempotencyKey };
    return this.#call('/calc', { method: 'POST', headers, body: JSON.stringify(body), signal }, this.#timeoutMs, replyOf);
  }

  /** It gives no id, so nobody polls it; a leg of another protocol, from before its entry was changed, ends. */
  poll(): Promise<InsurerReply> {
    return Promise.resolve({ kind: 'failed', reason: { code: 'not_polled' } });
  }
}
