import { describe, expect, test } from '@jest/globals';
import { type FakeBrowser, FakeOrigin } from './fake-browser.ts';
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
/** Longer than any pause before a new try and any between two asks. */
const A_PAUSE_MS = 15_000;
const FIRST_FRAME_MS = 6_000;
const SILENCE_MS = 25_000;
const UNCHANGED = (): Response => new Response(null, { status: 304 });
const tagged = (body: unknown, etag: string): Response => Response.json(body, { headers: { etag } });

const setup = async (browser: FakeBrowser = new FakeOrigin(Date.parse(ACCEPTED_AT)).openTab()) => {
  const views: QuoteView[] = [];
  const stream = openQuoteStream({ requestId: REQUEST_ID }, (view) => views.push(view), browser);
  await browser.pass(0);
  return { browser, stream, views, view: () => views.at(-1)! };
};

/** A stream that has shown a quote. */
const live = async () => {
  const parts = await setup();
  parts.browser.source.send('snapshot', WAITING_BODY, 'c1');
  parts.browser.source.send('heartbeat', { now: ACCEPTED_AT });
  parts.browser.source.send('quote', QUOTED_FRAME, 'c2');
  return parts;
};

/** Three streams have failed: GETs take their place. */
const polling = async () => {
  const parts = await setup();
  for (let failures = 0; failures < 3; failures += 1) {
    parts.browser.answers.push(tagged(WAITING_BODY, '"e1"'));
    parts.browser.source.giveUp();
    // The pause before the third stream is two seconds at most; no pause of polling is over.
    await parts.browser.pass(failures < 2 ? 2_000 : 0);
  }
  return parts;
};

describe('a stream', () => {
  test('shows snapshot and quotes as they come', async () => {
    const { view } = await live();
    expect(view()).toMatchObject({ phase: 'live', body: { quotes: [{ status: 'quoted' }, { status: 'waiting' }] } });
  });

  test('leaves a lost connection to the browser and keeps what was shown', async () => {
    const { browser, view } = await live();
    await browser.pass(5_000);
    browser.source.interrupt();
    expect(view()).toMatchObject({ phase: 'connecting', body: { quotes: [{ status: 'quoted' }, {}] } });
    expect(browser.calls).toEqual([]);
    browser.source.send('heartbeat', { now: ACCEPTED_AT });
    expect(view().phase).toBe('live');
    expect(browser.sources).toHaveLength(1);
  });

  test('is not shown as lost when its pod said goodbye and the next one is there within five seconds', async () => {
    const { browser, view, views } = await live();
    for (let pods = 0; pods < 3; pods += 1) {
      await browser.pass(5_000);
      browser.source.send('bye', {});
      browser.source.interrupt();
      await browser.pass(2_000);
      // One that is draining, too.
      browser.source.send('bye', {});
      browser.source.interrupt();
      await browser.pass(4_999);
      browser.source.send('snapshot', WAITING_BODY, 'c2');
      browser.source.send('heartbeat', { now: ACCEPTED_AT });
    }
    expect(new Set(views.map(({ phase }) => phase))).toEqual(new Set(['live']));
    expect(browser.sources).toHaveLength(1);
    browser.source.send('bye', {});
    browser.source.interrupt();
    await browser.pass(4_999);
    expect(view().phase).toBe('live');
    await browser.pass(1);
    expect(view().phase).toBe('connecting');
    await browser.pass(11_000);
    expect(browser.calls).toHaveLength(1);
  });

  test('is shown as lost when its pod said goodbye and the next connection fails', async () => {
    const { browser, view } = await live();
    browser.source.send('bye', {});
    browser.source.interrupt();
    expect(view().phase).toBe('live');
    browser.source.interrupt();
    expect(view().phase).toBe('connecting');
    browser.source.send('snapshot', WAITING_BODY, 'c2');
    browser.source.send('bye', {});
    browser.source.giveUp();
    expect(view().phase).toBe('connecting');
  });

  test('is closed for good at `done`', async () => {
    const { browser, view } = await live();
    browser.source.send('done', { ...END, status: 'completed' }, 'c2.end');
    expect(view().phase).toBe('ended');
    await browser.pass(A_PAUSE_MS * 10);
    browser.emit('wake');
    await browser.pass(A_PAUSE_MS * 10);
    expect(browser.sources).toHaveLength(1);
    expect(browser.calls).toEqual([]);
    expect(browser.timersLeft).toBe(0);
  });

  test('says nothing after `close`, whatever was under way', async () => {
    const { browser, stream, views } = await live();
    browser.source.giveUp();
    const count = views.length;
    stream.close();
    browser.source.interrupt();
    browser.emit('wake');
    await browser.pass(A_PAUSE_MS * 10);
    expect(views).toHaveLength(count);
    expect(browser.timersLeft).toBe(0);
  });
});

