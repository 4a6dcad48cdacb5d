import { describe, expect, test } from '@jest/globals';
import { FakeBrowser } from './fake-browser.ts';
import {
  ACCEPTED_AT,
  bodyOf,
  LATE_UNTIL,
  QUOTED,
  QUOTED_FRAME,
  quoteOf,
  REQUEST_ID,
  TIMED_OUT,
  WAITING_BODY,
} from './quote-samples.ts';
import { openQuoteStream } from './quote-stream.ts';
import type { QuoteView } from './quote-view.ts';

const END = { status: 'partial', counts: { quoted: 1, timeout: 1 }, late_until: LATE_UNTIL } as const;
const PARTIAL = bodyOf([QUOTED, TIMED_OUT], { status: 'partial', cursor: 'c3' });
const COMPLETED = bodyOf([QUOTED, quoteOf('beta', { status: 'declined', final: true })], { status: 'completed' });
/** Longer than any pause before a new try and any between two late asks. */
const A_PAUSE_MS = 15_000;

const setup = () => {
  const browser = new FakeBrowser(Date.parse(ACCEPTED_AT));
  const views: QuoteView[] = [];
  const stream = openQuoteStream({ requestId: REQUEST_ID }, (view) => views.push(view), browser);
  return { browser, stream, views, view: () => views.at(-1)! };
};

/** A stream that has shown a quote. */
const live = () => {
  const parts = setup();
  parts.browser.source.send('snapshot', WAITING_BODY, 'c1');
  parts.browser.source.send('heartbeat', { now: ACCEPTED_AT });
  parts.browser.source.send('quote', QUOTED_FRAME, 'c2');
  return parts;
};

describe('a stream', () => {
  test('shows snapshot and quotes as they come', () => {
    const { view } = live();
    expect(view()).toMatchObject({ phase: 'live', body: { quotes: [{ status: 'quoted' }, { status: 'waiting' }] } });
  });

  test('leaves a lost connection to the browser and keeps what was shown', () => {
    const { browser, view } = live();
    browser.source.interrupt();
    expect(view()).toMatchObject({ phase: 'connecting', body: { quotes: [{ status: 'quoted' }, {}] } });
    expect(browser.calls).toEqual([]);
    browser.source.send('heartbeat', { now: ACCEPTED_AT });
    expect(view().phase).toBe('live');
    expect(browser.sources).toHaveLength(1);
  });

  test('is closed for good at `done`', async () => {
    const { browser, view } = live();
    browser.source.send('done', { ...END, status: 'completed' }, 'c2.end');
    expect(view().phase).toBe('ended');
    await browser.pass(A_PAUSE_MS * 10);
    expect(browser.sources).toHaveLength(1);
    expect(browser.calls).toEqual([]);
    expect(browser.timersLeft).toBe(0);
  });

  test('says nothing after `close`, whatever was under way', async () => {
    const { browser, stream, views } = live();
    browser.source.giveUp();
    const count = views.length;
    stream.close();
    browser.source.interrupt();
    await browser.pass(A_PAUSE_MS * 10);
    expect(views).toHaveLength(count);
    expect(browser.timersLeft).toBe(0);
  });
});

describe('a stream that the browser gave up', () => {
  test('is opened again where it stood, after GET said that the request goes on', async () => {
    const { browser, view } = live();
    browser.answers.push(Response.json({ ...WAITING_BODY, cursor: 'c9' }));
    browser.source.giveUp();
    await browser.pass(0);
    expect(browser.calls[0]?.url).toMatch(/\/quotes\?cursor=c2$/);
    expect(browser.sources).toHaveLength(1);
    await browser.pass(A_PAUSE_MS);
    expect(browser.sources).toHaveLength(2);
    expect(browser.source.url).toMatch(/\/stream\?last_event_id=c9$/);
    browser.source.send('snapshot', WAITING_BODY, 'c9');
    expect(view().phase).toBe('live');
  });

  test('ends when GET says that the request is finished, as after a 204', async () => {
    const { browser, view } = setup();
    browser.answers.push(Response.json(COMPLETED));
    browser.source.giveUp();
    await browser.pass(0);
    expect(view()).toMatchObject({ phase: 'ended', body: { status: 'completed' } });
    expect(browser.timersLeft).toBe(0);
  });

  test.each([
    [401, 'no-access'],
    [404, 'not-found'],
  ])('is lost when GET says %i', async (status, refusal) => {
    const { browser, view } = setup();
    browser.answers.push(new Response('{}', { status }));
    browser.source.giveUp();
    await browser.pass(A_PAUSE_MS);
    expect(view()).toMatchObject({ phase: 'lost', refusal });
    expect(browser.sources).toHaveLength(1);
    expect(browser.timersLeft).toBe(0);
  });

  test('comes back after longer and longer pauses, never sooner than the server asked', async () => {
    const { browser } = setup();
    const failAgain = async (answer: Response | Error): Promise<void> => {
      browser.answers.push(answer);
      browser.source.giveUp();
      await browser.pass(0);
    };
    await failAgain(new TypeError('offline'));
    await browser.pass(1_000);
    expect(browser.sources).toHaveLength(2);
    await failAgain(new TypeError('offline'));
    await browser.pass(1_000);
    expect(browser.sources).toHaveLength(2);
    await browser.pass(1_000);
    expect(browser.sources).toHaveLength(3);
    await failAgain(new Response('{}', { status: 503, headers: { 'retry-after': '9' } }));
    await browser.pass(8_999);
    expect(browser.sources).toHaveLength(3);
    await browser.pass(1);
    expect(browser.sources).toHaveLength(4);
  });
});

