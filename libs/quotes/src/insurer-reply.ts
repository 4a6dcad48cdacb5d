/** What one call to an insurer comes to, as a value: an expected outcome is never thrown. Adapters translate to this. */
import type { InsurerQuote, Reason } from '@osago/contracts';

/** Kinds of failure, each with its own rule of asking again: docs/insurers.md. */
export type FaultKind =
  | 'connection'
  | 'timeout'
  | 'busy'
  | 'server'
  | 'malformed'
  | 'rejected';

export type InsurerReply =
  | { kind: 'accepted'; application_id: string; retryAfterMs?: number }
  | { kind: 'pending'; retryAfterMs?: number }
  | { kind: 'unknown' }
  | { kind: 'estimated'; quote: InsurerQuote; retryAfterMs?: number }
  | { kind: 'quoted'; quote: InsurerQuote }
  | { kind: 'declined'; reason?: Reason }
  | { kind: 'needs_data'; reason?: Reason; missing_fields?: string[] }
  | { kind: 'failed'; reason?: Reason }
  /** It was not asked: unknown here, or our own limits leave no room in time. */
  | { kind: 'skipped'; reason: Reason }
  | { kind: 'fault'; fault: FaultKind; message: string; retryAfterMs?: number };

/** How often a call that failed so is tried in a row, the first try included. One table for POST and polls. */
export const TRIES_MAX: Readonly<Record<FaultKind, number>> = {
  connection: 5,
  timeout: 5,
  busy: 8,
  server: 4,
  malformed: 2,
  rejected: 1,
};

/** A 404 right after the POST means that the insurer's own stores are still catching up. */
export const UNKNOWN_MAX = 8;