describe('a stream that the browser gave up', () => {
  test('is opened again where it stood, after GET said that the request goes on', async () => {
    const { browser, view } = await live();
    browser.answers.push(Response.json({ ...WAITING_BODY, cursor: 'c9' }));
    browser.source.giveUp();
    await browser.pass(0);
    expect(browser.calls[0]?.url).toMatch(/\/quotes\?cursor=c2$/);
    expect(browser.sources).toHaveLength(1);
    await browser.pass(1_000);
    expect(browser.sources).toHaveLength(2);
    expect(browser.source.url).toMatch(/\/stream\?last_event_id=c9$/);
    browser.source.send('snapshot', WAITING_BODY, 'c9');
    expect(view().phase).toBe('live');
  });

  test('ends when GET says that the request is finished, as after a 204', async () => {
    const { browser, view } = await setup();
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
    const { browser, view } = await setup();
    browser.answers.push(new Response('{}', { status }));
    browser.source.giveUp();
    await browser.pass(A_PAUSE_MS);
    expect(view()).toMatchObject({ phase: 'lost', refusal });
    expect(browser.sources).toHaveLength(1);
    expect(browser.timersLeft).toBe(0);
  });

  test('comes back after longer and longer pauses, never sooner than the server asked', async () => {
    const { browser } = await setup();
    const failAgain = async (answer: Response | Error): Promise<void> => {
      browser.answers.push(answer);
      browser.source.giveUp();
      await browser.pass(0);
    };
    await failAgain(new TypeError('offline'));
    await browser.pass(1_000);
    expect(browser.sources).toHaveLength(2);
    await failAgain(new Response('{}', { status: 503, headers: { 'retry-after': '9' } }));
    await browser.pass(8_999);
    expect(browser.sources).toHaveLength(2);
    await browser.pass(1);
    expect(browser.sources).toHaveLength(3);
  });
});

describe('a stream that went mute', () => {
  test('gives way to held GETs when no event came for longer than a heartbeat and a slow network take', async () => {
    const { browser, view } = await live();
    browser.answers.push(tagged(WAITING_BODY, '"e1"'));
    await browser.pass(SILENCE_MS - 1);
    expect(browser.calls).toEqual([]);
    await browser.pass(1);
    expect(browser.source.readyState).toBe(2);
    expect(view().phase).toBe('polling');
    await browser.pass(4_000);
    expect(browser.calls.map(({ headers }) => headers['prefer'])).toEqual([undefined, 'wait=25']);
    expect(browser.sources).toHaveLength(1);
  });

  test('gives way sooner when it was connected and never said anything', async () => {
    const { browser, view } = await setup();
    browser.answers.push(tagged(WAITING_BODY, '"e1"'));
    browser.source.open();
    await browser.pass(FIRST_FRAME_MS);
    expect(browser.source.readyState).toBe(2);
    expect(browser.calls).toHaveLength(1);
    expect(view().phase).toBe('polling');
  });

  test('is only replaced when it was never connected', async () => {
    const { browser, view } = await setup();
    browser.answers.push(tagged(WAITING_BODY, '"e1"'));
    await browser.pass(FIRST_FRAME_MS);
    expect(browser.calls).toHaveLength(1);
    expect(view().phase).toBe('connecting');
    await browser.pass(A_PAUSE_MS);
    expect(browser.sources.length).toBeGreaterThanOrEqual(2);
  });

  test('is tried again later, and stays when it lives', async () => {
    const { browser, view } = await live();
    browser.onCall = () => Promise.resolve(UNCHANGED());
    browser.answers.push(tagged(WAITING_BODY, '"e1"'));
    await browser.pass(SILENCE_MS);
    await browser.pass(46_000);
    expect(browser.sources).toHaveLength(2);
    browser.source.send('snapshot', WAITING_BODY, 'c1');
    for (let beats = 0; beats < 3; beats += 1) {
      browser.source.send('heartbeat', { now: ACCEPTED_AT });
      await browser.pass(15_000);
    }
    expect(view().phase).toBe('live');
    expect(browser.sources).toHaveLength(2);
  });

  test('has the time that a busy server asks for before it is connected again', async () => {
    const { browser } = await live();
    await browser.pass(5_000);
    browser.source.interrupt();
    await browser.pass(15_000);
    expect(browser.calls).toEqual([]);
    await browser.pass(1_000);
    expect(browser.calls).toHaveLength(1);
  });

  test('is not mute while heartbeats come', async () => {
    const { browser } = await live();
    for (let beats = 0; beats < 4; beats += 1) {
      await browser.pass(15_000);
      browser.source.send('heartbeat', { now: ACCEPTED_AT });
    }
    expect(browser.calls).toEqual([]);
    expect(browser.sources).toHaveLength(1);
  });

  test('does not wait for ever for a GET that is mute too', async () => {
    const { browser } = await live();
    await browser.pass(SILENCE_MS);
    expect(browser.calls).toHaveLength(1);
    await browser.pass(11_000);
    expect(browser.calls).toHaveLength(2);
  });
});

