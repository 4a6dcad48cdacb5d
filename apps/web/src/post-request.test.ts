import { describe, expect, test } from '@jest/globals';
import { type Posted, postRequest } from './post-request.ts';

const post = (answer: Response | Error): Promise<Posted> =>
  postRequest('/api/osago/requests', '{}', 'key', () =>
    answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer),
  );
const problem = (status: number, members: object = {}, headers: Record<string, string> = {}): Response =>
  Response.json({ type: 'about:blank', title: 'a title', status, ...members }, { status, headers });

describe('postRequest', () => {
  test('sends the body under its key', async () => {
    const calls: unknown[] = [];
    await postRequest('/api/osago/requests', '{"a":1}', 'key 7', (url, { method, headers, body }) => {
      calls.push({ url, method, headers, body });
      return Promise.resolve(Response.json({}));
    });
    expect(calls).toEqual([
      {
        url: '/api/osago/requests',
        method: 'POST',
        headers: { 'content-type': 'application/json', 'idempotency-key': 'key 7' },
        body: '{"a":1}',
      },
    ]);
  });

  test.each([
    [200, { duplicate: true }, true],
    [201, {}, false],
  ])('takes %i as accepted, and says whether it is one from before', async (status, members, isDuplicate) => {
    const posted = await post(Response.json({ request_id: 'r1', ...members }, { status }));
    expect(posted).toEqual({ kind: 'accepted', requestId: 'r1', isDuplicate });
  });

  test('gives every fault of a 400', async () => {
    const faults = [{ pointer: '/vehicle/vin', code: 'bad_format', detail: 'is not a valid vin' }];
    expect(await post(problem(400, { errors: faults }))).toEqual({ kind: 'faults', faults });
  });

  test.each([
    ['a 400 without faults', problem(400, { detail: 'no JSON' }), { kind: 'other', status: 400 }],
    ['a 422', problem(422), { kind: 'other', status: 422 }],
    ['a 404 of a proxy', new Response('<html>', { status: 404 }), { kind: 'other', status: 404 }],
    ['a 429', problem(429, {}, { 'retry-after': '7.2' }), { kind: 'busy', retryAfterS: 8 }],
    ['a 503 without a time', problem(503), { kind: 'busy', retryAfterS: 5 }],
    ['a 500', problem(500), { kind: 'server' }],
    ['a 502 of a proxy', new Response('<html>', { status: 502 }), { kind: 'server' }],
    ['a page of a proxy as success', new Response('<html>', { status: 200 }), { kind: 'unreachable' }],
    ['a lost network', new TypeError('network'), { kind: 'unreachable' }],
  ])('tells %s apart', async (_, answer, posted) => {
    expect(await post(answer)).toEqual(posted);
  });
});
