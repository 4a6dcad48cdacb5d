/**
 * What a reader who has seen a request at one moment has to be told of a later one. Most records change one leg and
 * nothing else; then only that leg is looked at. All that is kept of a reader is the state it has seen, which it shares
 * with the showcase, and when.
 */
import { isFinal, type Progress, type Quote, type RequestStatus } from '@osago/contracts';
import { CLOCK_GRACE_MS, isFinished, nextClockChangeMs, quoteAt, quoteStatusAt, type View, view, type Visible } from '@osago/quotes';

/** Of one reader, and brought forward in place: one that is made anew for each quote is what the collector has to copy. */
export interface Moment {
  state: Visible;
  atMs: number;
  /** Legs that are not final. */
  waiting: number;
  /** Before this the clock alone changes nothing. */
  nextClockMs: number;
}

export interface Change {
  quotes: Quote[];
  progress: Progress;
  status: RequestStatus;
  /** When nothing more is to come. */
  end: View | undefined;
}

/** The first moment of a reader: all of `shown`, which is the view of `state` at `atMs`. */
export const firstMoment = (state: Visible, atMs: number, shown: View): Moment => ({
  state,
  atMs,
  waiting: shown.progress.waiting,
  nextClockMs: nextClockChangeMs(shown) ?? Number.POSITIVE_INFINITY,
});

/** Whether more than legs may have changed. */
const isOther = ({ state: before, nextClockMs }: Moment, state: Visible, nowMs: number): boolean =>
  nowMs >= nextClockMs ||
  state.revision !== before.revision ||
  state.submission !== before.submission ||
  state.cancels !== before.cancels ||
  state.retries !== before.retries;

const wholeChange = (seen: Moment, state: Visible, nowMs: number): Change => {
  const before = view(seen.state, seen.atMs).quotes;
  const shown = view(state, nowMs);
  const { progress, status } = shown;
  const quotes = shown.quotes.filter((quote, at) => {
    const old = before[at];
    return JSON.stringify(old) !== JSON.stringify(quote);
  });
  Object.assign(seen, firstMoment(state, nowMs, shown));
  return { quotes, progress, status, end: isFinished(shown) ? shown : undefined };
};

/** What has come since `seen`, which is then brought to this moment. */
export const changeSince = (seen: Moment, state: Visible, nowMs: number): Change => {
  if (isOther(seen, state, nowMs)) return wholeChange(seen, state, nowMs);
  const { legs, submission } = state;
  const before = seen.state.legs;
  let { waiting, nextClockMs } = seen;
  const quotes: Quote[] = [];
  for (const member of submission.panel) {
    if (legs[member.insurer_id] === before[member.insurer_id]) continue;
    const quote = quoteAt(state, member, nowMs);
    const oldStatus = quoteStatusAt(seen.state, member, seen.atMs);
    waiting += Number(isFinal(oldStatus)) - Number(quote.final);
    if (!quote.final) nextClockMs = Math.min(nextClockMs, Date.parse(quote.deadline_at) + CLOCK_GRACE_MS);
    const isSame = quote.status === oldStatus && JSON.stringify(quote) === JSON.stringify(quoteAt(seen.state, member, seen.atMs));
    if (!isSame) quotes.push(quote);
  }
  if (waiting === 0) return wholeChange(seen, state, nowMs);
  seen.state = state;
  seen.atMs = nowMs;
  seen.waiting = waiting;
  seen.nextClockMs = nextClockMs;
  const total = state.submission.panel.length;
  return { quotes, progress: { total, answered: total - waiting, waiting }, status: 'in_progress', end: undefined };
};
