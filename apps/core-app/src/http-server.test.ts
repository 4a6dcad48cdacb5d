import { afterEach, describe, expect, test } from '@jest/globals';
import { startTestApi } from './testing-api.ts';
import { Cleanup, REQUEST_ID } from './testing-events.ts';
import { fetchAll } from './testing-http.ts';

const cleanup = new Cleanup();
afterEach(() => cleanup.run());

describe('a path that is not there', () => {
  test.each([
    '/',
    '/api',
    '/api/osago',
    '/api/osago/nothing',
    '/api/osago/requests/1/stream/more',
    '/api/osago/requests/1/nothing',
    '/api/osago/requests/%zz/quotes',
    '/api/osago/requests/..%2f..%2f/nothing',
    '/%zz',
    '//',
    '/metrics',
    '/health/ready',
  ])('is a 404 problem, and no fault of a body: %s', async (path) => {
    const { origin } = await startTestApi(cleanup);
    const answer = await fetchAll(`${origin}${path}`);
    expect([answer.status, answer.headers['content-type']]).toEqual([404, 'application/problem+json']);
    expect(answer.json()).toMatchObject({ status: 404, detail: 'there is nothing at this path' });
  });

  test('is a 404 with every method', async () => {
    const { origin } = await startTestApi(cleanup);
    for (const method of ['POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']) {
      expect((await fetchAll(`${origin}/api/osago/nothing`, { method, body: '{' })).status).toBe(404);
      expect((await fetchAll(`${origin}/api/osago/requests/%zz/quotes`, { method })).status).toBe(404);
    }
  });

  test('of the stream with a strange id is a 401 like any other without a credential', async () => {
    const { origin } = await startTestApi(cleanup);
    for (const id of ['%zz', '%00', "1'--", 'я'.repeat(9)]) {
      const path = `/api/osago/requests/${encodeURI(id).replace('%25', '%')}/stream`;
      expect((await fetchAll(`${origin}${path}`)).status).toBe(401);
    }
  });
});

test('a method that is not offered is a 405 that names what is', async () => {
  const { origin } = await startTestApi(cleanup);
  for (const method of ['PUT', 'PATCH', 'DELETE', 'OPTIONS']) {
    const answer = await fetchAll(`${origin}/api/osago/requests`, { method });
    expect([answer.status, answer.headers['allow'], answer.headers['content-type']]).toEqual([
      405, 'GET, HEAD, POST', 'application/problem+json',
    ]);
  }
});

test.each(['/stream/', '/STREAM', '/stream/?x=1'])('the stream is found at %s, as other routes are', async (leaf) => {
  const { origin } = await startTestApi(cleanup);
  const path = `/api/osago/requests/${REQUEST_ID}`;
  for (const target of [`${path}${leaf}`, `http://somewhere${path}${leaf}`]) {
    const answer = await fetchAll(origin, { path: target });
    expect([answer.status, answer.headers['allow']]).toEqual([401, undefined]);
    expect((await fetchAll(origin, { path: target, method: 'PUT' })).headers['allow']).toBe('GET');
  }
});

test('an answer names no product', async () => {
  const { origin } = await startTestApi(cleanup);
  expect((await fetchAll(origin)).headers).not.toHaveProperty('x-powered-by');
});
