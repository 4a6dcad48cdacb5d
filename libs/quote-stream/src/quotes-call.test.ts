import { describe, expect, test } from '@jest/globals';
import { API_PREFIX as CONTRACT_PREFIX } from '@osago/contracts';
import { type FakeCall, FakeOrigin } from './fake-browser.ts';
import { REQUEST_ID, WAITING_BODY } from './quote-samples.ts';
import { API_PREFIX, askQuotes, type QuotesAnswer, type Seen, type StreamTarget, streamUrl } from './quotes-call.ts';

const PATH = `/api/osago/requests/${REQUEST_ID}`;
const target: StreamTarget = { requestId: REQUEST_ID };

const ask = async (
  answer: Response | Error,
  { seen = {}, of = target, waitS = 0 }: { seen?: Seen; of?: StreamTarget; waitS?: number } = {},
): Promise<{ answer: QuotesAnswer; call: FakeCall }> => {
  const browser = new FakeOrigin(0).openTab();
  browser.answers.push(answer);
  const { signal } = new AbortController();
  return { answer: await askQuotes(browser, of, seen, { waitS, signal }), call: browser.calls[0]! };
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
    const { answer, call } = await ask(Response.json(WAITING_BODY, { headers: { etag: '"e1"' } }));
    expect(answer).toEqual({ kind: 'body', body: WAITING_BODY, etag: '"e1"' });
    expect(call).toMatchObject({ url: `${PATH}/quotes`, headers: { accept: 'application/json' } });
  });

  test('gives the server clock that came along', async () => {
    const headers = { date: 'Sat, 21 Nov 2026 09:00:00 GMT' };
    const { answer } = await ask(Response.json(WAITING_BODY, { headers }));
    expect(answer).toMatchObject({ serverNowMs: Date.parse('2026-11-21T09:00:00Z') });
  });

  test.each([
    ['with the ETag of what was seen', { etag: '"e1"' }, 'wait=25'],
    ['but not without, for then it is answered at once', {}, undefined],
  ])('asks the server to hold the answer for news %s', async (_, seen, prefer) => {
    const { call } = await ask(Response.json(WAITING_BODY), { seen, waitS: 25 });
    expect(call.headers['prefer']).toBe(prefer);
  });

  test('asks for nothing older than what was seen, and for nothing seen', async () => {
    const { answer, call } = await ask(new Response(null, { status: 304 }), {
      seen: { cursor: 'c2', etag: '"e2"' },
    });
    expect(answer).toEqual({ kind: 'unchanged' });
    expect(call.url).toBe(`${PATH}/quotes?cursor=c2`);
    expect(call.headers).toMatchObject({ 'if-none-match': '"e2"' });
  });

  test('sends a token as a header, never in the address', async () => {
    const { call } = await ask(Response.json(WAITING_BODY), { of: { ...target, accessToken: 'v1.a.b' } });
    expect(call).toMatchObject({ url: `${PATH}/quotes`, headers: { authorization: 'Bearer v1.a.b' } });
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
