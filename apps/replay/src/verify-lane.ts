/** Checks records as they come, and gathers them by request: one partition number at a time. */
import { createHash } from 'node:crypto';
import { TOPICS, topicOf } from '@osago/contracts';
import type { LogRecord } from '@osago/event-bus';
import { byTime, decodeRecord, type LoggedEvent, placeOf } from './logged-event.ts';
import { findPersonalData, mayHoldPersonalData } from './personal-data.ts';
import type { RuleName, Violation } from './verify-rules.ts';

const parsed = (value: Buffer | null): unknown => {
  const text = value?.toString('utf8') ?? '';
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
};

/** Keys and headers never hold personal data, values of quotes and errors neither; those of requests are sealed. */
export const personalDataIn = ({ topic, key, headers, value }: LogRecord): string[] => {
  const open = { key, headers };
  const isOpen = topic !== TOPICS.requests;
  const texts = [JSON.stringify(open), isOpen ? (value?.toString('utf8') ?? '') : ''];
  if (!texts.some(mayHoldPersonalData)) return [];
  return findPersonalData({ ...open, value: isOpen ? parsed(value) : undefined }).map(
    ({ kind, pointer, masked }) => `what looks like a ${kind} at ${pointer}: ${masked}`,
  );
};

export class VerifyLane {
  readonly violations: Violation[] = [];
  readonly #contents = new Map<string, { hash: string; place: string }>();
  readonly #requests = new Map<string, LoggedEvent[]>();
  /** Records that say what an earlier one said: at-least-once delivery brings them. */
  repeated = 0;

  add(record: LogRecord): void {
    const place = placeOf(record);
    const decoded = decodeRecord(record);
    for (const says of personalDataIn(record)) this.#broken('no-personal-data', place, says, requestOf(record));
    if (!decoded.ok) return this.#broken('decodable', place, decoded.reason, requestOf(record));
    const { event } = decoded.logged;
    const { request_id } = event.data;
    if (topicOf(event.type) !== record.topic) {
      this.#broken('own-place', place, `${event.type} belongs to ${topicOf(event.type)}`, request_id);
    }
    if (record.key !== event.subject) {
      this.#broken('own-place', place, `the key is not the subject ${event.subject}`, request_id);
    }
    this.#checkContent(event.id, record, request_id);
    const known = this.#requests.get(request_id);
    if (known === undefined) this.#requests.set(request_id, [decoded.logged]);
    else known.push(decoded.logged);
  }

  #checkContent(id: string, { value, ...at }: LogRecord, request_id: string): void {
    const hash = createHash('sha256').update(value ?? '').digest('base64');
    const known = this.#contents.get(id);
    if (known === undefined) this.#contents.set(id, { hash, place: placeOf(at) });
    else if (known.hash === hash) this.repeated += 1;
    else this.#broken('one-content', placeOf(at), `${id} has another content than at ${known.place}`, request_id);
  }

  #broken(rule: RuleName, place: string, says: string, request_id: string | undefined): void {
    this.violations.push({ rule, ...(request_id !== undefined && { request_id }), place, says });
  }

  /** Each request with its events, in the order of their writing. */
  requests(): [requestId: string, events: readonly LoggedEvent[]][] {
    return [...this.#requests].map(([requestId, events]) => [requestId, events.sort(byTime)]);
  }
}

const requestOf = ({ key }: LogRecord): string | undefined => key.split(':')[0] || undefined;
