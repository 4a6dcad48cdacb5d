import { createServer, type Socket } from 'node:net';
import type { AddressInfo } from 'node:net';
import { once } from 'node:events';
import { afterEach, describe, expect, test } from '@jest/globals';
import { checker, InsurerApplication } from '@osago/contracts';
import { APPLICATION, settled, until } from './aggregator-given.ts';
import { type AnswerWith, closeLater, closeServers, json, silence, startInsurer } from './insurer-server.ts';
import { createAgent, httpCaller } from './insurer-http.ts';
import { StandardInsurer } from './standard-insurer.ts';

afterEach(closeServers);

const CALL = {
  request_id: '0b0c8b3e-6a2f-4c57-9a55-0a2f2f4d7c11',
  idempotencyKey: '0b0c8b3e-6a2f-4c57-9a55-0a2f2f4d7c11:alfa',
  application: APPLICATION,
};
const NOW_MS = Date.parse('2026-11-21T09:00:00Z');
const TIMEOUT_MS = 150;

const client = (baseUrl: string, postTimeoutMs = 30_000): StandardInsurer => {
  const agent = createAgent([{}]);
  closeLater(() => agent.destroy());
  return new StandardInsurer(httpCaller({ agent, nowMs: () => NOW_MS }, baseUrl), postTimeoutMs);
};

const setup = async (answer: AnswerWith, postTimeoutMs?: number) => {
  const { url, asked } = await startInsurer(answer);
  return { insurer: client(`${url}/alfa/`, postTimeoutMs), asked };
};

const wanted = () => {
  const stop = new AbortController();
  return { stop, options: { signal: stop.signal } };
};

