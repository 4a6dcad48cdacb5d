/**
 * What a reader who has seen a request at one moment has to be told of a later one. Most records change one leg and
 * nothing else; then only that leg is looked at. All that is kept of a reader is the state it has seen, which it shares
 * with the showcase, and when.
 */
import { isFinal, type PanelMember, type Progress, type Quote, type RequestStatus } from '@osago/contracts';
import { CLOCK_GRACE_MS, isFinished, nextClockChangeMs, quoteAt, quoteStatusAt, type View, view, type Visible } from '@osago/quotes';

export interface Moment {
  readonly state: Visible;
  readonly atMs: number;
  /** Legs that are not final. */
  readonly waiting: number;
  /** Before this the clock alone changes nothing. */
  readonly nextClockMs: number;
}

export interface Change {
  quotes: Quote[];
  progress: Progress;
  status: RequestStatus;
  to: Moment;
  /** When nothing more is to come. */
  end: View | undefined;
}

const momentOf = (state: Visible, atMs: number, shown: View): Moment => ({
  state,
  atMs,
  waiting: shown.progress.waiting,
  nextClockMs: nextClockChangeMs(shown) ?? Number.POSITIVE_INFINITY,
});

/** The legs that are other events than before; undefined when more than legs may have changed. */
const changedLegs = (from: Moment, state: Visible, nowMs: number): PanelMember[] | undefined => {
  const before = from.state;
  if (nowMs >= from.nextClockMs || state.revision !== before.revision) return undefined;
  if (state.submission !== before.submission || state.cancels !== before.cancels || state.retries !== before.retries) {
    return undefined;
  }
  return state.submission.panel.filter(({ insurer_id }) => state.legs[insurer_id] !== before.legs[insurer_id]);
};

const wholeChange = (from: Moment, state: Visible, nowMs: number): Change => {
  const before = view(from.state, from.atMs).quotes;
  const shown = view(state, nowMs);
  const { progress, status } = shown;
  const quotes = shown.quotes.filter((quote, at) => {
    const old = before[at];
    return JSON.stringify(old) !== JSON.stringify(quote);
  });
  const end = isFinished(shown) ? shown : undefined;
  return { quotes, progress, status, to: momentOf(state, nowMs, shown), end };
};

/** The first moment of a reader: all of `shown`, which is the view of `state` at `atMs`. */
export const firstMoment = momentOf;

export const changeSince = (from: Moment, state: Visible, nowMs: number): Change => {
  const members = changedLegs(from, state, nowMs);
  if (members === undefined) return wholeChange(from, state, nowMs);
  let { waiting, nextClockMs } = from;
  const quotes: Quote[] = [];
  for (const member of members) {
    const quote = quoteAt(state, member, nowMs);
    const oldStatus = quoteStatusAt(from.state, member, from.atMs);
    waiting += Number(isFinal(oldStatus)) - Number(quote.final);
    if (!quote.final) nextClockMs = Math.min(nextClockMs, Date.parse(quote.deadline_at) + CLOCK_GRACE_MS);
    const isSame = quote.status === oldStatus && JSON.stringify(quote) === JSON.stringify(quoteAt(from.state, member, from.atMs));
    if (!isSame) quotes.push(quote);
  }
  if (waiting === 0) return wholeChange(from, state, nowMs);
  const total = state.submission.panel.length;
  return {
    quotes,
    progress: { total, answered: total - waiting, waiting },
    status: 'in_progress',
    to: { state, atMs: nowMs, waiting, nextClockMs },
    end: undefined,
  };
};
