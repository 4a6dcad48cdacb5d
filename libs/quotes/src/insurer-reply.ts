/** What one call to an insurer comes to, as a value: an expected outcome is never thrown. Adapters translate to this. */
import type { InsurerQuote, Reason } from '@osago/contracts';
import type { PollPlan } from './poll-plan.ts';

/** Kinds of failure, each with its own rule of asking again: docs/insurers.md. */
export type FaultKind =
  | 'connection'
  | 'timeout'
  | 'busy'
  | 'server'
  | 'malformed'
  | 'rejected';

/** For when to ask next: the insurer's own hint, and what was learned of it. */
interface AskedAgain {
  retryAfterMs?: number;
  plan?: PollPlan;
}

export type InsurerReply =
  | ({ kind: 'accepted'; application_id: string } & AskedAgain)
  | ({ kind: 'pending' } & AskedAgain)
  | ({ kind: 'unknown' } & AskedAgain)
  | ({ kind: 'estimated'; quote: InsurerQuote } & AskedAgain)
  /** `cached_at`: it was given for the same content then, and not asked for again. */
  | { kind: 'quoted'; quote: InsurerQuote; cached_at?: string }
  | { kind: 'declined'; reason?: Reason }
  | { kind: 'needs_data'; reason?: Reason; missing_fields?: string[] }
  | { kind: 'failed'; reason?: Reason }
  /** It was not asked: unknown here, paused, its breaker is open, or our own limits leave no room in time. */
  | { kind: 'skipped'; reason: Reason; plan?: PollPlan }
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
