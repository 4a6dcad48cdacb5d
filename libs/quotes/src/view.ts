/**
 * What a person is shown of a request at a moment. The state holds facts of the log; only here the clock acts: a leg
 * without outcome is `timeout` from its own deadline + 1 s on, whether or not the aggregator ever saw it.
 */
import {
  isFinal,
  type PanelMember,
  type Progress,
  type Quote,
  type QuotesBody,
  type QuoteStatus,
  type RequestStatus,
} from '@osago/contracts';
import type { HeldLeg, RequestState, Submission } from './fold.ts';
import { endsByCancel } from './leg-order.ts';
import { isExpired } from './valid-until.ts';

/** The aggregator's own `timeout`, sent at the deadline, has this long to arrive before the clock says it. */
export const CLOCK_GRACE_MS = 1_000;
/** A late answer is kept and shown until the last leg's deadline plus this. */
export const LATE_WINDOW_MS = 120_000;

/** The body of GET …/quotes without its cursor, which names offsets and not what is shown. */
export type View = Omit<QuotesBody, 'cursor' | 'feed'>;

export type Visible = RequestState & { readonly submission: Submission };
/** False while only leg events of the request have come. */
export const isVisible = (state: RequestState | undefined): state is Visible =>
  state?.submission !== undefined;

interface AskedLeg {
  attempt: number;
  /** The revision it was asked at: a cancel of a higher one ends it. */
  revision: number;
  deadline_at: string;
  held: HeldLeg | undefined;
}

/** The newest attempt that is known, from the retry or from the leg's own event, whichever is ahead. */
const askedLeg = (state: RequestState, member: PanelMember): AskedLeg => {
  const retry = state.retries[member.insurer_id];
  const leg = state.legs[member.insurer_id];
  const attempt = Math.max(retry?.attempt ?? 1, leg?.attempt ?? 1);
  const held = leg?.attempt === attempt ? leg : undefined;
  if (attempt === 1) {
    return { attempt, revision: 1, deadline_at: member.deadline_at, held };
  }
  if (retry?.attempt === attempt) {
    return { attempt, revision: retry.revision, deadline_at: retry.deadline_at, held };
  }
  // The leg's event came before the retry that asked for it; no cancel can be known to be newer.
  const deadline_at = held?.quote.deadline_at ?? member.deadline_at;
  return { attempt, revision: Number.POSITIVE_INFINITY, deadline_at, held };
};

/** The deadline shown is the one that the clock acts by, whatever the event says; a price that does not hold says so. */
const publishedQuote = ({ quote }: HeldLeg, deadline_at: string, nowMs: number): Quote => {
  const isOver = quote.status === 'quoted' && isExpired(quote, nowMs);
  if (quote.deadline_at === deadline_at && !isOver) return quote;
  return { ...quote, deadline_at, ...(isOver && { expired: true }) };
};

/** The status shown of a leg; `asked` is its newest attempt. */
const statusAt = (state: RequestState, asked: AskedLeg, nowMs: number): QuoteStatus => {
  const status = asked.held?.status ?? 'waiting';
  // Nothing but a cancel takes an answer back, and every quote comes through here on its way to a stream.
  if (isFinal(status) && state.cancels.length === 0) return status;
  const endsAtMs = Date.parse(asked.deadline_at) + CLOCK_GRACE_MS;
  const isCancelled = state.cancels.some(
    (cancel) => cancel.revision > asked.revision && cancel.atMs < endsAtMs,
  );
  if (isCancelled && endsByCancel(status)) return 'cancelled';
  return !isFinal(status) && nowMs >= endsAtMs ? 'timeout' : status;
};

/** The status of what {@link quoteAt} shows, without the rest. */
export const quoteStatusAt = (state: RequestState, member: PanelMember, nowMs: number): QuoteStatus =>
  statusAt(state, askedLeg(state, member), nowMs);

/** What is shown of one leg. */
export const quoteAt = (state: RequestState, member: PanelMember, nowMs: number): Quote => {
  const asked = askedLeg(state, member);
  const { attempt, deadline_at, held } = asked;
  const status = statusAt(state, asked, nowMs);
  if (held?.status === status) return publishedQuote(held, deadline_at, nowMs);
  return {
    insurer_id: member.insurer_id,
    name: member.name,
    status,
    final: isFinal(status),
    late: false,
    attempt,
    deadline_at,
    ...(held?.quote.submitted_at !== undefined && { submitted_at: held.quote.submitted_at }),
  };
};

/** Total (design §2): every list of quotes has exactly one status. */
export const requestStatus = (quotes: readonly Quote[]): RequestStatus => {
  const has = (status: QuoteStatus): boolean => quotes.some((quote) => quote.status === status);
  if (quotes.some((quote) => !isFinal(quote.status))) return 'in_progress';
  if (has('cancelled')) return 'cancelled';
  if (!has('quoted')) return 'no_offers';
  const isAnswer = (quote: Quote): boolean =>
    !quote.late && ['quoted', 'declined', 'needs_data'].includes(quote.status);
  return quotes.every(isAnswer) ? 'completed' : 'partial';
};

const progressOf = (quotes: readonly Quote[]): Progress => {
  const answered = quotes.filter((quote) => quote.final).length;
  return { total: quotes.length, answered, waiting: quotes.length - answered };
};

/** Most deadlines of a request are the same one. */
const lastDeadlineOf = (quotes: readonly Quote[]): number => {
  let lastMs = 0;
  let known = '';
  for (const { deadline_at } of quotes) {
    if (deadline_at === known) continue;
    known = deadline_at;
    lastMs = Math.max(lastMs, Date.parse(deadline_at));
  }
  return lastMs;
};

export const view = (state: Visible, nowMs: number): View => {
  const { submission } = state;
  const quotes = submission.panel.map((member) => quoteAt(state, member, nowMs));
  const lastDeadlineMs = lastDeadlineOf(quotes);
  return {
    request_id: state.request_id,
    revision: state.revision,
    status: requestStatus(quotes),
    accepted_at: submission.accepted_at,
    deadline_at: submission.deadline_at,
    late_until: new Date(lastDeadlineMs + LATE_WINDOW_MS).toISOString(),
    progress: progressOf(quotes),
    quotes,
  };
};

export const isFinished = ({ status }: Pick<View, 'status'>): boolean => status !== 'in_progress';

/** How a finished stream ends: `timeout` if and only if a leg's status is `timeout`. */
export const endOf = ({ quotes }: Pick<View, 'quotes'>): 'done' | 'timeout' =>
  quotes.some((quote) => quote.status === 'timeout') ? 'timeout' : 'done';

/** True when no later record can change the view without a new command. */
export const isClosed = (shown: View, nowMs: number): boolean =>
  isFinished(shown) && (endOf(shown) === 'done' || nowMs >= Date.parse(shown.late_until));

/**
 * When the clock alone ends a leg next; undefined when it never will. That a price has expired is in every view made after
 * `valid_until`, and wakes nobody: who shows a price knows the moment.
 */
export const nextClockChangeMs = (shown: View): number | undefined => {
  const ends = shown.quotes
    .filter((quote) => !quote.final)
    .map((quote) => Date.parse(quote.deadline_at) + CLOCK_GRACE_MS);
  return ends.length === 0 ? undefined : Math.min(...ends);
};

/** How many quotes are in each status that occurs. */
export const countsOf = (quotes: readonly Quote[]): Record<string, number> => {
  const counts: Record<string, number> = {};
  for (const { status } of quotes) counts[status] = (counts[status] ?? 0) + 1;
  return counts;
};
