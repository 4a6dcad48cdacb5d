/**
 * A record as one flat row: what exports and questions are made of. Masked: the sealed application never becomes part
 * of a row (an export that may opens it, decryption.ts), and free text of insurers has what looks like personal data masked.
 */
import { isLegEvent, type LegEvent, type OsagoEvent, REQUEST_TOPICS, type TariffAttributes } from '@osago/contracts';
import type { LogRecord } from '@osago/event-bus';
import { classOf } from '@osago/quotes';
import { decodeRecord } from './logged-event.ts';
import { maskText } from './personal-data.ts';

/** Every column with its type in DuckDB and what it means; the schema of files, tables and documents. */
export const COLUMNS = {
  topic: ['VARCHAR', 'requests, quotes or errors'],
  partition: ['INTEGER', 'partition number; with topic and offset the identity of the record'],
  offset: ['BIGINT', 'offset in the partition'],
  written_at: ['TIMESTAMP', 'when the broker wrote the record, UTC, as all times'],
  fault: ['VARCHAR', 'why the record is no event of ours; all columns below are empty then'],
  event_id: ['VARCHAR', 'id of the event; a repeated record has the same one'],
  event_type: ['VARCHAR', 'type of the event'],
  event_time: ['TIMESTAMP', 'when it was decided, by who published it'],
  request_id: ['VARCHAR', 'the request'],
  revision: ['INTEGER', 'commands: 1 submitted, then each cancel and retry'],
  insurer_id: ['VARCHAR', 'legs and retry-asked: the insurer'],
  status: ['VARCHAR', 'legs: status of the quote'],
  class: ['INTEGER', 'legs: class of the status in the order of leg events'],
  final: ['BOOLEAN', 'legs: an outcome'],
  late: ['BOOLEAN', 'legs: came after the deadline'],
  attempt: ['INTEGER', 'legs and retry-asked: counts how often the insurer was asked'],
  fence: ['BIGINT', 'legs: grows with each holder of the run'],
  step: ['INTEGER', 'legs: counts events under one fence'],
  accepted_at: ['TIMESTAMP', 'submitted: when the request was accepted'],
  deadline_at: ['TIMESTAMP', 'submitted, retry-asked, legs: the deadline'],
  submitted_at: ['TIMESTAMP', 'legs: when the insurer took the application'],
  answered_at: ['TIMESTAMP', 'legs: when the insurer answered'],
  valid_until: ['TIMESTAMP', 'legs: until when the price holds'],
  cached_at: ['TIMESTAMP', 'legs: when the answer was first given, if it came from the cache'],
  premium_kopecks: ['BIGINT', 'legs: the premium'],
  total_kopecks: ['BIGINT', 'legs: the premium and mandatory extras'],
  base_rate_kopecks: ['BIGINT', 'legs: the base rate TB'],
  kt: ['DOUBLE', 'legs: coefficient of the territory'],
  kbm: ['DOUBLE', 'legs: coefficient of claims'],
  kvs: ['DOUBLE', 'legs: coefficient of age and experience'],
  ko: ['DOUBLE', 'legs: coefficient of the list of drivers'],
  km: ['DOUBLE', 'legs: coefficient of power'],
  ks: ['DOUBLE', 'legs: coefficient of the season'],
  extras: ['JSON', 'legs: extras as offered, texts masked'],
  pool: ['BOOLEAN', 'legs: reinsured in the pool'],
  reason_code: ['VARCHAR', 'legs: why there is no quote'],
  reason_message: ['VARCHAR', 'legs: the same in words of the insurer, masked'],
  missing_fields: ['JSON', 'legs: JSON Pointers of what the insurer lacks'],
  retryable: ['BOOLEAN', 'legs: asking again may help'],
  panel: ['JSON', 'submitted: insurers asked, with names and deadlines'],
  category: ['VARCHAR', 'submitted, retry-asked: category of the vehicle'],
  power_hp: ['DOUBLE', 'submitted, retry-asked: power of the vehicle'],
  year: ['INTEGER', 'submitted, retry-asked: year of the vehicle'],
  purpose: ['VARCHAR', 'submitted, retry-asked: personal or taxi'],
  region: ['VARCHAR', 'submitted, retry-asked: code of the region'],
  months: ['INTEGER', 'submitted, retry-asked: months of use'],
  policy_start_date: ['DATE', 'submitted, retry-asked: first day of the policy'],
  unlimited_drivers: ['BOOLEAN', 'submitted, retry-asked: anybody may drive'],
  drivers: ['JSON', 'submitted, retry-asked: age and experience of each driver'],
  application: ['JSON', 'submitted, retry-asked: the opened application, in an export with --decrypt only'],
} as const satisfies Record<string, readonly [type: string, says: string]>;

export type ColumnName = keyof typeof COLUMNS;
export const COLUMN_NAMES = Object.keys(COLUMNS) as ColumnName[];
/** A cell of a JSON column holds the value itself, not its text. */
type Cell = string | number | boolean | object | undefined;
export type Row = Partial<Record<ColumnName, Cell>>;

const ISO_LENGTH = '2026-11-21T09:00:00.000Z'.length;

/** `2026-11-21T09:00:00.000Z`, whatever its offset was: DuckDB reads a time without zone, and leaves offsets out. */
const timestamp = <T extends string | undefined>(text: T): T | string =>
  // Ours are all of this form; only others have to be understood.
  text === undefined || (text.length === ISO_LENGTH && text.endsWith('Z')) ? text : new Date(text).toISOString();

