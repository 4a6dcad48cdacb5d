import { describe, expect, test } from '@jest/globals';
import { type FakeBrowser, FakeOrigin } from './fake-browser.ts';
import { ACCEPTED_AT, bodyOf, LATE_UNTIL, QUOTED, QUOTED_FRAME, quoteOf, REQUEST_ID, WAITING_BODY } from './quote-samples.ts';
import { openQuoteStream, type QuoteStreamHandle } from './quote-stream.ts';
import type { QuoteView } from './quote-view.ts';

const DONE = { status: 'completed', counts: { quoted: 1 }, late_until: LATE_UNTIL } as const;
const tagged = (body: unknown, etag: string): Response => Response.json(body, { headers: { etag } });

interface Tab {
  browser: FakeBrowser;
  stream: QuoteStreamHandle;
  view: () => QuoteView | undefined;
}

const setup = () => {
  const origin = new FakeOrigin(Date.parse(ACCEPTED_AT));
  const open = async (requestId = REQUEST_ID, prepare?: (browser: FakeBrowser) => void): Promise<Tab> => {
    const browser = origin.openTab();
    prepare?.(browser);
    let last: QuoteView | undefined;
    const stream = openQuoteStream({ requestId }, (view) => (last = view), browser);
    await origin.pass(0);
    return { browser, stream, view: () => last };
  };
  const streamsOpen = (): number => origin.tabs.reduce((sum, { streamsOpen: open }) => sum + open, 0);
  return { origin, open, streamsOpen };
};

/** The first tab leads and has shown a quote, the second follows. */
const two = async () => {
  const parts = setup();
  const leader = await parts.open();
  leader.browser.source.send('snapshot', WAITING_BODY, 'c1');
  leader.browser.source.send('heartbeat', { now: ACCEPTED_AT });
  const follower = await parts.open();
  leader.browser.source.send('quote', QUOTED_FRAME, 'c2');
  await parts.origin.pass(0);
  return { ...parts, leader, follower };
};

