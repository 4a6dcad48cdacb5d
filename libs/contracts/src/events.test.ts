import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { EVENT_TYPES, eventsOf } from './events-given.ts';
import {
  decodeEvent,
  encodeEvent,
  type EventType,
  isFinal,
  isLegEvent,
  isRequestTopic,
  LEG_EVENT_TYPES,
  legEventId,
  legKey,
  QUOTE_STATUSES,
  type QuoteStatus,
  recordKey,
  REQUEST_TOPICS,
  requestEventId,
  TOPICS,
  topicOf,
} from './index.ts';

const REQUEST_ID = '0b0c8b3e-6a2f-4c57-9a55-0a2f2f4d7c11';

const TOPIC_OF: Readonly<Record<EventType, string>> = {
  'osago.request.submitted.v1': 'osago.requests.v1',
  'osago.request.cancelled.v1': 'osago.requests.v1',
  'osago.leg.retry-asked.v1': 'osago.requests.v1',
  'osago.quote.submitted.v1': 'osago.quotes.v1',
  'osago.quote.estimated.v1': 'osago.quotes.v1',
  'osago.quote.quoted.v1': 'osago.quotes.v1',
  'osago.quote.declined.v1': 'osago.quotes.v1',
  'osago.quote.data-needed.v1': 'osago.quotes.v1',
  'osago.error.failed.v1': 'osago.errors.v1',
  'osago.error.timed-out.v1': 'osago.errors.v1',
  'osago.error.skipped.v1': 'osago.errors.v1',
};

/** True for what the aggregator will ask no more for before the deadline. */
const IS_FINAL: Readonly<Record<QuoteStatus, boolean>> = {
  waiting: false,
  submitted: false,
  estimated: false,
  quoted: true,
  declined: true,
  needs_data: true,
  error: true,
  timeout: true,
  skipped: true,
  cancelled: true,
};

describe.each(EVENT_TYPES)('%s', (type) => {
  const events = eventsOf(type);

  test('comes back from its bytes as it was', () => {
    fc.assert(
      fc.property(events, (event) => {
        expect(decodeEvent(encodeEvent(event))).toEqual({ ok: true, event });
      }),
      { numRuns: 50 },
    );
  });

  test('is refused without any one of its members', () => {
    fc.assert(
      fc.property(events, fc.constantFrom('specversion', 'id', 'source', 'subject', 'time', 'datacontenttype', 'data'), (event, member) => {
        const { [member]: _gone, ...rest } = event as unknown as Record<string, unknown>;
        expect(decodeEvent(Buffer.from(JSON.stringify(rest)))).toEqual({
          ok: false,
          reason: `${type}: /${member} This is needed`,
        });
      }),
      { numRuns: 20 },
    );
  });

  test('may have members of a later version', () => {
    const [event] = fc.sample(events, 1);
    const later = { ...event, traceid: 'x', data: { ...event!.data, later: 1 } };
    expect(decodeEvent(Buffer.from(JSON.stringify(later))).ok).toBe(true);
  });

  test('lives on its topic under its key', () => {
    expect(topicOf(type)).toBe(TOPIC_OF[type]);
    fc.assert(
      fc.property(events, (event) => {
        const { data } = event;
        const key = isLegEvent(event) ? legKey(data.request_id, event.data.insurer_id) : data.request_id;
        expect(recordKey(event)).toBe(key);
        expect(isLegEvent(event)).toBe(TOPIC_OF[type] !== 'osago.requests.v1');
      }),
      { numRuns: 20 },
    );
  });
});

describe('ids', () => {
  test('of commands are made of request and revision', () => {
    expect(requestEventId(REQUEST_ID, 3)).toBe(`${REQUEST_ID}:r3`);
  });

  test('of legs differ as soon as anything that orders them does', () => {
    const leg = { request_id: REQUEST_ID, insurer_id: 'alfa', attempt: 1, fence: 12, step: 3 };
    expect(legEventId(leg)).toBe(`${REQUEST_ID}:alfa:a1:f12:s3`);
    const others = [{ insurer_id: 'beta' }, { attempt: 2 }, { fence: 1 }, { step: 23 }];
    const ids = [leg, ...others.map((other) => ({ ...leg, ...other }))].map(legEventId);
    expect(new Set(ids).size).toBe(ids.length);
  });
});

describe('topics', () => {
  test('of a request are three, and dead letters are none of them', () => {
    expect(REQUEST_TOPICS).toEqual(['osago.requests.v1', 'osago.quotes.v1', 'osago.errors.v1']);
    expect(REQUEST_TOPICS.every(isRequestTopic)).toBe(true);
    expect(isRequestTopic(TOPICS.deadLetters)).toBe(false);
    expect(isRequestTopic('')).toBe(false);
  });
});

describe('a status', () => {
  test.each(QUOTE_STATUSES)('%s is final or is not', (status) => {
    expect(isFinal(status)).toBe(IS_FINAL[status]);
  });

  test('has an event type of its own, but for those that are derived', () => {
    const published = QUOTE_STATUSES.filter((status) => status !== 'waiting' && status !== 'cancelled');
    expect(Object.keys(LEG_EVENT_TYPES).sort()).toEqual([...published].sort());
    expect(new Set(Object.values(LEG_EVENT_TYPES)).size).toBe(published.length);
  });
});
