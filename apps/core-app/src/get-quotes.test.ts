/** The quotes over a real socket, with a clock that stands still. */
import { afterEach, describe, expect, test } from '@jest/globals';
import { HELD_MAX, startTestApi } from './testing-api.ts';
import { Cleanup, leg, PARTITION, REQUEST_ID, submitted, turn, until } from './testing-events.ts';
import { type Exchange, fetchAll } from './testing-http.ts';

const cleanup = new Cleanup();
afterEach(() => cleanup.run());

const PATH = `/api/osago/requests/${REQUEST_ID}/quotes`;

const setup = async () => {
  const api = await startTestApi(cleanup);
  api.showcase.apply(submitted({ alpha: 60_000 }), PARTITION, 0);
  const get = (headers: Readonly<Record<string, string>> = {}, query = ''): Promise<Exchange> =>
    fetchAll(`${api.origin}${PATH}${query}`, { headers: { ...api.authorization, ...headers } });
  const happen = (status: Parameters<typeof leg>[1], offset: number): void =>
    api.showcase.apply(leg('alpha', status, { step: offset }), PARTITION, offset);
  /** A call that is held: it has read the request and waits. */
  const hold = async (headers: Readonly<Record<string, string>>, query = ''): Promise<{ answer: Promise<Exchange> }> => {
    const { reads } = api.reader;
    const answer = get(headers, query);
    await until(() => api.reader.reads > reads);
    await turn();
    return { answer };
  };
  const etag = async (): Promise<string> => (await get()).headers.etag!;
  return { ...api, get, happen, hold, etag };
};

const isPending = async (answer: Promise<Exchange>): Promise<boolean> => {
  await turn();
  return (await Promise.race([answer, Promise.resolve('pending')])) === 'pending';
};

const cursorAt = (quotesOffset: number): string => `1_e1_${REQUEST_ID}_${PARTITION}_0_${quotesOffset}_-1_1_o`;

describe('GET quotes', () => {
  test('answers with the body of the snapshot and an ETag', async () => {
    const { bodies, get, showcase } = await setup();
    const answer = await get();
    expect(answer.status).toBe(200);
    expect(answer.headers).toMatchObject({ 'content-type': 'application/json', 'cache-control': 'private, no-cache' });
    const { body, etag } = bodies.render(showcase.get(REQUEST_ID)!);
    expect(answer.json()).toEqual(body);
    expect(answer.headers.etag).toBe(etag);
  });

  test('answers a HEAD with the same head and no body', async () => {
    const { authorization, etag, origin } = await setup();
    const answer = await fetchAll(`${origin}${PATH}`, { method: 'HEAD', headers: authorization });
    expect([answer.status, answer.headers.etag, answer.text()]).toEqual([200, await etag(), '']);
  });

  test('is for those who have the token', async () => {
    const { access, origin } = await setup();
    const unknownId = REQUEST_ID.replace(/.$/, '2');
    const authorization = `Bearer ${access.token(unknownId)}`;
    expect((await fetchAll(`${origin}${PATH}`)).status).toBe(401);
    expect((await fetchAll(`${origin}${PATH}`, { headers: { authorization } })).status).toBe(404);
    const unknown = PATH.replace(REQUEST_ID, unknownId);
    expect((await fetchAll(`${origin}${unknown}`, { headers: { authorization } })).status).toBe(404);
  });

  test('finds the request whatever the case of its id', async () => {
    const { authorization, origin } = await setup();
    const path = PATH.replace(REQUEST_ID, REQUEST_ID.toUpperCase());
    expect((await fetchAll(`${origin}${path}`, { headers: authorization })).status).toBe(200);
  });

  test.each(['POST', 'PUT', 'DELETE', 'OPTIONS'])('answers a %s with 405 and what it offers', async (method) => {
    const { authorization, origin } = await setup();
    const answer = await fetchAll(`${origin}${PATH}`, { method, headers: authorization });
    expect([answer.status, answer.headers['allow']]).toEqual([405, 'GET, HEAD']);
  });
});

