/** A quote: the current answer of one insurer to one request, whatever its status. */
import { type Static, type TLiteral, type TUnion, Type } from '@sinclair/typebox';
import { INT4_MAX, InsurerId, Kopecks, Timestamp, Uuid } from './formats.ts';

const literals = <const T extends string>(values: readonly T[]): TUnion<TLiteral<T>[]> =>
  Type.Union(values.map((value) => Type.Literal(value)));

export const QUOTE_STATUSES = [
  'waiting',
  'submitted',
  'estimated',
  'quoted',
  'declined',
  'needs_data',
  'error',
  'timeout',
  'skipped',
  'cancelled',
] as const;
export type QuoteStatus = (typeof QUOTE_STATUSES)[number];
export const QuoteStatus = literals(QUOTE_STATUSES);

const NOT_FINAL: ReadonlySet<QuoteStatus> = new Set(['waiting', 'submitted', 'estimated']);
/** True when the aggregator will ask no more for this leg before its deadline. */
export const isFinal = (status: QuoteStatus): boolean => !NOT_FINAL.has(status);

export const REQUEST_STATUSES = [
  'in_progress',
  'cancelled',
  'no_offers',
  'completed',
  'partial',
] as const;
export type RequestStatus = (typeof REQUEST_STATUSES)[number];
export const RequestStatus = literals(REQUEST_STATUSES);

export const Reason = Type.Object({
  code: Type.String({ minLength: 1, maxLength: 60 }),
  message: Type.Optional(Type.String({ maxLength: 500 })),
});
export type Reason = Static<typeof Reason>;

export const Coefficients = Type.Object({
  kt: Type.Number(),
  kbm: Type.Number(),
  kvs: Type.Number(),
  ko: Type.Number(),
  km: Type.Number(),
  ks: Type.Number(),
  /** Of a policy of days or weeks, in the place of KT and KS, which are 1 then. */
  kp: Type.Optional(Type.Number()),
});
export type Coefficients = Static<typeof Coefficients>;

export const Extra = Type.Object({
  name: Type.String({ maxLength: 120 }),
  premium_kopecks: Kopecks,
  mandatory: Type.Boolean(),
});
export type Extra = Static<typeof Extra>;

/** What one driver counts; of several drivers the largest of each is in `coefficients`. */
export const DriverCoefficients = Type.Object({
  /** Which of the application's drivers, from 0; nothing here names a person. */
  driver: Type.Integer({ minimum: 0, maximum: 9 }),
  kvs: Type.Number(),
  kbm: Type.Optional(Type.Number()),
});
export type DriverCoefficients = Static<typeof DriverCoefficients>;

/** An element of `quotes`. Absent members are left out, never null. */
export const Quote = Type.Object(
  {
    insurer_id: InsurerId,
    name: Type.String(),
    status: QuoteStatus,
    final: Type.Boolean(),
    late: Type.Boolean(),
    attempt: Type.Integer({ minimum: 1, maximum: INT4_MAX }),
    deadline_at: Timestamp,
    submitted_at: Type.Optional(Timestamp),
    answered_at: Type.Optional(Timestamp),
    valid_until: Type.Optional(Timestamp),
    /** `valid_until` has passed: the price does not hold any more. Said by the clock of an answer, never published. */
    expired: Type.Optional(Type.Literal(true)),
    cached_at: Type.Optional(Timestamp),
    premium_kopecks: Type.Optional(Kopecks),
    total_kopecks: Type.Optional(Kopecks),
    base_rate_kopecks: Type.Optional(Kopecks),
    coefficients: Type.Optional(Coefficients),
    drivers: Type.Optional(Type.Array(DriverCoefficients)),
    /** The price that was estimated before this one was quoted. */
    estimated_premium_kopecks: Type.Optional(Kopecks),
    extras: Type.Optional(Type.Array(Extra)),
    pool: Type.Optional(Type.Boolean()),
    /** It renews the policy that this insurer issued. */
    prolongation: Type.Optional(Type.Boolean()),
    /** It takes over from the policy of another insurer. */
    prolongation_from_other: Type.Optional(Type.Boolean()),
    reason: Type.Optional(Reason),
    missing_fields: Type.Optional(Type.Array(Type.String())),
    retryable: Type.Optional(Type.Boolean()),
  },
  { $id: 'Quote' },
);
export type Quote = Static<typeof Quote>;

export const Progress = Type.Object({
  total: Type.Integer(),
  answered: Type.Integer(),
  waiting: Type.Integer(),
});
export type Progress = Static<typeof Progress>;

/** The body of `GET …/quotes`, and of the stream's snapshot. */
export const QuotesBody = Type.Object(
  {
    request_id: Uuid,
    revision: Type.Integer({ minimum: 1 }),
    status: RequestStatus,
    accepted_at: Timestamp,
    deadline_at: Timestamp,
    late_until: Timestamp,
    progress: Progress,
    quotes: Type.Array(Quote),
    cursor: Type.String(),
    feed: Type.Optional(Type.Literal('stale')),
  },
  { $id: 'QuotesBody' },
);
export type QuotesBody = Static<typeof QuotesBody>;