describe('after three failures in a row', () => {
  test('GETs that the server holds for news take the place of the stream', async () => {
    const { browser, view } = await polling();
    expect(view().phase).toBe('polling');
    expect(browser.streamsOpen).toBe(0);
    expect(browser.calls.at(-1)?.headers['prefer']).toBeUndefined();
    await browser.pass(4_000);
    expect(browser.calls.at(-1)).toMatchObject({ headers: { 'if-none-match': '"e1"', prefer: 'wait=25' } });
    expect(browser.calls.at(-1)?.url).toMatch(/cursor=c1$/);
    expect(browser.streamsOpen).toBe(0);
  });

  test('connections that are cut at once count, a goodbye does not', async () => {
    const { browser, view } = await live();
    for (let goodbyes = 0; goodbyes < 5; goodbyes += 1) {
      browser.source.send('snapshot', WAITING_BODY, 'c2');
      browser.source.send('bye', {});
      browser.source.interrupt();
    }
    expect(browser.calls).toEqual([]);
    browser.answers.push(tagged(WAITING_BODY, '"e1"'));
    for (let cuts = 0; cuts < 3; cuts += 1) {
      browser.source.send('snapshot', WAITING_BODY, 'c2');
      browser.source.interrupt();
    }
    await browser.pass(0);
    expect(view().phase).toBe('polling');
  });

  test('a network that is away is shown, and polling goes on when it is back', async () => {
    const { browser, view } = await polling();
    browser.answers.push(new TypeError('offline'), UNCHANGED());
    await browser.pass(4_000);
    expect(view().phase).toBe('connecting');
    await browser.pass(1_000);
    expect(view().phase).toBe('polling');
  });

  test('a server that does not hold its answers is asked every few seconds', async () => {
    const { browser } = await polling();
    const before = browser.calls.length;
    for (let asks = 0; asks < 30; asks += 1) browser.answers.push(UNCHANGED());
    await browser.pass(30_000);
    expect(browser.calls.length - before).toBeLessThanOrEqual(9);
  });

  test('a stream is tried again, and stays when it lives', async () => {
    const { browser, view } = await polling();
    for (let asks = 0; asks < 30; asks += 1) browser.answers.push(UNCHANGED());
    await browser.pass(50_000);
    expect(browser.sources).toHaveLength(4);
    expect(view().phase).toBe('polling');
    browser.answers.length = 0;
    browser.source.send('snapshot', WAITING_BODY, 'c1');
    for (let beats = 0; beats < 3; beats += 1) {
      browser.source.send('heartbeat', { now: ACCEPTED_AT });
      await browser.pass(15_000);
    }
    expect(view().phase).toBe('live');
    expect(browser.sources).toHaveLength(4);
  });

  test('one more failure is enough to go back to polling, for longer', async () => {
    const { browser, view } = await polling();
    for (let asks = 0; asks < 100; asks += 1) browser.answers.push(UNCHANGED());
    await browser.pass(50_000);
    browser.source.giveUp();
    await browser.pass(80_000);
    expect(view().phase).toBe('polling');
    expect(browser.sources).toHaveLength(4);
    await browser.pass(15_000);
    expect(browser.sources).toHaveLength(5);
  });
});

