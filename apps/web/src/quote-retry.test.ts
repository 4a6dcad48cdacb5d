import { describe, expect, test } from '@jest/globals';
import type { Fetch } from './post-request.ts';
import { cancelRequest, type Changes, retryQuote } from './quote-retry.ts';

interface Call {
  url: string;
  init: RequestInit;
}

/** A server that answers every call so, and what it was asked. */
const serverOf = (answer: Response | Error): { fetch: Fetch; calls: Call[] } => {
  const calls: Call[] = [];
  return {
    calls,
    fetch: (url, init) => {
      calls.push({ url, init });
      return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer);
    },
  };
};

const TARGET = { requestId: 'r1', insurerId: 'gamma', attempt: 1 };
const retry = (answer: Response | Error, changes: Changes = {}) => retryQuote(TARGET, changes, serverOf(answer).fetch);

describe('asking one insurer again', () => {
  test('names the attempt that was seen and what is changed', async () => {
    const { calls, fetch } = serverOf(Response.json({ attempt: 2, revision: 2, cursor: 'c2' }, { status: 202 }));
    expect(await retryQuote(TARGET, { '/vehicle/body_number': 'AB12' }, fetch)).toEqual({
      kind: 'accepted',
      restart: { cursor: 'c2', revision: 2 },
    });
    expect(calls).toMatchObject([
      {
        url: '/api/osago/requests/r1/quotes/gamma/retry',
        init: { method: 'POST', body: '{"attempt":1,"changes":{"/vehicle/body_number":"AB12"}}' },
      },
    ]);
  });

  test('as it was names no changes', async () => {
    const { calls, fetch } = serverOf(Response.json({}));
    await retryQuote(TARGET, {}, fetch);
    expect(calls[0]?.init.body).toBe('{"attempt":1}');
  });

  const fault = { pointer: '/vehicle/body_number', code: 'bad_format', detail: 'wrong' };
  test.each([
    ['faults of the changed application', Response.json({ errors: [fault] }, { status: 400 }), { kind: 'faults', faults: [fault] }],
    ['a quote that is another by now', Response.json({}, { status: 409 }), { kind: 'changed' }],
    ['a server that is busy', Response.json({}, { status: 429, headers: { 'retry-after': '3' } }), { kind: 'busy', retryAfterS: 3 }],
    ['a server that broke', Response.json({}, { status: 500 }), { kind: 'server' }],
    ['a route that is not there', Response.json({ title: 'gone' }, { status: 404 }), { kind: 'other', status: 404 }],
    ['a page of a proxy', new Response('<html>', { status: 200 }), { kind: 'unreachable' }],
    ['a lost network', new TypeError('network'), { kind: 'unreachable' }],
  ])('tells %s apart', async (_, answer, retried) => {
    expect(await retry(answer)).toEqual(retried);
  });
});

describe('calling a request off', () => {
  test.each([200, 202])('is done with a %i', async (status) => {
    const { calls, fetch } = serverOf(Response.json({ revision: 2, cursor: 'c' }, { status }));
    expect(await cancelRequest({ requestId: 'r1' }, fetch)).toEqual({ kind: 'accepted' });
    expect(calls).toMatchObject([{ url: '/api/osago/requests/r1', init: { method: 'DELETE' } }]);
  });

  test.each([
    ['a server that broke', Response.json({}, { status: 503 }), { kind: 'busy', retryAfterS: 5 }],
    ['no access', Response.json({ title: 'no access' }, { status: 401 }), { kind: 'other', status: 401 }],
    ['faults', Response.json({ errors: [{ pointer: '', code: 'x', detail: 'y' }] }, { status: 400 }), { kind: 'other', status: 400 }],
    ['a lost network', new TypeError('network'), { kind: 'unreachable' }],
  ])('tells %s', async (_, answer, cancelled) => {
    expect(await cancelRequest({ requestId: 'r1' }, serverOf(answer).fetch)).toEqual(cancelled);
  });
});
