/** The log of `npm run bench:replay`: what people in Moscow with ten quotes each leave on the three topics. */
import { randomUUID } from 'node:crypto';
import {
  encodeEvent, type OsagoEvent, REQUEST_TOPICS, requestEventId, topicOf, type RequestTopic,
} from '@osago/contracts';
import { partitionFor } from '@osago/event-bus';
import { legEvent } from '@osago/quotes';
import { CompressionTypes, type Producer, type TopicMessages } from 'kafkajs';

export const PARTITIONS = 12;
const INSURERS = Array.from({ length: 10 }, (_, at) => `insurer-${at}`);
/** A request and, of each insurer, submitted and quoted. */
const RECORDS_PER_REQUEST = 1 + 2 * INSURERS.length;
const REQUESTS_PER_SEND = 100;
/** Sends at once: the broker, not this loop, is what writing waits for. */
const SENDS = 4;

const moment = (ms: number): string => new Date(ms).toISOString();
const TARIFF = {
  category: 'B', power_hp: 98, year: 2019, purpose: 'personal', region: '77', months: 12, policy_start_date: '2026-11-25',
  unlimited_drivers: false, drivers: [{ age: 41, experience_years: 20 }],
} as const;
/** As long as that of a request with two drivers. */
const SEALED = 'x'.repeat(2_600);

/** As they come from the platform: what a person in Moscow with ten quotes leaves on the log. */
const eventsOf = (request_id: string, acceptedAtMs: number): OsagoEvent[] => {
  const deadline_at = moment(acceptedAtMs + 60_000);
  const panel = INSURERS.map((insurer_id) => ({ insurer_id, name: insurer_id.toUpperCase(), deadline_at }));
  const submitted: OsagoEvent = {
    ...({ specversion: '1.0', source: '/osago/core-app', datacontenttype: 'application/json' } as const),
    id: requestEventId(request_id, 1),
    type: 'osago.request.submitted.v1',
    subject: request_id,
    time: moment(acceptedAtMs),
    data: {
      ...{ request_id, revision: 1, accepted_at: moment(acceptedAtMs), deadline_at, panel },
      tariff: { ...TARIFF, drivers: [...TARIFF.drivers] },
      application_sealed: SEALED,
    },
  };
  const legs = panel.flatMap(({ insurer_id, name }, at) => {
    const identity = { request_id, insurer_id, name, attempt: 1, fence: acceptedAtMs, deadline_at, late: false };
    const submittedAtMs = acceptedAtMs + 200 + at;
    const answeredAtMs = submittedAtMs + 2_000 * (at + 1);
    const submitted_at = moment(submittedAtMs);
    return [
      legEvent({ ...identity, step: 1 }, 'submitted', { submitted_at }, submittedAtMs),
      legEvent(
        { ...identity, step: 2 },
        'quoted',
        {
          ...{ submitted_at, answered_at: moment(answeredAtMs), valid_until: moment(answeredAtMs + 86_400_000) },
          ...{ premium_kopecks: 555_199 + at, total_kopecks: 605_199 + at, base_rate_kopecks: 494_200, pool: false },
          coefficients: { kt: 1.8, kbm: 0.91, kvs: 1, ko: 1, km: 1.2, ks: 1 },
          extras: [{ name: 'Помощь на дороге', premium_kopecks: 50_000, mandatory: true }],
        },
        answeredAtMs,
      ),
    ];
  });
  return [submitted, ...legs];
};

/** Ten requests a second, as on a busy day: a long log is one of many hours. */
const REQUEST_EVERY_MS = 100;

export interface LogPart {
  /** Records that are there. */
  readonly from: number;
  /** About as many as there are then. */
  readonly to: number;
  /** When the first request of the log was accepted. */
  readonly beginsAtMs: number;
}

/** Writes requests, whose records have the times of their events; answers with one that lies in the middle of them. */
export const writeLog = async (producer: Producer, { from, to, beginsAtMs }: LogPart): Promise<string> => {
  const before = Math.floor(from / RECORDS_PER_REQUEST);
  const total = Math.floor(to / RECORDS_PER_REQUEST) - before;
  let begun = 0;
  let middle = '';
  const lane = async (): Promise<void> => {
    while (begun < total) {
      const count = Math.min(REQUESTS_PER_SEND, total - begun);
      const first = before + begun;
      begun += count;
      const messages = new Map<RequestTopic, TopicMessages['messages']>(REQUEST_TOPICS.map((topic) => [topic, []]));
      for (let at = 0; at < count; at += 1) {
        const id = randomUUID();
        if (begun - at === Math.floor(total / 2) || middle === '') middle = id;
        const partition = partitionFor(id, PARTITIONS);
        for (const event of eventsOf(id, beginsAtMs + (first + at) * REQUEST_EVERY_MS)) {
          const timestamp = String(Date.parse(event.time));
          messages.get(topicOf(event.type))?.push({ key: event.subject, value: encodeEvent(event), partition, timestamp });
        }
      }
      const topicMessages = [...messages].map(([topic, of]) => ({ topic, messages: of }));
      await producer.sendBatch({ topicMessages, acks: 1, compression: CompressionTypes.None });
    }
  };
  await Promise.all(Array.from({ length: SENDS }, lane));
  return middle;
};

/** How long people take to leave so many records. */
export const spanMs = (records: number): number => Math.ceil(records / RECORDS_PER_REQUEST) * REQUEST_EVERY_MS;
