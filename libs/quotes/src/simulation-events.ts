/**
 * Test kit: the events of one request. A test says only what matters to it; times are milliseconds after the request
 * was accepted, so a deadline reads `60_000`.
 */
import {
  isLegEvent,
  LEG_EVENT_TYPES,
  type LegEvent,
  type OsagoEvent,
  type PanelMember,
  type PublishedStatus,
  requestEventId,
  topicOf,
} from '@osago/contracts';
import { fold, type RequestState } from './fold.ts';
import { type AnswerMembers, legEvent } from './leg-events.ts';
import { isVisible, type Visible } from './view.ts';

export const REQUEST_ID = '0b0c8b3e-6a2f-4c57-9a55-0a2f2f4d7c11';
/** Every leg's deadline unless the test says another. */
export const DEADLINE_MS = 60_000;
const ACCEPTED_AT_MS = Date.parse('2026-11-21T09:00:00.000Z');

/** The moment so many milliseconds after the request was accepted. */
export const at = (afterMs: number): number => ACCEPTED_AT_MS + afterMs;
export const timestamp = (afterMs: number): string => new Date(at(afterMs)).toISOString();

/** Insurers by id, each with its deadline: `{ alpha: 60_000 }`. */
export type Deadlines = Readonly<Record<string, number>>;

export const panelOf = (deadlines: Deadlines): PanelMember[] =>
  Object.entries(deadlines).map(([insurer_id, deadlineMs]) => ({
    insurer_id,
    name: insurer_id.toUpperCase(),
    deadline_at: timestamp(deadlineMs),
  }));

const sealed = {
  tariff: {
    category: 'B',
    power_hp: 98,
    year: 2019,
    purpose: 'personal',
    region: '77',
    months: 12,
    policy_start_date: '2026-11-25',
    unlimited_drivers: true,
    drivers: [],
  },
  application_sealed: 'sealed',
} as const;

const command = (revision: number, afterMs: number) =>
  ({
    specversion: '1.0',
    id: requestEventId(REQUEST_ID, revision),
    source: '/osago/core-app',
    subject: REQUEST_ID,
    time: timestamp(afterMs),
    datacontenttype: 'application/json',
  }) as const;

export const submitted = (deadlines: Deadlines) => ({
  ...command(1, 0),
  type: 'osago.request.submitted.v1' as const,
  data: {
    request_id: REQUEST_ID,
    revision: 1 as const,
    accepted_at: timestamp(0),
    deadline_at: timestamp(DEADLINE_MS),
    panel: panelOf(deadlines),
    ...sealed,
    tariff: { ...sealed.tariff, drivers: [] },
  },
});

export const cancelled = (revision: number, afterMs: number) => ({
  ...command(revision, afterMs),
  type: 'osago.request.cancelled.v1' as const,
  data: { request_id: REQUEST_ID, revision },
});

export interface Retry {
  insurer_id: string;
  attempt: number;
  deadlineMs: number;
}

export const retryAsked = (revision: number, retry: Retry, afterMs = 0) => ({
  ...command(revision, afterMs),
  type: 'osago.leg.retry-asked.v1' as const,
  data: {
    request_id: REQUEST_ID,
    revision,
    insurer_id: retry.insurer_id,
    attempt: retry.attempt,
    deadline_at: timestamp(retry.deadlineMs),
    ...sealed,
    tariff: { ...sealed.tariff, drivers: [] },
  },
});

export interface LegSketch {
  attempt?: number;
  fence?: number;
  step?: number;
  late?: boolean;
  deadlineMs?: number;
  atMs?: number;
  members?: AnswerMembers;
}

/** A leg event; unless said otherwise the first of attempt 1 under fence 1. */
export const leg = (insurer_id: string, status: PublishedStatus, sketch: LegSketch = {}): LegEvent => {
  const { attempt = 1, fence = 1, step = 1, late = false, deadlineMs = DEADLINE_MS } = sketch;
  const identity = {
    request_id: REQUEST_ID,
    insurer_id,
    name: insurer_id.toUpperCase(),
    attempt,
    fence,
    step,
    deadline_at: timestamp(deadlineMs),
    late,
  };
  return legEvent(identity, status, sketch.members ?? {}, at(sketch.atMs ?? 1_000));
};

export const PUBLISHED_STATUSES = Object.keys(LEG_EVENT_TYPES) as PublishedStatus[];

/** An event where it stands in its topic. */
export interface LogRecord {
  readonly event: OsagoEvent;
  readonly offset: number;
}

/** Gives each event the next offset of its topic. */
export const onLog = (events: readonly OsagoEvent[]): LogRecord[] => {
  const ends = new Map<string, number>();
  return events.map((event) => {
    const topic = topicOf(event.type);
    const offset = ends.get(topic) ?? 0;
    ends.set(topic, offset + 1);
    return { event, offset };
  });
};

export const foldRecords = (
  records: readonly LogRecord[],
  held?: RequestState,
): RequestState | undefined =>
  records.reduce<RequestState | undefined>((state, { event, offset }) => fold(state, event, offset), held);

/** The showcase that has read these events; the submitted event must be among them. */
export const showcaseOf = (...events: OsagoEvent[]): Visible => {
  const state = foldRecords(onLog(events));
  if (!isVisible(state)) throw new Error('the submitted event is missing');
  return state;
};

export const legEventsOf = (records: readonly LogRecord[], insurerId: string): LegEvent[] =>
  records
    .map(({ event }) => event)
    .filter(isLegEvent)
    .filter((event) => event.data.insurer_id === insurerId);