describe('a stream that went mute', () => {
  test('is replaced after 40 s without any event', async () => {
    const { browser, view } = live();
    const [mute] = browser.sources;
    browser.answers.push(Response.json(WAITING_BODY));
    await browser.pass(39_999);
    expect(browser.calls).toEqual([]);
    await browser.pass(1);
    expect(mute?.readyState).toBe(2);
    expect(view().phase).toBe('connecting');
    await browser.pass(A_PAUSE_MS);
    expect(browser.sources).toHaveLength(2);
  });

  test('is not mute while heartbeats come', async () => {
    const { browser } = live();
    for (let beats = 0; beats < 4; beats += 1) {
      await browser.pass(15_000);
      browser.source.send('heartbeat', { now: ACCEPTED_AT });
    }
    expect(browser.calls).toEqual([]);
    expect(browser.sources).toHaveLength(1);
  });

  test('does not wait for ever for a GET that is mute too', async () => {
    const { browser } = live();
    await browser.pass(40_000);
    expect(browser.calls).toHaveLength(1);
    await browser.pass(10_000);
    await browser.pass(A_PAUSE_MS);
    expect(browser.sources).toHaveLength(2);
  });
});

describe('after the end with an insurer that missed its deadline', () => {
  const ended = () => {
    const parts = live();
    parts.browser.source.send('quote', { ...QUOTED_FRAME, ...TIMED_OUT, request_status: 'partial' }, 'c3');
    parts.browser.source.send('timeout', END, 'c3.end');
    return parts;
  };

  test('late answers are asked for and shown, until nobody is missing', async () => {
    const { browser, view } = ended();
    browser.answers.push(Response.json(PARTIAL, { headers: { etag: '"e3"' } }));
    await browser.pass(5_000);
    browser.answers.push(new Response(null, { status: 304 }));
    await browser.pass(5_000);
    const late = quoteOf('beta', { status: 'quoted', final: true, late: true, premium_kopecks: 1 });
    browser.answers.push(Response.json(bodyOf([QUOTED, late], { status: 'partial', cursor: 'c4' })));
    await browser.pass(5_000);
    expect(view()).toMatchObject({ phase: 'ended', body: { quotes: [{}, { status: 'quoted', late: true }] } });
    expect(browser.calls.map(({ headers }) => headers['if-none-match'])).toEqual([undefined, '"e3"', '"e3"']);
    expect(browser.calls[0]?.url).toMatch(/cursor=c3$/);
    expect(browser.timersLeft).toBe(0);
    expect(browser.sources).toHaveLength(1);
  });

  test('nobody asks beyond `late_until`, nor is a lost network shown', async () => {
    const { browser, view } = ended();
    browser.answers.push(new TypeError('offline'));
    await browser.pass(5_000);
    expect(view().phase).toBe('ended');
    expect(browser.timersLeft).toBe(1);
    browser.answers.push(Response.json(PARTIAL));
    await browser.pass(200_000);
    expect(browser.timersLeft).toBe(0);
    expect(browser.calls).toHaveLength(2);
  });

  test('a request that goes on again gets a new stream', async () => {
    const { browser, view } = ended();
    browser.answers.push(Response.json(bodyOf([QUOTED, quoteOf('beta', { attempt: 2 })], { revision: 2 })));
    await browser.pass(5_000);
    expect(view().phase).toBe('connecting');
    await browser.pass(1_000);
    expect(browser.sources).toHaveLength(2);
  });
});
