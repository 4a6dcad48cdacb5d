/**
 * Named string formats. TypeBox refuses a `format` that is not registered, so importing this file is what makes the
 * schemas usable. Shapes and their sources: domain notes on plates (GOST R 50577-2018), VIN, licence, passport.
 */
import { FormatRegistry, Type } from '@sinclair/typebox';

const PLATE_LETTER = '[АВЕКМНОРСТУХ]';

const PATTERNS = {
  uuid: /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i,
  /** A company's short name on the wire, in Redis keys and in Kafka keys. */
  'insurer-slug': /^[a-z][a-z0-9-]{0,31}$/,
  vin: /^[A-HJ-NPR-Z0-9]{17}$/,
  /** A car's plate: letter, three digits, two letters, region of two or three digits. */
  plate: new RegExp(`^${PLATE_LETTER}(?!000)\\d{3}${PLATE_LETTER}{2}(?!0+$)\\d{2,3}$`),
  'passport-series': /^\d{4}$/,
  'passport-number': /^\d{6}$/,
  'licence-series': /^\d{2}(\d{2}|[А-Я]{2})$/,
  'licence-number': /^\d{6}$/,
  /** Eleven digits that start with 7. */
  phone: /^7\d{10}$/,
  email: /^[^\s@\p{C}]+@[^\s@\p{C}]+\.[^\s@\p{C}]+$/u,
  /** Not blank, and no control characters: Postgres takes no NUL, a log no line end. */
  'plain-text': /^[^\p{Cc}\p{Cs}]*[^\s\p{Cc}\p{Cs}][^\p{Cc}\p{Cs}]*$/u,
  sha256: /^[0-9a-f]{64}$/,
  /** Two digits: the code of a subject of the Russian Federation (77 Moscow, 78 St Petersburg). */
  'region-code': /^(?!00)\d{2}$/,
} as const;

const RFC3339 = /^\d{4}-\d{2}-\d{2}T([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d+)?(Z|[+-]\d{2}:\d{2})$/;

/** True for a calendar day that exists, as `YYYY-MM-DD`. */
export const isDate = (value: string): boolean => {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(value)) return false;
  const ms = Date.parse(`${value}T00:00:00Z`);
  return !Number.isNaN(ms) && new Date(ms).toISOString().startsWith(value);
};

/** Longer than any member with a format. Formats are checked beyond `maxLength` too, and patterns take their time. */
const TEXT_MAX = 400;

for (const [name, pattern] of Object.entries(PATTERNS)) {
  FormatRegistry.Set(name, (value) => value.length <= TEXT_MAX && pattern.test(value));
}
FormatRegistry.Set('date', isDate);
FormatRegistry.Set(
  'date-time',
  (value) => RFC3339.test(value) && isDate(value.slice(0, 10)) && !Number.isNaN(Date.parse(value)),
);

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
