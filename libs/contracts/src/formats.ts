/**
 * Named string formats. TypeBox refuses a `format` that is not registered, so importing this file is what makes the
 * schemas usable. Shapes and their sources: domain notes on plates (GOST R 50577-2018), VIN, papers of a vehicle,
 * licence, passport; [K] marks a shape that is common knowledge and not confirmed by a source.
 */
import { FormatRegistry, Type } from '@sinclair/typebox';
import { hasInnCheckDigit, hasOgrnCheckDigit } from './formats-check-digits.ts';
import { plateKinds } from './formats-plate.ts';

const PATTERNS = {
  uuid: /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i,
  /** A company's short name on the wire, in Redis keys and in Kafka keys. */
  'insurer-slug': /^[a-z][a-z0-9-]{0,31}$/,
  vin: /^[A-HJ-NPR-Z0-9]{17}$/,
  /** Body and chassis numbers have no standard: letters, digits, hyphens. */
  'frame-number': /^[A-Z0-9-]{4,20}$/,
  /** Of any paper of a vehicle; what its type takes is a rule. */
  'document-series': /^[\dА-Я]{2,10}$/,
  'document-number': /^\d{4,20}$/,
  'sts-series': /^\d{2}[\dА-Я]{2}$/,
  /** [K] */
  'pts-series': /^\d{2}[А-Я]{2}$/,
  /** [K] */
  'epts-number': /^\d{15}$/,
  'paper-number': /^\d{6}$/,
  'passport-series': /^\d{4}$/,
  'passport-number': /^\d{6}$/,
  /** Of the office that issued a passport. */
  subdivision: /^\d{3}-\d{3}$/,
  'licence-series': /^\d{2}(\d{2}|[А-Я]{2})$/,
  'licence-number': /^\d{6}$/,
  /** Other countries have shapes of their own. */
  'foreign-number': /^[\p{L}\p{N}][\p{L}\p{N} /.-]{2,29}$/u,
  /** ISO 3166-1 alpha-2. */
  'country-code': /^[A-Z]{2}$/,
  'policy-series': /^[А-Я]{3}$/,
  'policy-number': /^\d{10}$/,
  /** Of a legal entity: tax office and reason of registration. */
  kpp: /^\d{4}[\dA-Z]{2}\d{3}$/,
  /** Address classifier: 13 digits of a place, 17 of a street, 19 of a house. */
  kladr: /^(\d{13}|\d{17}|\d{19})$/,
  /** Eleven digits that start with 7. */
  phone: /^7\d{10}$/,
  email: /^[^\s@\p{C}]+@[^\s@\p{C}]+\.[^\s@\p{C}]+$/u,
  /** Not blank, and no control characters: Postgres takes no NUL, a log no line end. */
  'plain-text': /^[^\p{Cc}\p{Cs}]*[^\s\p{Cc}\p{Cs}][^\p{Cc}\p{Cs}]*$/u,
  sha256: /^[0-9a-f]{64}$/,
  /** Two digits: the code of a subject of the Russian Federation (77 Moscow, 78 St Petersburg). */
  'region-code': /^(?!00)\d{2}$/,
} as const;

const RFC3339 = /^\d{4}-\d{2}-\d{2}T([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d+)?(Z|[+-]([01]\d|2[0-3]):[0-5]\d)$/;
const DAY = /^\d{4}-\d{2}-\d{2}$/;
const DAYS_OF_MONTH = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/**
 * Of a text that begins with the shape of a day. By arithmetic: a `Date` for each of the dozen times of an event would cost
 * more than parsing it.
 */
const beginsWithDay = (value: string): boolean => {
  const digit = (at: number): number => value.charCodeAt(at) - 48;
  const month = digit(5) * 10 + digit(6);
  const day = digit(8) * 10 + digit(9);
  const year = digit(0) * 1_000 + digit(1) * 100 + digit(2) * 10 + digit(3);
  const isLeap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
  const days = month === 2 && isLeap ? 29 : (DAYS_OF_MONTH[month - 1] ?? 0);
  return day >= 1 && day <= days;
};

/** True for a calendar day that exists, as `YYYY-MM-DD`. */
export const isDate = (value: string): boolean => DAY.test(value) && beginsWithDay(value);

const isRegularExpression = (value: string): boolean => {
  try {
    return value !== '' && new RegExp(value) instanceof RegExp;
  } catch {
    return false;
  }
};

const PREDICATES = {
  plate: (value: string) => plateKinds(value).length > 0,
  inn: hasInnCheckDigit,
  ogrn: hasOgrnCheckDigit,
  /** Of the configuration; nobody types one into an application. */
  'regular-expression': isRegularExpression,
  date: isDate,
  'date-time': (value: string) => RFC3339.test(value) && beginsWithDay(value),
} as const;

export type FormatName = keyof typeof PATTERNS | keyof typeof PREDICATES;

/** Longer than any member with a format. Formats are checked beyond `maxLength` too, and patterns take their time. */
const TEXT_MAX = 400;

const register = (name: string, holds: (value: string) => boolean): void =>
  FormatRegistry.Set(name, (value) => value.length <= TEXT_MAX && holds(value));

for (const [name, pattern] of Object.entries(PATTERNS)) register(name, (value) => pattern.test(value));
for (const [name, holds] of Object.entries(PREDICATES)) register(name, holds);

/** Whether a text has the format, for rules that choose one by another member. */
export const hasFormat = (format: FormatName, value: string): boolean => FormatRegistry.Get(format)?.(value) ?? false;

/** What a Postgres integer holds: counts that the archive stores go no higher. */
export const INT4_MAX = 2_147_483_647;

/** A UUID in lower or upper case. */
export const Uuid = Type.String({ format: 'uuid' });
/** RFC 3339, UTC: `2026-11-21T09:00:00.000Z`. */
export const Timestamp = Type.String({ format: 'date-time' });
/** A calendar day: `2026-11-21`. */
export const DateOnly = Type.String({ format: 'date' });
export const InsurerId = Type.String({ format: 'insurer-slug' });
/** Money: an integer of kopecks. */
export const Kopecks = Type.Integer({ minimum: 0, maximum: 1_000_000_000 });
