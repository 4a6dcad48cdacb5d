/** An event with its place on the log. */
import { decodeEvent, isRequestTopic, type OsagoEvent, REQUEST_TOPICS, type RequestTopic } from '@osago/contracts';
import type { LogRecord } from '@osago/event-bus';
import { fold, type RequestState } from '@osago/quotes';

export interface LoggedEvent {
  readonly topic: RequestTopic;
  readonly partition: number;
  readonly offset: bigint;
  /** When the broker wrote it. */
  readonly timestampMs: number;
  readonly event: OsagoEvent;
}

export type DecodedRecord =
  | { readonly ok: true; readonly logged: LoggedEvent }
  | { readonly ok: false; readonly record: LogRecord; readonly reason: string };

export const decodeRecord = (record: LogRecord): DecodedRecord => {
  const { topic, partition, offset, timestampMs, value } = record;
  if (!isRequestTopic(topic)) return { ok: false, record, reason: `${topic} is no topic of requests` };
  const decoded = decodeEvent(value);
  if (!decoded.ok) return { ok: false, record, reason: decoded.reason };
  return { ok: true, logged: { topic, partition, offset, timestampMs, event: decoded.event } };
};

/** A place on the log, as people write it: `osago.quotes.v1-3-120`. */
export const placeOf = ({ topic, partition, offset }: { topic: string; partition: number; offset: bigint }): string =>
  `${topic}-${partition}-${offset}`;

/** The order in which the records were written; of one moment, commands first. */
export const byTime = (a: LoggedEvent, b: LoggedEvent): number =>
  a.timestampMs - b.timestampMs ||
  REQUEST_TOPICS.indexOf(a.topic) - REQUEST_TOPICS.indexOf(b.topic) ||
  Number(a.offset - b.offset);

export const foldAll = (events: readonly LoggedEvent[]): RequestState | undefined =>
  events.reduce<RequestState | undefined>((state, { event, offset }) => fold(state, event, Number(offset)), undefined);