describe('the tabs of one request', () => {
  test('show the same with one connection', async () => {
    const { leader, follower, streamsOpen } = await two();
    expect(follower.view()).toEqual(leader.view());
    expect(follower.view()).toMatchObject({ phase: 'live', body: { quotes: [{ status: 'quoted' }, {}] } });
    expect(streamsOpen()).toBe(1);
    expect(follower.browser.calls).toEqual([]);
  });

  test('all end with the end that one of them was told, and hold nothing any more', async () => {
    const { origin, leader, follower, streamsOpen } = await two();
    leader.browser.source.send('done', DONE, 'c2.end');
    await origin.pass(120_000);
    expect(follower.view()).toMatchObject({ phase: 'ended', body: { status: 'completed' } });
    expect(streamsOpen()).toBe(0);
    expect(origin.timersLeft).toBe(0);
    expect(origin.held.size).toBe(0);
    expect(follower.browser.calls).toEqual([]);
  });

  test.each([
    ['closes', ({ stream }: Tab) => stream.close()],
    ['crashes', ({ browser }: Tab) => browser.crash()],
    ['goes into the back/forward cache', ({ browser }: Tab) => browser.emit('hide')],
  ])('go on from where they were when the leading one %s', async (_, leave) => {
    const { origin, leader, follower, streamsOpen } = await two();
    leave(leader);
    await origin.pass(0);
    expect(follower.browser.source.url).toMatch(/last_event_id=c2$/);
    expect(streamsOpen()).toBe(1);
    expect(follower.view()).toMatchObject({ body: { quotes: [{ status: 'quoted' }, {}] } });
  });

  test('ask for themselves every few seconds while the leading one says nothing, and follow it again after', async () => {
    const { origin, leader, follower } = await two();
    leader.browser.freeze();
    for (let asks = 0; asks < 30; asks += 1) {
      follower.browser.answers.push(tagged({ ...WAITING_BODY, quotes: [QUOTED, quoteOf('beta')], cursor: 'c2' }, '"e2"'));
    }
    await origin.pass(44_000);
    expect(follower.browser.calls).toEqual([]);
    await origin.pass(16_000);
    const { length } = follower.browser.calls;
    expect(length).toBeGreaterThan(2);
    expect(length).toBeLessThan(9);
    leader.browser.answers.push(Response.json({ ...WAITING_BODY, cursor: 'c2' }));
    leader.browser.thaw();
    await origin.pass(20_000);
    leader.browser.source.send('snapshot', { ...WAITING_BODY, cursor: 'c3' }, 'c3');
    await origin.pass(0);
    const after = follower.browser.calls.length;
    leader.browser.source.send('heartbeat', { now: ACCEPTED_AT });
    await origin.pass(14_000);
    expect(follower.browser.calls).toHaveLength(after);
  });

  test('are answered at once when they wake, without a request', async () => {
    const { origin, leader, follower } = await two();
    follower.browser.freeze();
    leader.browser.source.send('heartbeat', { now: ACCEPTED_AT });
    await origin.pass(10_000);
    follower.browser.thaw();
    await origin.pass(1_500);
    expect(follower.browser.calls).toEqual([]);
    expect(follower.view()).toEqual(leader.view());
  });

  test('are never taken back to where a new leading one is that has seen less', async () => {
    const { origin, leader, follower, open } = await two();
    // The third has asked the server for itself and is further than the leader has ever been.
    leader.browser.freeze();
    const third = await open();
    const further = bodyOf([QUOTED, quoteOf('beta', { status: 'declined', final: true })], { cursor: 'c7' });
    for (let asks = 0; asks < 30; asks += 1) third.browser.answers.push(tagged(further, '"e7"'));
    await origin.pass(5_000);
    expect(third.view()?.body?.quotes[1]?.status).toBe('declined');
    leader.browser.crash();
    await origin.pass(0);
    expect(follower.browser.source.url).toMatch(/last_event_id=c2$/);
    follower.browser.source.send('heartbeat', { now: ACCEPTED_AT });
    await origin.pass(5_000);
    expect(third.view()?.body?.quotes[1]?.status).toBe('declined');
    follower.browser.source.send('snapshot', further, 'c7');
    await origin.pass(0);
    const { length } = third.browser.calls;
    await origin.pass(14_000);
    expect(third.browser.calls).toHaveLength(length);
    expect(third.view()).toEqual(follower.view());
  });

  test('all go on after a retry in one of them', async () => {
    const { origin, leader, follower } = await two();
    leader.browser.source.send('done', DONE, 'c2.end');
    await origin.pass(0);
    const retried = bodyOf([QUOTED, quoteOf('beta', { attempt: 2 })], { revision: 2, cursor: 'c9' });
    for (const { browser } of [leader, follower]) {
      browser.answers.push(tagged(bodyOf([QUOTED], { status: 'completed', cursor: 'c2' }), '"e2"'), tagged(retried, '"e9"'));
    }
    follower.stream.restart({ cursor: 'c8', revision: 2 });
    await origin.pass(4_000);
    for (const { view } of [leader, follower]) expect(view()).toMatchObject({ body: { revision: 2 } });
    expect([leader, follower].filter(({ browser }) => browser.streamsOpen > 0)).toHaveLength(1);
  });

  test('that are refused say so only for themselves', async () => {
    const { origin, open } = setup();
    const first = await open();
    const second = await open();
    first.browser.answers.push(new Response('{}', { status: 401 }));
    first.browser.source.giveUp();
    await origin.pass(0);
    expect(first.view()).toMatchObject({ phase: 'lost' });
    expect(second.view()?.phase).not.toBe('lost');
    expect(second.browser.sources).toHaveLength(1);
  });
});

describe('seven tabs of seven requests', () => {
  const seven = async () => {
    const parts = setup();
    const tabs: Tab[] = [];
    const prepare = (browser: FakeBrowser): void => {
      browser.random = () => 0.5;
      browser.onCall = () => Promise.resolve(tagged(WAITING_BODY, '"e1"'));
    };
    for (let at = 0; at < 7; at += 1) tabs.push(await parts.open(`request-${at}`, prepare));
    return { ...parts, tabs };
  };

  test('have three streams; the others ask every three seconds', async () => {
    const { origin, tabs, streamsOpen } = await seven();
    const polling = tabs.slice(3);
    await origin.pass(10_000);
    expect(streamsOpen()).toBe(3);
    for (const { browser, view } of polling) {
      expect(view()?.phase).toBe('polling');
      expect(browser.sources).toEqual([]);
      expect(browser.calls.length).toBeGreaterThanOrEqual(3);
      expect(browser.calls.length).toBeLessThanOrEqual(5);
    }
  });

  test('hand on a stream that is closed', async () => {
    const { origin, tabs, streamsOpen } = await seven();
    tabs[0]!.stream.close();
    await origin.pass(4_000);
    expect(streamsOpen()).toBe(3);
  });
});