/** A server that is no HTTP server: it does this to each connection that sends something. */
const startRaw = async (onData: (socket: Socket) => void): Promise<string> => {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.once('data', () => onData(socket));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closeLater(async () => {
    server.close();
    for (const socket of sockets) socket.destroy();
    await once(server, 'close');
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
};

describe('a POST', () => {
  test('carries the application and the idempotency key to /applications under the base path', async () => {
    const { insurer, asked } = await setup(json(201, { application_id: 'a-1', status: 'pending' }));
    const { options } = wanted();
    expect(await insurer.post(CALL, options)).toEqual({ kind: 'accepted', application_id: 'a-1' });
    expect(asked).toMatchObject([
      {
        method: 'POST',
        path: '/alfa/applications',
        headers: { 'content-type': 'application/json', 'idempotency-key': CALL.idempotencyKey },
      },
    ]);
    const sent = JSON.parse(asked[0]?.body ?? '') as unknown;
    expect(sent).toEqual({ request_id: CALL.request_id, application: APPLICATION });
    expect(checker(InsurerApplication)(sent).ok).toBe(true);
  });

  test('reads Retry-After in seconds, in fractions and as a date', async () => {
    const given = ['2', '0.4', 'Sat, 21 Nov 2026 09:00:03 GMT'];
    const { insurer } = await setup((asked, response) => json(429, {}, { 'retry-after': given.shift() ?? '' })(asked, response));
    const { options } = wanted();
    const replies = [await insurer.post(CALL, options), await insurer.post(CALL, options), await insurer.post(CALL, options)];
    expect(replies.map((reply) => 'retryAfterMs' in reply && reply.retryAfterMs)).toEqual([2_000, 400, 3_000]);
  });

  test('does not follow a redirect', async () => {
    const { insurer, asked } = await setup((_, response) => void response.writeHead(307, { location: '/alfa/elsewhere' }).end());
    expect(await insurer.post(CALL, wanted().options)).toMatchObject({ kind: 'fault', fault: 'malformed' });
    expect(asked).toHaveLength(1);
  });
});

describe('a poll', () => {
  test('asks for the application by its id, whatever the id holds', async () => {
    const { insurer, asked } = await setup(json(200, { application_id: 'a', status: 'pending' }, { 'retry-after': '0.5' }));
    const { options } = wanted();
    expect(await insurer.poll('a/../b?c=d&é', options)).toEqual({ kind: 'pending', retryAfterMs: 500 });
    expect(asked).toMatchObject([{ method: 'GET', path: '/alfa/quotes/a%2F..%2Fb%3Fc%3Dd%26%C3%A9', body: '' }]);
  });

  test('after polls uses their connections, whatever they came to', async () => {
    const { insurer, asked } = await setup(json(404, {}));
    const { options } = wanted();
    for (let poll = 0; poll < 20; poll += 1) expect(await insurer.poll('a', options)).toEqual({ kind: 'unknown' });
    expect(new Set(asked.map(({ socket }) => socket)).size).toBeLessThanOrEqual(2);
  });
});

describe('a body', () => {
  const HALF = 128 * 1_024;

  test.each<[string, AnswerWith]>([
    ['no JSON', (_, response) => void response.writeHead(200).end('<html>')],
    ['empty', (_, response) => void response.writeHead(200).end()],
    ['cut off in the middle of its JSON', (_, response) => void response.writeHead(200).end('{"application_id":"a"')],
    ['larger than 256 KB, and says so', (_, response) => void response.writeHead(200).end(' '.repeat(2 * HALF + 1))],
    [
      'larger than 256 KB, bit by bit',
      (_, response) => {
        response.writeHead(200);
        response.write(' '.repeat(HALF));
        response.write(' '.repeat(HALF));
        response.end('{"application_id":"a","status":"pending"}');
      },
    ],
  ])('that is %s is malformed', async (_, answer) => {
    const { insurer } = await setup(answer);
    const { options } = wanted();
    expect(await insurer.poll('a', options)).toMatchObject({ kind: 'fault', fault: 'malformed' });
    expect(await insurer.post(CALL, options)).toMatchObject({ kind: 'fault', fault: 'malformed' });
  });

  test('of 256 KB is read', async () => {
    const body = JSON.stringify({ application_id: 'a', status: 'pending', padding: 'x'.repeat(255 * 1_024) });
    const { insurer } = await setup((_, response) => void response.writeHead(200).end(body));
    expect(await insurer.poll('a', wanted().options)).toEqual({ kind: 'pending' });
  });

  test('that stops coming is a timeout', async () => {
    const { insurer } = await setup((_, response) => {
      response.writeHead(200, { 'content-length': '100' });
      response.write('{');
    }, TIMEOUT_MS);
    expect(await insurer.post(CALL, wanted().options)).toMatchObject({ kind: 'fault', fault: 'timeout' });
  });
});

describe('a connection', () => {
  test('that is refused is a fault of the connection, and no address is passed on', async () => {
    const { url, server } = await startInsurer(silence);
    server.close();
    await once(server, 'close');
    closeLater(async () => {
      server.listen(0);
      await once(server, 'listening');
    });
    const reply = await client(url).post(CALL, wanted().options);
    expect(reply).toEqual({ kind: 'fault', fault: 'connection', message: 'ECONNREFUSED' });
  });

  test('that is reset after the insurer read the POST is a fault of the connection', async () => {
    const url = await startRaw((socket) => socket.resetAndDestroy());
    expect(await client(url).post(CALL, wanted().options)).toMatchObject({ kind: 'fault', fault: 'connection' });
  });

  test('that is closed without an answer is a fault of the connection', async () => {
    const url = await startRaw((socket) => void socket.end());
    expect(await client(url).poll('a', wanted().options)).toMatchObject({ kind: 'fault', fault: 'connection' });
  });

  test('that speaks no HTTP is malformed', async () => {
    const url = await startRaw((socket) => void socket.end('220 smtp.example.com\r\n'));
    expect(await client(url).poll('a', wanted().options)).toMatchObject({ kind: 'fault', fault: 'malformed' });
  });

  test('whose headers do not come in time is a timeout, and its socket is freed', async () => {
    const { insurer, asked } = await setup(silence, TIMEOUT_MS);
    const startedAtMs = performance.now();
    expect(await insurer.post(CALL, wanted().options)).toEqual({ kind: 'fault', fault: 'timeout', message: 'no answer in time' });
    expect(performance.now() - startedAtMs).toBeLessThan(TIMEOUT_MS + 20_000);
    await until('the server sees it closed', () => asked[0]?.socket.destroyed === true);
  });

  test('is closed when the call is abandoned', async () => {
    const { insurer, asked } = await setup(silence);
    const { stop, options } = wanted();
    const replying = insurer.poll('a', options);
    await until('the server is asked', () => asked.length === 1);
    stop.abort();
    expect(await replying).toMatchObject({ kind: 'fault' });
    await until('the server sees it closed', () => asked[0]?.socket.destroyed === true);
  });

  test('is not opened for a call that is abandoned already', async () => {
    const { insurer, asked } = await setup(silence);
    expect(await insurer.post(CALL, { signal: AbortSignal.abort() })).toMatchObject({ kind: 'fault' });
    await settled();
    expect(asked).toEqual([]);
  });

  test('is not kept by timed-out calls, however many there are', async () => {
    const { insurer, asked } = await setup(silence, 30);
    const { options } = wanted();
    const replies = await Promise.all(Array.from({ length: 40 }, () => insurer.post(CALL, options)));
    expect(replies.every((reply) => reply.kind === 'fault' && reply.fault === 'timeout')).toBe(true);
    await until('all are closed', () => asked.every(({ socket }) => socket.destroyed));
  });
});
