import { describe, expect, test } from '@jest/globals';
import { API_PREFIX as CONTRACT_PREFIX } from '@osago/contracts';
import { FakeBrowser } from './fake-browser.ts';
import { REQUEST_ID, WAITING_BODY } from './quote-samples.ts';
import { API_PREFIX, askQuotes, type QuotesAnswer, type Seen, type StreamTarget, streamUrl } from './quotes-call.ts';

const PATH = `/api/osago/requests/${REQUEST_ID}`;
const target: StreamTarget = { requestId: REQUEST_ID };

const ask = async (
  answer: Response | Error,
  { seen = {}, of = target }: { seen?: Seen; of?: StreamTarget } = {},
): Promise<{ answer: QuotesAnswer; browser: FakeBrowser }> => {
  const browser = new FakeBrowser(0);
  browser.answers.push(answer);
  return { answer: await askQuotes(browser, of, seen, new AbortController().signal), browser };
};

test('the prefix is the one of the contract', () => {
  expect(API_PREFIX).toBe(CONTRACT_PREFIX);
});

describe('streamUrl', () => {
  test('is bare for the holder of the cookie', () => {
    expect(streamUrl(target, {})).toBe(`${PATH}/stream`);
  });

  test('carries origin, token and the last id that was seen', () => {
    const elsewhere = { ...target, baseUrl: 'https://quotes.example', accessToken: 'v1.a.b' };
    expect(streamUrl(elsewhere, { cursor: 'c 1' })).toBe(
      `https://quotes.example${PATH}/stream?last_event_id=c%201&access_token=v1.a.b`,
    );
  });
});

describe('askQuotes', () => {
  test('gives the body and its ETag', async () => {
    const { answer, browser } = await ask(Response.json(WAITING_BODY, { headers: { etag: '"e1"' } }));
    expect(answer).toEqual({ kind: 'body', body: WAITING_BODY, etag: '"e1"' });
    expect(browser.calls).toEqual([{ url: `${PATH}/quotes`, headers: { accept: 'application/json' } }]);
  });

  test('asks for nothing older than what was seen, and for nothing seen', async () => {
    const { answer, browser } = await ask(new Response(null, { status: 304 }), {
      seen: { cursor: 'c2', etag: '"e2"' },
    });
    expect(answer).toEqual({ kind: 'unchanged' });
    expect(browser.calls[0]?.url).toBe(`${PATH}/quotes?cursor=c2`);
    expect(browser.calls[0]?.headers).toMatchObject({ 'if-none-match': '"e2"' });
  });

  test('sends a token as a header, never in the address', async () => {
    const { browser } = await ask(Response.json(WAITING_BODY), { of: { ...target, accessToken: 'v1.a.b' } });
    expect(browser.calls[0]).toMatchObject({ url: `${PATH}/quotes`, headers: { authorization: 'Bearer v1.a.b' } });
  });

  test.each([
    [401, 'no-access'],
    [404, 'not-found'],
  ])('takes %i as a refusal', async (status, refusal) => {
    expect((await ask(new Response('{}', { status }))).answer).toEqual({ kind: 'refused', refusal });
  });

  test.each([
    ['a lost network', new TypeError('network'), 0],
    ['a page instead of JSON', new Response('<html>'), 0],
    ['a pod that is behind', new Response('{}', { status: 503, headers: { 'retry-after': '2' } }), 2_000],
    ['a date as Retry-After', new Response('', { status: 503, headers: { 'retry-after': 'Sat' } }), 0],
    ['an hour as Retry-After', new Response('', { status: 503, headers: { 'retry-after': '3600' } }), 30_000],
  ])('takes %s as unavailable', async (_, answer, retryAfterMs) => {
    expect((await ask(answer)).answer).toEqual({ kind: 'unavailable', retryAfterMs });
  });
});
