/** The history over a real socket, as far as it goes without Postgres. */
import { afterEach, describe, expect, test } from '@jest/globals';
import { startTestApi } from './testing-api.ts';
import { Cleanup } from './testing-events.ts';
import { fetchAll } from './testing-http.ts';

const cleanup = new Cleanup();
afterEach(() => cleanup.run());

const owner = { cookie: `osago_owner=${'a'.repeat(22)}` };

describe('GET requests', () => {
  test('needs no token, and without a cookie asks nobody: it is empty', async () => {
    const { origin } = await startTestApi(cleanup);
    const answer = await fetchAll(`${origin}/api/osago/requests`);
    expect([answer.status, answer.headers['content-type'], answer.json()]).toEqual([200, 'application/json', { requests: [] }]);
  });

  test('answers a HEAD with the same head', async () => {
    const { origin } = await startTestApi(cleanup);
    const answer = await fetchAll(`${origin}/api/osago/requests`, { method: 'HEAD' });
    expect([answer.status, answer.text(), answer.headers['cache-control']]).toEqual([200, '', 'private, no-store']);
  });

  test('names the faults of the query before it asks anybody', async () => {
    const { origin } = await startTestApi(cleanup);
    const answer = await fetchAll(`${origin}/api/osago/requests?limit=1000&cursor=%00`, { headers: owner });
    expect(answer.status).toBe(400);
    expect(answer.json()).toMatchObject({ errors: [{ pointer: '/limit', code: 'bad_limit' }, { pointer: '/cursor', code: 'bad_cursor' }] });
  });

  test('is a 503 while Postgres is away', async () => {
    const { origin } = await startTestApi(cleanup);
    const answer = await fetchAll(`${origin}/api/osago/requests`, { headers: owner });
    expect([answer.status, answer.headers['retry-after']]).toEqual([503, '2']);
  });
});