const SECOND_MS = 1_000;
/** Of the record before, and its text up to the fraction: neighbours were mostly written within one second. */
let second = { at: 0, text: '1970-01-01T00:00:00.' };

const writtenAt = (ms: number): string => {
  const at = Math.floor(ms / SECOND_MS);
  if (at !== second.at) second = { at, text: new Date(ms).toISOString().slice(0, -'000Z'.length) };
  return `${second.text}${String(ms - at * SECOND_MS).padStart(3, '0')}Z`;
};

interface Place {
  topic: string;
  partition: number;
  offset: number;
  written_at: string;
}
interface Identity {
  event_id: string;
  event_type: string;
  event_time: string | undefined;
  request_id: string;
}

const tariffCells = (tariff: TariffAttributes): Row => {
  const { category, power_hp, year, purpose, region, months, policy_start_date, unlimited_drivers, drivers } = tariff;
  return { category, power_hp, year, purpose, region, months, policy_start_date, unlimited_drivers, drivers };
};

/** One literal and no spreading of parts: this runs for nearly every record of an export. */
const legRow = (place: Place, identity: Identity, { data }: LegEvent): Row => {
  const { coefficients, reason } = data;
  return {
    topic: place.topic,
    partition: place.partition,
    offset: place.offset,
    written_at: place.written_at,
    event_id: identity.event_id,
    event_type: identity.event_type,
    event_time: identity.event_time,
    request_id: identity.request_id,
    insurer_id: data.insurer_id,
    status: data.status,
    class: classOf(data.status),
    final: data.final,
    late: data.late,
    attempt: data.attempt,
    fence: data.fence,
    step: data.step,
    deadline_at: timestamp(data.deadline_at),
    submitted_at: timestamp(data.submitted_at),
    answered_at: timestamp(data.answered_at),
    valid_until: timestamp(data.valid_until),
    cached_at: timestamp(data.cached_at),
    premium_kopecks: data.premium_kopecks,
    total_kopecks: data.total_kopecks,
    base_rate_kopecks: data.base_rate_kopecks,
    kt: coefficients?.kt,
    kbm: coefficients?.kbm,
    kvs: coefficients?.kvs,
    ko: coefficients?.ko,
    km: coefficients?.km,
    ks: coefficients?.ks,
    extras: data.extras?.map(({ name, premium_kopecks, mandatory }) => ({ name: maskText(name), premium_kopecks, mandatory })),
    pool: data.pool,
    reason_code: reason === undefined ? undefined : maskText(reason.code),
    reason_message: reason?.message === undefined ? undefined : maskText(reason.message),
    missing_fields: data.missing_fields?.map(maskText),
    retryable: data.retryable,
  };
};

const commandCells = (event: Exclude<OsagoEvent, LegEvent>): Row => {
  const { revision } = event.data;
  switch (event.type) {
    case 'osago.request.submitted.v1': {
      const { accepted_at, deadline_at, panel, tariff } = event.data;
      const times = { accepted_at: timestamp(accepted_at), deadline_at: timestamp(deadline_at) };
      const asked = panel.map((member) => ({ ...member, deadline_at: timestamp(member.deadline_at) }));
      return { revision, ...times, panel: asked, ...tariffCells(tariff) };
    }
    case 'osago.request.cancelled.v1':
      return { revision };
    case 'osago.leg.retry-asked.v1': {
      const { insurer_id, attempt, deadline_at, tariff } = event.data;
      return { revision, insurer_id, attempt, deadline_at: timestamp(deadline_at), ...tariffCells(tariff) };
    }
  }
};

const SHORT_TOPICS = new Map<string, string>(
  REQUEST_TOPICS.map((topic) => [topic, topic.replace(/^osago\./, '').replace(/\.v\d+$/, '')]),
);
const shortTopic = (topic: string): string => SHORT_TOPICS.get(topic) ?? topic;

export const toRow = (record: LogRecord): Row => {
  const { topic, partition, offset, timestampMs } = record;
  const place: Place = {
    topic: shortTopic(topic),
    partition,
    // Offsets stay below 2^53 for longer than any cluster lives.
    offset: Number(offset),
    written_at: writtenAt(timestampMs),
  };
  const decoded = decodeRecord(record);
  if (!decoded.ok) return { ...place, fault: decoded.reason };
  const { event } = decoded.logged;
  const identity: Identity = {
    event_id: event.id,
    event_type: event.type,
    event_time: timestamp(event.time),
    request_id: event.data.request_id,
  };
  return isLegEvent(event) ? legRow(place, identity, event) : { ...place, ...identity, ...commandCells(event) };
};

/** In the order of {@link COLUMNS}; what is absent is left out. */
export const toNdjsonLine = (row: Row): string => `${JSON.stringify(row)}\n`;

const csvCell = (cell: Cell): string => {
  if (cell === undefined) return '';
  const text = typeof cell === 'object' ? JSON.stringify(cell) : String(cell);
  return /[",\r\n]|^\s|\s$/.test(text) || text === '' ? `"${text.replaceAll('"', '""')}"` : text;
};

export const CSV_HEADER = `${COLUMN_NAMES.join(',')}\n`;
export const toCsvLine = (row: Row): string => `${COLUMN_NAMES.map((name) => csvCell(row[name])).join(',')}\n`;
