/**
 * Everything that can happen, as it stands on the log: CloudEvents 1.0 in structured JSON. An event is never changed in
 * place: an optional member, or a new version in its type. Personal data is only inside `application_sealed`.
 *
 * v1  2026-11  first version of all types below
 */
import { type Static, type TSchema, Type } from '@sinclair/typebox';
import { TariffAttributes } from './application.ts';
import { INT4_MAX, InsurerId, Timestamp, Uuid } from './formats.ts';
import { Quote, type QuoteStatus } from './quote.ts';

export const PanelMember = Type.Object({
  insurer_id: InsurerId,
  name: Type.String(),
  deadline_at: Timestamp,
});
export type PanelMember = Static<typeof PanelMember>;

/** The application as a compact JWE (ECDH-ES, A256GCM) for one of the log keys; its `kid` is in the JWE's header. */
export const SealedApplication = Type.String({ minLength: 1 });

export const RequestSubmitted = Type.Object({
  request_id: Uuid,
  revision: Type.Literal(1),
  accepted_at: Timestamp,
  deadline_at: Timestamp,
  panel: Type.Array(PanelMember, { minItems: 1 }),
  tariff: TariffAttributes,
  application_sealed: SealedApplication,
});
export type RequestSubmitted = Static<typeof RequestSubmitted>;

export const RequestCancelled = Type.Object({
  request_id: Uuid,
  revision: Type.Integer({ minimum: 2 }),
});
export type RequestCancelled = Static<typeof RequestCancelled>;

/** Asks one insurer again; self-contained. */
export const LegRetryAsked = Type.Object({
  request_id: Uuid,
  revision: Type.Integer({ minimum: 2 }),
  insurer_id: InsurerId,
  attempt: Type.Integer({ minimum: 2, maximum: INT4_MAX }),
  deadline_at: Timestamp,
  tariff: TariffAttributes,
  application_sealed: SealedApplication,
});
export type LegRetryAsked = Static<typeof LegRetryAsked>;

/** A leg event carries the whole leg: every member of the quote, and what orders it (design §2). */
export const Leg = Type.Composite([
  Type.Omit(Quote, ['expired']),
  Type.Object({
    request_id: Uuid,
    /** Only grows with each holder of the run; 0 for what the partition owner publishes without a run. */
    fence: Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER }),
    /** Counts the events of one leg under one fence. */
    step: Type.Integer({ minimum: 0, maximum: INT4_MAX }),
  }),
]);
export type Leg = Static<typeof Leg>;

const cloudEvent = <const T extends string, D extends TSchema>(type: T, data: D) =>
  Type.Object({
    specversion: Type.Literal('1.0'),
    id: Type.String({ minLength: 1 }),
    source: Type.String({ minLength: 1 }),
    type: Type.Literal(type),
    subject: Type.String({ minLength: 1 }),
    time: Timestamp,
    datacontenttype: Type.Literal('application/json'),
    data,
  });

/** Every event type with its schema. The topic of a type is in topics.ts. */
export const EVENT_SCHEMAS = {
  'osago.request.submitted.v1': cloudEvent('osago.request.submitted.v1', RequestSubmitted),
  'osago.request.cancelled.v1': cloudEvent('osago.request.cancelled.v1', RequestCancelled),
  'osago.leg.retry-asked.v1': cloudEvent('osago.leg.retry-asked.v1', LegRetryAsked),
  'osago.quote.submitted.v1': cloudEvent('osago.quote.submitted.v1', Leg),
  'osago.quote.estimated.v1': cloudEvent('osago.quote.estimated.v1', Leg),
  'osago.quote.quoted.v1': cloudEvent('osago.quote.quoted.v1', Leg),
  'osago.quote.declined.v1': cloudEvent('osago.quote.declined.v1', Leg),
  'osago.quote.data-needed.v1': cloudEvent('osago.quote.data-needed.v1', Leg),
  'osago.error.failed.v1': cloudEvent('osago.error.failed.v1', Leg),
  'osago.error.timed-out.v1': cloudEvent('osago.error.timed-out.v1', Leg),
  'osago.error.skipped.v1': cloudEvent('osago.error.skipped.v1', Leg),
} as const;

export type EventType = keyof typeof EVENT_SCHEMAS;
export type EventOf<T extends EventType> = Static<(typeof EVENT_SCHEMAS)[T]>;
export type OsagoEvent = { [T in EventType]: EventOf<T> }[EventType];
export type CommandEvent = EventOf<
  'osago.request.submitted.v1' | 'osago.request.cancelled.v1' | 'osago.leg.retry-asked.v1'
>;
export type LegEvent = Exclude<OsagoEvent, CommandEvent>;
export type LegEventType = LegEvent['type'];

/** A leg's status on the log. `waiting` and `cancelled` are derived and never published. */
export type PublishedStatus = Exclude<QuoteStatus, 'waiting' | 'cancelled'>;

export const LEG_EVENT_TYPES: Readonly<Record<PublishedStatus, LegEventType>> = {
  submitted: 'osago.quote.submitted.v1',
  estimated: 'osago.quote.estimated.v1',
  quoted: 'osago.quote.quoted.v1',
  declined: 'osago.quote.declined.v1',
  needs_data: 'osago.quote.data-needed.v1',
  error: 'osago.error.failed.v1',
  timeout: 'osago.error.timed-out.v1',
  skipped: 'osago.error.skipped.v1',
};

export const isLegEvent = (event: OsagoEvent): event is LegEvent =>
  event.type.startsWith('osago.quote.') || event.type.startsWith('osago.error.');

export const requestEventId = (requestId: string, revision: number): string =>
  `${requestId}:r${revision}`;

/** One flat text: of a template V8 keeps the tree of its parts, three times as large, for as long as the id is held. */
export const legEventId = (
  leg: Pick<Leg, 'request_id' | 'insurer_id' | 'attempt' | 'fence' | 'step'>,
): string => [leg.request_id, leg.insurer_id, `a${leg.attempt}`, `f${leg.fence}`, `s${leg.step}`].join(':');