describe('If-None-Match', () => {
  test('of what is shown is a 304, also when a proxy has made the ETag weak', async () => {
    const { etag, get } = await setup();
    const known = await etag();
    for (const given of [known, `W/${known}`]) {
      const answer = await get({ 'if-none-match': given });
      expect([answer.status, answer.text(), answer.headers.etag]).toEqual([304, '', known]);
    }
  });

  test('of what was shown before is a 200', async () => {
    const { etag, get, happen } = await setup();
    const known = await etag();
    happen('quoted', 3);
    expect((await get({ 'if-none-match': known })).status).toBe(200);
  });

  test.each(['"of somebody else"', '*', 'garbage'])('that is not ours (%s) is a 200 at once', async (given) => {
    const { get } = await setup();
    expect((await get({ 'if-none-match': given, prefer: 'wait=30' })).status).toBe(200);
  });

  test('of a pod that is ahead is held for two seconds, then a 304 that takes nothing back', async () => {
    const { clock, etag, happen, hold } = await setup();
    const ahead = (await etag()).replace(cursorAt(-1), cursorAt(9));
    const { answer } = await hold({ 'if-none-match': ahead });
    clock.advance(1_999);
    happen('submitted', 3);
    expect(await isPending(answer)).toBe(true);
    clock.advance(1);
    happen('estimated', 4);
    expect((await answer).status).toBe(304);
    expect((await answer).headers.etag).toBe(ahead);
  });

  test('of a pod that is ahead is answered when this one has caught up', async () => {
    const { etag, happen, hold } = await setup();
    const ahead = (await etag()).replace(cursorAt(-1), cursorAt(4));
    const { answer } = await hold({ 'if-none-match': ahead });
    happen('submitted', 5);
    expect((await answer).status).toBe(200);
    expect((await answer).json()).toMatchObject({ cursor: cursorAt(5), quotes: [{ status: 'submitted' }] });
  });
});

describe('Prefer: wait', () => {
  test('holds the answer until something newer comes', async () => {
    const { etag, happen, hold } = await setup();
    const { answer } = await hold({ 'if-none-match': await etag(), prefer: 'respond-async, wait=20' });
    expect(await isPending(answer)).toBe(true);
    happen('quoted', 3);
    expect((await answer).json()).toMatchObject({ status: 'completed' });
  });

  test('holds the answer until the clock ends a leg', async () => {
    const { clock, etag, hold, showcase } = await setup();
    const { answer } = await hold({ 'if-none-match': await etag(), prefer: 'wait=30' });
    clock.advance(61_000);
    // The request's own record comes again, with a newer offset nowhere: only the clock has changed what is shown.
    showcase.apply(submitted({ alpha: 60_000 }), PARTITION, 0);
    expect((await answer).json()).toMatchObject({ status: 'no_offers', quotes: [{ status: 'timeout' }] });
  });

  test('is a 304 when the time is up, which is never more than thirty seconds', async () => {
    const { clock, etag, hold, showcase } = await setup();
    const known = await etag();
    const { answer } = await hold({ 'if-none-match': known, prefer: 'wait=600' });
    const touch = (): void => showcase.apply(submitted({ alpha: 60_000 }), PARTITION, 0);
    clock.advance(29_999);
    touch();
    expect(await isPending(answer)).toBe(true);
    clock.advance(1);
    touch();
    expect((await answer).status).toBe(304);
  });

  test('without an ETag answers at once', async () => {
    const { get } = await setup();
    expect((await get({ prefer: 'wait=30' })).status).toBe(200);
  });

  test('answers at once when nothing more can come, and holds while a late answer still may', async () => {
    const { clock, etag, get, happen, hold } = await setup();
    clock.advance(61_000);
    const late = await etag();
    const { answer } = await hold({ 'if-none-match': late, prefer: 'wait=30' });
    expect(await isPending(answer)).toBe(true);
    happen('quoted', 3);
    expect((await answer).status).toBe(200);
    expect((await get({ 'if-none-match': await etag(), prefer: 'wait=30' })).status).toBe(304);
  });

  test('holds so many and no more; one beyond is answered at once, and one who comes after is held again', async () => {
    const { etag, happen, hold } = await setup();
    const headers = { 'if-none-match': await etag(), prefer: 'wait=30' };
    const holds: { answer: Promise<Exchange> }[] = [];
    for (let count = 0; count < HELD_MAX; count += 1) holds.push(await hold(headers));
    expect((await (await hold(headers)).answer).status).toBe(304);
    happen('submitted', 3);
    for (const { answer } of holds) expect((await answer).status).toBe(200);
    const { answer } = await hold({ ...headers, 'if-none-match': await etag() });
    expect(await isPending(answer)).toBe(true);
    happen('quoted', 4);
    expect((await answer).status).toBe(200);
  });

  test('is over when the pod is about to stop: an answer, and not by this connection again', async () => {
    const { drain, etag, get, hold } = await setup();
    const known = await etag();
    const { answer } = await hold({ 'if-none-match': known, prefer: 'wait=30' });
    await drain();
    expect([(await answer).status, (await answer).headers.connection]).toEqual([304, 'close']);
    const later = await get({ 'if-none-match': known, prefer: 'wait=30' });
    expect([later.status, later.headers.connection]).toEqual([304, 'close']);
  });

  test('lets go when the caller does', async () => {
    const { etag, hold, showcase } = await setup();
    const { answer } = await hold({ 'if-none-match': await etag(), prefer: 'wait=30' });
    await cleanup.run();
    await expect(answer).rejects.toThrow();
    await until(() => showcase.past(Number.POSITIVE_INFINITY, 1).length === 1);
  });
});

