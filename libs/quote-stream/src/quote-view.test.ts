import { describe, expect, test } from '@jest/globals';
import { bodyOf, LATE_UNTIL, QUOTED, QUOTED_FRAME, quoteOf, TIMED_OUT, WAITING_BODY } from './quote-samples.ts';
import { CONNECTING, mayAnswerLate, type QuoteView, reduceView, type ViewNews } from './quote-view.ts';

const NOW_MS = Date.parse('2026-11-21T09:00:10.000Z');

const after = (...news: ViewNews[]): QuoteView => news.reduce(reduceView, CONNECTING);
const snapshot = (body = WAITING_BODY): ViewNews => ({ kind: 'snapshot', body });
const quote: ViewNews = { kind: 'quote', quote: QUOTED_FRAME };
const heartbeat = (now: string, feed?: 'stale'): ViewNews => ({
  kind: 'heartbeat',
  heartbeat: { now, ...(feed && { feed }) },
  receivedAtMs: NOW_MS,
});
const answer = (members: Partial<Extract<ViewNews, { kind: 'answer' }>> = {}): ViewNews => ({
  kind: 'answer',
  body: WAITING_BODY,
  phase: 'connecting',
  receivedAtMs: NOW_MS,
  ...members,
});
const end = { status: 'partial', counts: { quoted: 1, timeout: 1 }, late_until: LATE_UNTIL } as const;

describe('the view of a request', () => {
  test('shows the snapshot without its cursor and is live', () => {
    const { cursor: _cursor, ...body } = WAITING_BODY;
    expect(after(snapshot())).toEqual({ phase: 'live', clockOffsetMs: 0, body });
  });

  test('replaces a quote where it stands, with the progress and status that came along', () => {
    const view = after(snapshot(), quote);
    expect(view.body?.quotes).toEqual([QUOTED, quoteOf('beta')]);
    expect(view.body?.progress).toEqual({ total: 2, answered: 1, waiting: 1 });
    expect(view.body?.status).toBe('in_progress');
  });

  test('ignores a quote before any snapshot', () => {
    expect(after(quote).body).toBeUndefined();
  });

  test('ignores an insurer that is not on the panel', () => {
    const stranger: ViewNews = { kind: 'quote', quote: { ...QUOTED_FRAME, insurer_id: 'gamma' } };
    expect(after(snapshot(), stranger).body?.quotes).toEqual(WAITING_BODY.quotes);
  });

  test('learns the server clock from each heartbeat', () => {
    expect(after(snapshot(), heartbeat('2026-11-21T09:00:07.500Z')).clockOffsetMs).toBe(-2_500);
  });

  test('shows that the data is stale for as long as heartbeats say so', () => {
    const stale = after(snapshot(), heartbeat('2026-11-21T09:00:10.000Z', 'stale'));
    expect(stale.body?.feed).toBe('stale');
    const fresh = reduceView(stale, heartbeat('2026-11-21T09:00:25.000Z'));
    expect(fresh.body).not.toHaveProperty('feed');
  });

  test.each(['done', 'timeout'] as const)('ends at `%s` with the status of the request', (kind) => {
    const view = after(snapshot(), quote, { kind, end });
    expect(view).toMatchObject({ phase: 'ended', body: { status: 'partial', late_until: LATE_UNTIL } });
  });

  test('keeps the quotes while connecting again after `interrupted`', () => {
    const view = after(snapshot(), quote, { kind: 'interrupted' });
    expect(view.phase).toBe('connecting');
    expect(view.body?.quotes[0]).toEqual(QUOTED);
  });

  test('stays as it is at a goodbye: the next pod is as good', () => {
    const view = after(snapshot(), quote);
    expect(reduceView(view, { kind: 'bye' })).toBe(view);
  });

  test('is live again with the first heartbeat of the next stream', () => {
    const view = after(snapshot(), { kind: 'interrupted' }, heartbeat('2026-11-21T09:00:10.000Z'));
    expect(view.phase).toBe('live');
  });

  test('stays ended when the connection breaks after the end', () => {
    const ended = after(snapshot(), { kind: 'done', end });
    expect(reduceView(ended, { kind: 'interrupted' })).toBe(ended);
    expect(reduceView(ended, { kind: 'refused', refusal: 'not-found' })).toBe(ended);
  });

  test('takes an answer of GET as the end when the request is finished, as a pause when not', () => {
    expect(after(answer()).phase).toBe('connecting');
    expect(after(answer({ body: bodyOf([QUOTED], { status: 'completed' }) })).phase).toBe('ended');
  });

  test('is polling while answers of GET come in place of a stream, until one of them does not come', () => {
    const polling = after(answer({ phase: 'polling' }), { kind: 'unchanged', phase: 'polling' });
    expect(polling).toMatchObject({ phase: 'polling', body: { quotes: WAITING_BODY.quotes } });
    expect(reduceView(polling, { kind: 'interrupted' })).toBe(polling);
    const away = reduceView(polling, { kind: 'unreachable' });
    expect(away).toMatchObject({ phase: 'connecting', body: { quotes: WAITING_BODY.quotes } });
    expect(reduceView(away, { kind: 'unchanged', phase: 'polling' }).phase).toBe('polling');
  });

  test('learns the server clock from an answer only when this clock is plainly wrong', () => {
    expect(after(answer({ serverNowMs: NOW_MS + 1_900 })).clockOffsetMs).toBe(0);
    expect(after(answer({ serverNowMs: NOW_MS - 3_600_000 })).clockOffsetMs).toBe(-3_600_000);
  });

  test('goes on with its quotes after a retry', () => {
    const view = after(snapshot(), quote, { kind: 'timeout', end }, { kind: 'restarted' });
    expect(view).toMatchObject({ phase: 'connecting', body: { quotes: [QUOTED, {}] } });
  });

  test('is lost when the server refuses', () => {
    expect(after({ kind: 'refused', refusal: 'no-access' })).toMatchObject({ phase: 'lost', refusal: 'no-access' });
  });
});

describe('mayAnswerLate', () => {
  const partial = bodyOf([QUOTED, TIMED_OUT], { status: 'partial' });

  test('holds for a finished request with an insurer that missed its deadline', () => {
    expect(mayAnswerLate(after(snapshot(partial)), NOW_MS)).toBe(true);
  });

  test.each([
    ['no request is known', CONNECTING],
    ['the request goes on', after(snapshot(bodyOf([QUOTED, TIMED_OUT, quoteOf('gamma')])))],
    ['everybody answered', after(snapshot(bodyOf([QUOTED], { status: 'completed' })))],
    ['the server clock is past `late_until`', { ...after(snapshot(partial)), clockOffsetMs: 200_000 }],
  ])('does not hold when %s', (_, view) => {
    expect(mayAnswerLate(view, NOW_MS)).toBe(false);
  });
});
