/** Test kit: requests and legs on a log in memory. Times are milliseconds after the request was accepted. */
import {
  encodeEvent,
  LEG_EVENT_TYPES,
  type OsagoEvent,
  type PublishedStatus,
  REQUEST_TOPICS,
  requestEventId,
  type TariffAttributes,
  topicOf,
} from '@osago/contracts';
import { type LogRecord, MemoryEventBus } from '@osago/event-bus';
import { type AnswerMembers, legEvent } from '@osago/quotes';
import { NO_PROGRESS } from './progress.ts';
import { MemoryLogReader } from './memory-log-reader.ts';

export const REQUEST_ID = '0b0c8b3e-6a2f-4c57-9a55-0a2f2f4d7c11';
export const OTHER_ID = '77c1f1de-55f2-4a3c-8a38-3f0f0d4f9b02';
export const ACCEPTED_AT_MS = Date.parse('2026-11-21T09:00:00.000Z');
export const at = (afterMs: number): number => ACCEPTED_AT_MS + afterMs;
export const stamp = (afterMs: number): string => new Date(at(afterMs)).toISOString();
export const DEADLINE_MS = 60_000;
export const PARTITIONS = 4;

const TARIFF: TariffAttributes = {
  category: 'B',
  power_hp: 98,
  year: 2019,
  purpose: 'personal',
  region: '77',
  months: 12,
  policy_start_date: '2026-11-25',
  unlimited_drivers: false,
  drivers: [{ age: 41, experience_years: 20 }],
};

const envelope = { specversion: '1.0', source: '/osago/a-test', datacontenttype: 'application/json' } as const;

export const submitted = (insurers: readonly string[], { id = REQUEST_ID, afterMs = 0 } = {}): OsagoEvent => ({
  ...envelope,
  id: requestEventId(id, 1),
  type: 'osago.request.submitted.v1',
  subject: id,
  time: stamp(afterMs),
  data: {
    request_id: id,
    revision: 1,
    accepted_at: stamp(afterMs),
    deadline_at: stamp(afterMs + DEADLINE_MS),
    panel: insurers.map((insurer_id) => ({
      insurer_id,
      name: insurer_id.toUpperCase(),
      deadline_at: stamp(afterMs + DEADLINE_MS),
    })),
    tariff: TARIFF,
    application_sealed: 'sealed-application',
  },
});

export const cancelled = (revision: number, afterMs: number, id = REQUEST_ID): OsagoEvent => ({
  ...envelope,
  id: requestEventId(id, revision),
  type: 'osago.request.cancelled.v1',
  subject: id,
  time: stamp(afterMs),
  data: { request_id: id, revision },
});

export const retryAsked = (
  insurer_id: string,
  { revision, attempt, afterMs, id = REQUEST_ID }: { revision: number; attempt: number; afterMs: number; id?: string },
): OsagoEvent => ({
  ...envelope,
  id: requestEventId(id, revision),
  type: 'osago.leg.retry-asked.v1',
  subject: id,
  time: stamp(afterMs),
  data: {
    ...{ request_id: id, revision, insurer_id, attempt, deadline_at: stamp(afterMs + DEADLINE_MS) },
    tariff: TARIFF,
    application_sealed: 'sealed-application',
  },
});

export interface LegSketch {
  id?: string;
  afterMs?: number;
  deadlineMs?: number;
  attempt?: number;
  fence?: number;
  step?: number;
  late?: boolean;
  members?: AnswerMembers;
}

export const leg = (insurer_id: string, status: PublishedStatus, sketch: LegSketch = {}): OsagoEvent => {
  const { id = REQUEST_ID, afterMs = 1_000, deadlineMs = DEADLINE_MS, attempt = 1, fence = 1, members = {} } = sketch;
  const { step = Object.keys(LEG_EVENT_TYPES).indexOf(status) + 1, late = false } = sketch;
  const identity = { request_id: id, insurer_id, name: insurer_id.toUpperCase(), attempt, fence, step, late };
  return legEvent({ ...identity, deadline_at: stamp(deadlineMs) }, status, members, at(afterMs));
};

/** A log in memory on which each event is written at a moment of its own. */
export const givenLog = () => {
  let nowMs = at(0);
  const clock = { nowMs: () => nowMs };
  const bus = new MemoryEventBus({ topics: Object.fromEntries(REQUEST_TOPICS.map((topic) => [topic, PARTITIONS])), clock });
  const reader = new MemoryLogReader(bus);
  const writeRaw = (afterMs: number, record: { topic: string; partition: number; key: string; value: Buffer }): void => {
    nowMs = at(afterMs);
    void bus.publish([{ headers: {}, ...record }]);
  };
  const write = (afterMs: number, event: OsagoEvent, partition = 1): void =>
    writeRaw(afterMs, { topic: topicOf(event.type), partition, key: event.subject, value: encodeEvent(event) });
  return {
    ...{ bus, reader, clock, write, writeRaw, progress: NO_PROGRESS, signal: new AbortController().signal },
    goTo: (afterMs: number): void => void (nowMs = at(afterMs)),
    records: (): LogRecord[] => REQUEST_TOPICS.flatMap((topic) => bus.records(topic)),
  };
};

export type GivenLog = ReturnType<typeof givenLog>;

/** A request of three insurers that went well: a quote, a decline, a timeout. */
export const writeWholeRequest = ({ write }: GivenLog, id = REQUEST_ID, partition = 1): void => {
  write(10, submitted(['alfa', 'beta', 'gamma'], { id }), partition);
  for (const insurer of ['alfa', 'beta', 'gamma']) write(200, leg(insurer, 'submitted', { id, afterMs: 190 }), partition);
  const price = { premium_kopecks: 555_199, total_kopecks: 605_199, answered_at: stamp(2_000) };
  write(2_010, leg('alfa', 'quoted', { id, afterMs: 2_000, members: price }), partition);
  const refusal = { reason: { code: 'segment' }, answered_at: stamp(3_000) };
  write(3_010, leg('beta', 'declined', { id, afterMs: 3_000, members: refusal }), partition);
  write(60_010, leg('gamma', 'timeout', { id, afterMs: 60_000 }), partition);
};
