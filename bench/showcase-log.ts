/** What bench:showcase writes on the log: requests and the last event of each of their legs, about as in life. */
import { encodeEvent, type OsagoEvent, type PublishedStatus, recordKey, topicOf } from '@osago/contracts';
import type { EventBus, OutgoingRecord } from '@osago/event-bus';
import { type AnswerMembers, legEvent, sampleApplication, seededRandom, tariffAttributes } from '@osago/quotes';
import { submittedEvent } from '../apps/core-app/src/request-store.ts';

export const INSURERS = 10;
export const PARTITIONS = 12;
/** Longer than a run takes: nothing is forgotten before it is counted. */
const DEADLINE_MS = 30 * 60_000;
/** So many requests are made and published at once. */
const BATCH = 500;
/** A sealed application is as long as this; what is in it is nobody's business here. */
const SEALED = 'x'.repeat(4_200);

const random = seededRandom(7);
const nowMs = Date.now();
const timestamp = (ms: number): string => new Date(ms).toISOString();
const tariff = tariffAttributes(sampleApplication(1, '2026-11-21'), '2026-11-21');

/** Of ten answers eight have a price; about as in life. */
const answer = (at: number): { status: PublishedStatus; members: AnswerMembers } => {
  const times = { submitted_at: timestamp(nowMs + 200), answered_at: timestamp(nowMs + 1_000 + at * 3_000) };
  if (at === 8) return { status: 'declined', members: { ...times, reason: { code: 'segment', message: 'Компания не страхует такие автомобили' } } };
  if (at === 9) return { status: 'error', members: { ...times, reason: { code: 'http_500' }, retryable: true } };
  const premium_kopecks = 300_000 + Math.floor(random.unit() * 900_000);
  return {
    status: 'quoted',
    members: {
      ...times,
      valid_until: timestamp(nowMs + 86_400_000),
      premium_kopecks,
      total_kopecks: premium_kopecks + 45_000,
      base_rate_kopecks: 450_000 + at * 1_000,
      coefficients: { kt: 1.8, kbm: 0.91, kvs: 1.04, ko: 1, km: 1.4, ks: 1 },
      extras: [{ name: 'Помощь на дороге', premium_kopecks: 45_000, mandatory: true }],
      pool: false,
    },
  };
};

const request = (number: number): OsagoEvent[] => {
  const request_id = `00000000-0000-4000-8000-${number.toString(16).padStart(12, '0')}`;
  const deadline_at = timestamp(nowMs + DEADLINE_MS);
  const panel = Array.from({ length: INSURERS }, (_, at) => ({ insurer_id: `insurer-${at}`, name: `Страховая компания № ${at}`, deadline_at }));
  const partition = number % PARTITIONS;
  const submitted = submittedEvent({ request_id, partition, accepted_at: timestamp(nowMs), deadline_at, panel, tariff }, SEALED);
  const legs = panel.map((member, at) => {
    const { status, members } = answer(at);
    return legEvent({ ...member, request_id, attempt: 1, fence: nowMs, step: 2, late: false }, status, members, nowMs);
  });
  return [submitted, ...legs];
};

const recordsOf = (number: number): OutgoingRecord[] =>
  request(number).map((event) => ({
    topic: topicOf(event.type),
    partition: number % PARTITIONS,
    key: recordKey(event),
    value: encodeEvent(event),
    headers: { 'content-type': 'application/cloudevents+json', traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01` },
  }));

/** Rejects unless all of them are written. */
export const writeLog = async (bus: Pick<EventBus, 'publish'>, requests: number): Promise<{ records: number; bytes: number }> => {
  let [records, bytes] = [0, 0];
  for (let first = 0; first < requests; first += BATCH) {
    const batch = Array.from({ length: Math.min(BATCH, requests - first) }, (_, at) => recordsOf(first + at)).flat();
    const failed = (await bus.publish(batch)).filter(({ ok }) => !ok);
    if (failed.length > 0) throw new Error(`${failed.length} records were not written`);
    records += batch.length;
    bytes += batch.reduce((sum, { value }) => sum + value.length, 0);
  }
  return { records, bytes };
};
