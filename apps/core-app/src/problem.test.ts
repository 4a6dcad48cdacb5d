import { createServer } from 'node:http';
import { afterEach, describe, expect, test } from '@jest/globals';
import { answerProblem, HttpProblem } from './problem.ts';
import { Cleanup } from './testing-events.ts';
import { closeServer, type Exchange, fetchAll, listen } from './testing-http.ts';

const cleanup = new Cleanup();
afterEach(() => cleanup.run());

const answerTo = async (problem: HttpProblem, begun?: string): Promise<Exchange> => {
  const server = createServer((_, response) => {
    if (begun !== undefined) response.write(begun);
    // In the next turn, so that what was written before is on its way.
    setImmediate(() => answerProblem(response, problem));
  });
  cleanup.add(() => closeServer(server));
  return fetchAll(await listen(server));
};

describe('answerProblem', () => {
  test('answers as RFC 9457 says, and lets nobody keep the answer', async () => {
    const answer = await answerTo(new HttpProblem(404));
    expect(answer.status).toBe(404);
    expect(answer.headers).toMatchObject({ 'content-type': 'application/problem+json', 'cache-control': 'no-store' });
    expect(answer.json()).toEqual({ type: 'about:blank', title: 'There is no such request', status: 404 });
  });

  test('adds what is known beyond the title', async () => {
    const answer = await answerTo(new HttpProblem(422, 'the same key came with another body'));
    expect(answer.json()).toMatchObject({ status: 422, detail: 'the same key came with another body' });
  });

  test('lists the faults', async () => {
    const faults = [{ pointer: '/owner', code: 'required', detail: 'Expected required property' }];
    const answer = await answerTo(new HttpProblem(400, undefined, faults));
    expect(answer.json()).toEqual({ type: 'about:blank', title: 'The request has faults', status: 400, errors: faults });
  });

  test('says with a 503 when to come back and with a 401 how to be let in', async () => {
    expect((await answerTo(new HttpProblem(503))).headers['retry-after']).toBe('2');
    expect((await answerTo(new HttpProblem(401))).headers['www-authenticate']).toBe('Bearer');
  });

  test('cuts an answer that has begun, so that nobody takes it for whole', async () => {
    const answer = await answerTo(new HttpProblem(500), 'half');
    expect(answer.text()).toBe('half');
    expect(answer.isCut()).toBe(true);
  });
});
