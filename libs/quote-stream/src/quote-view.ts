/**
 * What a page knows of one request, and how each piece of news changes it. Pure. Quotes are replaced in place, so a
 * list drawn from `body.quotes` never jumps; nothing that was shown is taken away by a lost connection.
 */
import type { Quote, QuoteFrame, QuotesBody } from '@osago/contracts';
import type { StreamFrame } from './stream-frame.ts';

export type QuoteViewBody = Omit<QuotesBody, 'cursor'>;

interface Known {
  body?: QuoteViewBody;
  /** The server's clock minus this machine's: `Date.now() + clockOffsetMs` is the time that deadlines are in. */
  clockOffsetMs: number;
}

/** 401 is `no-access`: this browser holds no key. 404 is `not-found`: a wrong key and an unknown id look the same. */
export type Refusal = 'no-access' | 'not-found';

/**
 * `connecting` with a body: the connection is being restored and the quotes stay. `polling`: the quotes come, by asking
 * for them. `ended`: the request is finished. `lost`: the server refuses for good.
 */
export type QuoteView = Known &
  ({ phase: 'connecting' | 'live' | 'polling' | 'ended' } | { phase: 'lost'; refusal: Refusal });

/** What a request that goes on is after an answer of GET: the stream is broken, still whole, or not used. */
export type AskedPhase = 'connecting' | 'live' | 'polling';

export type ViewNews =
  | StreamFrame
  /** The stream broke; somebody is at work on it. */
  | { kind: 'interrupted' }
  /** Not even GET is answered. */
  | { kind: 'unreachable' }
  /** The body of `GET …/quotes`, asked while no stream was open. */
  | { kind: 'answer'; body: QuotesBody; phase: AskedPhase; serverNowMs?: number; receivedAtMs: number }
  /** A 304: what is known is the newest. */
  | { kind: 'unchanged'; phase: AskedPhase }
  /** A retry has opened the request again. */
  | { kind: 'restarted' }
  | { kind: 'refused'; refusal: Refusal };

export const CONNECTING: QuoteView = { phase: 'connecting', clockOffsetMs: 0 };

/** A `Date` header counts whole seconds and is read after the way here. */
const COARSE_CLOCK_MS = 2_000;

export const hasEnded = (body: QuoteViewBody): boolean => body.status !== 'in_progress';

export const reduceView = (view: QuoteView, news: ViewNews): QuoteView => {
  switch (news.kind) {
    case 'snapshot':
      return { ...known(view), phase: 'live', body: withoutCursor(news.body) };
    case 'quote':
      return { ...known(view), phase: 'live', ...bodyWith(view, news.quote) };
    case 'heartbeat': {
      const clockOffsetMs = Date.parse(news.heartbeat.now) - news.receivedAtMs;
      return { ...known(view), phase: 'live', clockOffsetMs, ...freshness(view, news.heartbeat.feed) };
    }
    case 'done':
    case 'timeout': {
      const { status, late_until } = news.end;
      return { ...known(view), phase: 'ended', ...(view.body && { body: { ...view.body, status, late_until } }) };
    }
    case 'bye':
      // A pod that is replaced is nothing that a person need know: the next one is there within seconds.
      return view;
    case 'interrupted':
      return connectingFrom(view, ['live']);
    case 'unreachable':
      return connectingFrom(view, ['live', 'polling']);
    case 'answer':
      return {
        clockOffsetMs: coarseOffset(view, news),
        phase: hasEnded(news.body) ? 'ended' : news.phase,
        body: withoutCursor(news.body),
      };
    case 'unchanged':
      return unchanged(view, news.phase);
    case 'restarted':
      return connectingFrom(view, ['ended']);
    case 'refused':
      return view.phase === 'ended' ? view : { ...known(view), phase: 'lost', refusal: news.refusal };
  }
};

/** True while an insurer that missed its deadline may still answer (design §4, `late_until`). */
export const mayAnswerLate = (view: QuoteView, nowMs: number): boolean =>
  view.body !== undefined &&
  hasEnded(view.body) &&
  view.body.quotes.some((quote) => quote.status === 'timeout') &&
  nowMs + view.clockOffsetMs < Date.parse(view.body.late_until);

const connectingFrom = (view: QuoteView, phases: QuoteView['phase'][]): QuoteView =>
  phases.includes(view.phase) ? { ...known(view), phase: 'connecting' } : view;

const unchanged = (view: QuoteView, askedPhase: AskedPhase): QuoteView => {
  if (view.body === undefined) return view;
  const phase = hasEnded(view.body) ? 'ended' : askedPhase;
  return phase === view.phase ? view : { ...known(view), phase };
};

const known = ({ body, clockOffsetMs }: QuoteView): Known => ({ clockOffsetMs, ...(body && { body }) });

/** The clock of heartbeats is the better one; this only mends a clock that is plainly wrong. */
const coarseOffset = (
  { clockOffsetMs }: QuoteView,
  { serverNowMs, receivedAtMs }: { serverNowMs?: number; receivedAtMs: number },
): number => {
  if (serverNowMs === undefined) return clockOffsetMs;
  const offsetMs = serverNowMs - receivedAtMs;
  return Math.abs(offsetMs - clockOffsetMs) > COARSE_CLOCK_MS ? offsetMs : clockOffsetMs;
};

const withoutCursor = ({ cursor: _cursor, ...body }: QuotesBody): QuoteViewBody => body;

const bodyWith = ({ body }: QuoteView, frame: QuoteFrame): Pick<Known, 'body'> => {
  // A stream begins with a snapshot or resumes after one, so without a body there is nothing that this could change.
  if (body === undefined) return {};
  const { progress, request_status, ...quote } = frame;
  return { body: { ...body, status: request_status, progress, quotes: replaced(body.quotes, quote) } };
};

const replaced = (quotes: Quote[], quote: Quote): Quote[] =>
  quotes.map((shown) => (shown.insurer_id === quote.insurer_id ? quote : shown));

const freshness = ({ body }: QuoteView, feed: 'stale' | undefined): Pick<Known, 'body'> => {
  if (body === undefined || body.feed === feed) return {};
  const { feed: _feed, ...fresh } = body;
  return { body: feed === undefined ? fresh : { ...fresh, feed } };
};