describe('a page that wakes', () => {
  test('asks at once and opens a new stream, for the old one may be dead', async () => {
    const { browser, view } = await live();
    await browser.pass(10_000);
    browser.answers.push(Response.json({ ...WAITING_BODY, cursor: 'c5' }));
    browser.emit('wake');
    await browser.pass(0);
    expect(browser.calls).toHaveLength(1);
    expect(browser.sources).toHaveLength(2);
    expect(browser.sources[0]?.readyState).toBe(2);
    expect(browser.source.url).toMatch(/last_event_id=c5$/);
    expect(view().phase).toBe('live');
  });

  test('asks at once while polling', async () => {
    const { browser } = await polling();
    await browser.pass(4_000);
    const before = browser.calls.length;
    browser.emit('wake');
    await browser.pass(0);
    expect(browser.calls).toHaveLength(before + 1);
    expect(browser.calls.at(-1)?.headers['prefer']).toBeUndefined();
  });

  test('does nothing right after a sign of life', async () => {
    const { browser } = await live();
    await browser.pass(2_000);
    browser.emit('wake');
    await browser.pass(0);
    expect(browser.calls).toEqual([]);
    expect(browser.source.readyState).toBe(1);
  });

  test('has nothing open while it is in the back/forward cache, and asks when it is back', async () => {
    const { browser, view } = await live();
    browser.emit('hide');
    await browser.pass(A_PAUSE_MS * 10);
    expect(browser.streamsOpen).toBe(0);
    expect(browser.calls).toEqual([]);
    expect(browser.timersLeft).toBe(0);
    browser.answers.push(Response.json({ ...WAITING_BODY, cursor: 'c6' }));
    browser.emit('show');
    await browser.pass(0);
    expect(browser.calls[0]?.url).toMatch(/cursor=c2$/);
    expect(browser.source.url).toMatch(/last_event_id=c6$/);
    expect(view().phase).not.toBe('ended');
  });

  test('asks for what came in the late window although it slept through it', async () => {
    const { browser, view } = await live();
    browser.source.send('quote', { ...QUOTED_FRAME, ...TIMED_OUT, request_status: 'partial' }, 'c3');
    browser.source.send('timeout', END, 'c3.end');
    browser.emit('hide');
    await browser.pass(600_000);
    const late = quoteOf('beta', { status: 'quoted', final: true, late: true, premium_kopecks: 1 });
    browser.answers.push(tagged(bodyOf([QUOTED, late], { status: 'partial', cursor: 'c4' }), '"e4"'));
    browser.emit('show');
    await browser.pass(0);
    expect(view()).toMatchObject({ phase: 'ended', body: { quotes: [{}, { late: true }] } });
    expect(browser.timersLeft).toBe(0);
  });
});

