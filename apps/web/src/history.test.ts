import { describe, expect, test } from '@jest/globals';
import { findToken, readHistory } from './history.ts';
import type { Fetch } from './post-request.ts';

/** A server that answers every call so, and what it was asked. */
const serverOf = (answer: Response | Error): { fetch: Fetch; urls: string[] } => {
  const urls: string[] = [];
  return {
    urls,
    fetch: (url) => {
      urls.push(url);
      return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer);
    },
  };
};

const ITEM = { request_id: '0b0c8b3e-6a2f-4c57-9a55-0a2f2f4d7c11', access_token: 'v1.k.mac', status: 'completed' };

describe('the history', () => {
  test('comes in parts, each from where the last one ended', async () => {
    const { fetch, urls } = serverOf(Response.json({ requests: [ITEM], next_cursor: 'c 1' }));
    expect(await readHistory(undefined, fetch)).toEqual({ kind: 'part', requests: [ITEM], nextCursor: 'c 1' });
    const last = serverOf(Response.json({ requests: [] }));
    expect(await readHistory('c 1', last.fetch)).toEqual({ kind: 'part', requests: [], nextCursor: undefined });
    expect([...urls, ...last.urls]).toEqual(['/api/osago/requests?limit=20', '/api/osago/requests?limit=20&cursor=c+1']);
  });

  const fault = { pointer: '/cursor', code: 'bad_cursor', detail: 'is not the next_cursor of a page' };
  test.each([
    ['a cursor that is none', Response.json({ errors: [fault] }, { status: 400 }), { kind: 'other', status: 400 }],
    ['a database that is away', Response.json({}, { status: 503, headers: { 'retry-after': '2' } }), { kind: 'busy', retryAfterS: 2 }],
    ['a server that broke', Response.json({}, { status: 500 }), { kind: 'server' }],
    ['a page of a proxy', new Response('<html>', { status: 200 }), { kind: 'unreachable' }],
    ['a lost network', new TypeError('network'), { kind: 'unreachable' }],
  ])('tells %s', async (_, answer, part) => {
    expect(await readHistory(undefined, serverOf(answer).fetch)).toEqual(part);
  });
});

describe('the token of a request whose cookie is over', () => {
  test('is that of the history, however its id is written', async () => {
    expect(await findToken(ITEM.request_id.toUpperCase(), serverOf(Response.json({ requests: [ITEM] })).fetch)).toBe('v1.k.mac');
  });

  test.each([
    ['of another browser', Response.json({ requests: [] })],
    ['while the server is away', new TypeError('network')],
  ])('is not to be had %s', async (_, answer) => {
    expect(await findToken(ITEM.request_id, serverOf(answer).fetch)).toBeUndefined();
  });
});
