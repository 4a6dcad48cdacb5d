/**
 * Test kit: one request and its events, a clock that stands still, waiting for a state. Times are milliseconds after the
 * request was accepted.
 */
import { encodeEvent, type LegEvent, type OsagoEvent, type PublishedStatus, topicOf } from '@osago/contracts';
import { type AnswerMembers, legEvent } from '@osago/quotes';
import type { OutgoingRecord } from '@osago/event-bus';
import type { Clock, Log, LogFields } from '@osago/service-kit';
import { submittedEvent, type SubmittedEvent } from './request-store.ts';

export const REQUEST_ID = '0b0c8b3e-6a2f-4c57-9a55-0a2f2f4d7c11';
export const PARTITION = 3;
const ACCEPTED_AT_MS = Date.parse('2026-11-21T09:00:00.000Z');

export const at = (afterMs: number): number => ACCEPTED_AT_MS + afterMs;
export const timestamp = (afterMs: number): string => new Date(at(afterMs)).toISOString();

export class TestClock implements Clock {
  #nowMs = at(0);

  nowMs(): number {
    return this.#nowMs;
  }

  advance(ms: number): void {
    this.#nowMs += ms;
  }
}

/** Insurers by id, each with its deadline. */
export const submitted = (
  deadlines: Readonly<Record<string, number>>,
  requestId = REQUEST_ID,
): SubmittedEvent =>
  submittedEvent(
    {
      request_id: requestId,
      partition: PARTITION,
      accepted_at: timestamp(0),
      deadline_at: timestamp(60_000),
      panel: Object.entries(deadlines).map(([insurer_id, deadlineMs]) => ({
        insurer_id,
        name: insurer_id.toUpperCase(),
        deadline_at: timestamp(deadlineMs),
      })),
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
    },
    'sealed',
  );

export interface LegSketch {
  request_id?: string;
  attempt?: number;
  fence?: number;
  step?: number;
  late?: boolean;
  members?: AnswerMembers;
}

export const leg = (insurer_id: string, status: PublishedStatus, sketch: LegSketch = {}): LegEvent => {
  const { request_id = REQUEST_ID, attempt = 1, fence = 1, step = 1, late = false, members = {} } = sketch;
  const name = insurer_id.toUpperCase();
  const identity = { request_id, insurer_id, name, attempt, fence, step, late, deadline_at: timestamp(60_000) };
  return legEvent(identity, status, members, at(1_000));
};

export const asRecord = (event: OsagoEvent, partition: number): OutgoingRecord => ({
  topic: topicOf(event.type),
  partition,
  key: event.subject,
  value: encodeEvent(event),
  headers: {},
});

export interface LogLine {
  readonly level: string;
  readonly fields: LogFields;
  readonly message: string;
}

/** A log that is read by the test. */
export const rememberingLog = (): Log & { lines: LogLine[] } => {
  const lines: LogLine[] = [];
  const write =
    (level: string) =>
    (fields: LogFields, message: string): void => {
      lines.push({ level, fields, message });
    };
  return { lines, debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error') };
};

/** Everything that is due in this turn of the loop has run. */
export const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Waits for a state, not for a while. */
export const until = async (
  reached: () => boolean | Promise<boolean>,
  forMs = 30_000,
): Promise<void> => {
  const endMs = performance.now() + forMs;
  await turn();
  while (!(await reached())) {
    if (performance.now() > endMs) throw new Error(`not reached in ${forMs} ms: ${reached.toString()}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
};

/** What a test has opened, closed after it in reverse order. */
export class Cleanup {
  #steps: (() => unknown)[] = [];

  add(step: () => unknown): void {
    this.#steps.push(step);
  }

  async run(): Promise<void> {
    for (const step of this.#steps.splice(0).reverse()) await step();
  }
}