describe('after the end with an insurer that missed its deadline', () => {
  const ended = async () => {
    const parts = await live();
    parts.browser.source.send('quote', { ...QUOTED_FRAME, ...TIMED_OUT, request_status: 'partial' }, 'c3');
    parts.browser.source.send('timeout', END, 'c3.end');
    return parts;
  };

  test('late answers are waited for and shown, until nobody is missing', async () => {
    const { browser, view } = await ended();
    browser.answers.push(tagged(PARTIAL, '"e3"'));
    await browser.pass(2_000);
    const late = quoteOf('beta', { status: 'quoted', final: true, late: true, premium_kopecks: 1 });
    browser.answers.push(tagged(bodyOf([QUOTED, late], { status: 'partial', cursor: 'c4' }), '"e4"'));
    await browser.pass(2_000);
    expect(view()).toMatchObject({ phase: 'ended', body: { quotes: [{}, { status: 'quoted', late: true }] } });
    expect(browser.calls.map(({ headers }) => headers['prefer'])).toEqual([undefined, 'wait=25']);
    expect(browser.calls[0]?.url).toMatch(/cursor=c3$/);
    expect(browser.timersLeft).toBe(0);
    expect(browser.sources).toHaveLength(1);
  });

  test('nobody asks beyond the first answer after `late_until`, nor is a lost network shown', async () => {
    const { browser, view } = await ended();
    browser.answers.push(new TypeError('offline'));
    await browser.pass(2_000);
    expect(view().phase).toBe('ended');
    expect(browser.timersLeft).toBe(1);
    await browser.pass(200_000);
    browser.answers.push(tagged(PARTIAL, '"e3"'));
    await browser.pass(60_000);
    expect(browser.timersLeft).toBe(0);
    expect(browser.answers).toEqual([]);
  });

  test('a request that goes on again gets a new stream', async () => {
    const { browser, view } = await ended();
    browser.answers.push(Response.json(bodyOf([QUOTED, quoteOf('beta', { attempt: 2 })], { revision: 2 })));
    await browser.pass(2_000);
    expect(view().phase).toBe('connecting');
    await browser.pass(2_000);
    expect(browser.sources).toHaveLength(2);
  });
});

describe('restart', () => {
  const RETRIED = bodyOf([QUOTED, quoteOf('beta', { attempt: 2 })], { revision: 2, cursor: 'c9' });

  test('takes up a request that was over where the retry left it', async () => {
    const { browser, stream, view } = await live();
    browser.source.send('done', { ...END, status: 'completed' }, 'c2.end');
    await browser.pass(A_PAUSE_MS);
    browser.answers.push(tagged(COMPLETED, '"e2"'), tagged(RETRIED, '"e9"'));
    stream.restart({ cursor: 'c8', revision: 2 });
    expect(view()).toMatchObject({ phase: 'connecting', body: { quotes: [{ status: 'quoted' }, {}] } });
    await browser.pass(2_000);
    expect(browser.calls.map(({ url }) => url.split('?')[1])).toEqual(['cursor=c2', 'cursor=c8']);
    expect(browser.calls[1]?.headers['if-none-match']).toBe('"e2"');
    expect(browser.source.url).toMatch(/last_event_id=c9$/);
    expect(view().body?.quotes[1]).toMatchObject({ attempt: 2, status: 'waiting' });
  });

  test('is not satisfied by a pod that has not heard of the retry', async () => {
    const { browser, stream, view } = await live();
    browser.source.send('done', { ...END, status: 'completed' }, 'c2.end');
    browser.answers.push(tagged(COMPLETED, '"e2"'), UNCHANGED(), tagged(RETRIED, '"e9"'));
    stream.restart({ cursor: 'c8', revision: 2 });
    await browser.pass(0);
    expect(view().phase).toBe('connecting');
    await browser.pass(4_000);
    expect(browser.calls).toHaveLength(3);
    expect(view().body?.revision).toBe(2);
  });

  test('does not wait for ever for a retry that never comes', async () => {
    const { browser, stream, view } = await live();
    browser.source.send('done', { ...END, status: 'completed' }, 'c2.end');
    browser.onCall = () => Promise.resolve(tagged(COMPLETED, '"e2"'));
    stream.restart({ cursor: 'c8', revision: 2 });
    await browser.pass(70_000);
    expect(view().phase).toBe('ended');
    expect(browser.timersLeft).toBe(0);
  });
});

describe('a browser without Web Locks', () => {
  test('asks every three seconds, and opens no stream', async () => {
    const browser = new FakeOrigin(Date.parse(ACCEPTED_AT)).openTab();
    browser.locks = undefined;
    browser.random = () => 0.5;
    for (let asks = 0; asks < 30; asks += 1) browser.answers.push(tagged(WAITING_BODY, '"e1"'));
    const { view } = await setup(browser);
    await browser.pass(60_000);
    expect(view().phase).toBe('polling');
    expect(browser.sources).toEqual([]);
    expect(browser.calls).toHaveLength(21);
    expect(browser.calls.every(({ headers }) => headers['prefer'] === undefined)).toBe(true);
  });
});