describe('?cursor=', () => {
  test('of a pod that is behind is a 503 with Retry-After after two seconds', async () => {
    const { clock, happen, hold } = await setup();
    const { answer } = await hold({}, `?cursor=${cursorAt(9)}`);
    clock.advance(1_999);
    happen('submitted', 3);
    expect(await isPending(answer)).toBe(true);
    clock.advance(1);
    happen('estimated', 4);
    const { status, headers } = await answer;
    expect([status, headers['retry-after'], headers['content-type']]).toEqual([503, '2', 'application/problem+json']);
  });

  test('is answered when the pod has seen as much', async () => {
    const { get, happen, hold } = await setup();
    expect((await get({}, `?cursor=${cursorAt(-1)}`)).status).toBe(200);
    const { answer } = await hold({}, `?cursor=${cursorAt(4)}`);
    happen('submitted', 4);
    expect((await answer).json()).toMatchObject({ cursor: cursorAt(4) });
  });

  test('that cannot be read or is of another epoch counts as none', async () => {
    const { get } = await setup();
    expect((await get({}, '?cursor=garbage')).status).toBe(200);
    expect((await get({}, `?cursor=${cursorAt(9).replace('e1', 'e2')}`)).status).toBe(200);
  });
});

describe('the body', () => {
  test('says that the feed is stale, under the same ETag: that is no news of the request', async () => {
    const { feed, get } = await setup();
    const fresh = await get();
    feed.stale = true;
    const stale = await get();
    expect([fresh.json(), stale.json()]).toMatchObject([{}, { feed: 'stale' }]);
    expect(fresh.json()).not.toHaveProperty('feed');
    expect(stale.headers.etag).toBe(fresh.headers.etag);
    expect((await get({ 'if-none-match': fresh.headers.etag! })).status).toBe(304);
  });

  test('has a cursor without an end mark, finished or not', async () => {
    const { get, happen } = await setup();
    happen('quoted', 3);
    expect((await get()).json()).toMatchObject({ status: 'completed', cursor: cursorAt(3) });
  });
});

describe('an ETag of ours', () => {
  test('wins over nothing: a cursor that is ahead of it is a 503 all the same', async () => {
    const { clock, etag, happen, hold } = await setup();
    const { answer } = await hold({ 'if-none-match': await etag(), prefer: 'wait=30' }, `?cursor=${cursorAt(9)}`);
    clock.advance(2_000);
    happen('submitted', 3);
    expect((await answer).status).toBe(503);
  });

  test('of a pod whose clock is ahead is not answered with less than it has ended', async () => {
    const { clock, etag, get, hold } = await setup();
    const ahead = (await etag()).replace(/\.0o"$/, '.1o"');
    expect((await get({ 'if-none-match': ahead })).status).toBe(304);
    const { answer } = await hold({ 'if-none-match': ahead, prefer: 'wait=30' });
    expect(await isPending(answer)).toBe(true);
    clock.advance(61_000);
    expect((await get({ 'if-none-match': ahead })).status).toBe(304);
    clock.advance(120_000);
    expect((await get({ 'if-none-match': ahead })).json()).toMatchObject({ status: 'no_offers' });
    await cleanup.run();
    await expect(answer).rejects.toThrow();
  });

  test('of another epoch or of the end of the log is no promise: 200 at once, or when the wait for it is over', async () => {
    const { clock, etag, get, happen, hold, logEnd } = await setup();
    const ours = await etag();
    expect((await get({ 'if-none-match': ours.replace('e1', 'e2'), prefer: 'wait=0' })).status).toBe(200);
    logEnd.offset = 5n;
    const { answer } = await hold({ 'if-none-match': ours.replace(cursorAt(-1), cursorAt(9)) });
    clock.advance(2_000);
    happen('submitted', 3);
    expect((await answer).status).toBe(200);
  });
});
