/** The topics by name, and which event lives where. Partitions, retention and the rest: topics/*.yaml. */
import type { EventType, OsagoEvent } from './events.ts';

export const TOPICS = {
  requests: 'osago.requests.v1',
  quotes: 'osago.quotes.v1',
  errors: 'osago.errors.v1',
  deadLetters: 'osago.dead-letters.v1',
} as const;

/** The three topics that make a request's history, in the order a cursor names them. */
export const REQUEST_TOPICS = [TOPICS.requests, TOPICS.quotes, TOPICS.errors] as const;
export type RequestTopic = (typeof REQUEST_TOPICS)[number];

export const isRequestTopic = (topic: string): topic is RequestTopic =>
  (REQUEST_TOPICS as readonly string[]).includes(topic);

export const topicOf = (type: EventType): RequestTopic => {
  if (type.startsWith('osago.quote.')) return TOPICS.quotes;
  if (type.startsWith('osago.error.')) return TOPICS.errors;
  return TOPICS.requests;
};

/** The record key: `request_id` for commands, `request_id:insurer_id` for legs; also the event's subject. */
export const recordKey = (event: OsagoEvent): string => event.subject;

export const legKey = (requestId: string, insurerId: string): string =>
  `${requestId}:${insurerId}`;
