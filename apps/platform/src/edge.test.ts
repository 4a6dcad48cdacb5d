import { once } from 'node:events';
import { createServer, request as ask, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from '@jest/globals';
import { createLog } from '@osago/service-kit';
import { createEdge } from './edge.ts';
import { EdgePods, parsePods } from './edge-pods.ts';

const servers: Server[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    if (server.listening) await new Promise((resolve) => server.close(resolve));
  }
});

const listen = async (server: Server): Promise<string> => {
  servers.push(server.listen(0, '127.0.0.1'));
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
};

/** A pod with one port for both its faces: `/health/ready` and what `answer` does. */
const pod = async (answer: RequestListener): Promise<{ origin: string; server: Server }> => {
  const server = createServer((request, response) => {
    if (request.url === '/health/ready') return void response.end();
    answer(request, response);
  });
  return { origin: await listen(server), server };
};

const setup = async (...answers: RequestListener[]) => {
  const started = await Promise.all(answers.map(pod));
  const pods = new EdgePods(parsePods(started.map(({ origin }) => `${origin}|${origin}`).join(',')));
  await pods.askAll();
  const url = await listen(createEdge(pods, createLog('edge', 'silent')));
  return { url, pods, servers: started.map(({ server }) => server) };
};

const named = (name: string): RequestListener => (_request, response) => void response.end(name);
const texts = (url: string, times: number) =>
  Promise.all(Array.from({ length: times }, async () => (await fetch(url)).text()));

const close = async (server: Server): Promise<void> => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
};

const STREAM = '/api/osago/requests/8c2f/stream';

test('gives requests to the pods in turn', async () => {
  const { url } = await setup(named('a'), named('b'));
  expect((await texts(url, 6)).sort()).toEqual(['a', 'a', 'a', 'b', 'b', 'b']);
});

test('passes method, path, body, headers and the address of the client on', async () => {
  const { url } = await setup((request, response) => {
    response.writeHead(201, { 'set-cookie': ['a=1', 'b=2'], 'x-host': request.headers.host });
    response.write(`${request.method} ${request.url} ${String(request.headers['x-forwarded-for'])} `);
    request.pipe(response);
  });
  const answer = await fetch(`${url}/p?q=1`, { method: 'POST', body: 'text', headers: { 'x-forwarded-for': '10.0.0.1' } });
  expect(answer.status).toBe(201);
  expect(answer.headers.getSetCookie()).toEqual(['a=1', 'b=2']);
  expect(answer.headers.get('x-host')).toBe(new URL(url).host);
  expect(await answer.text()).toMatch(/^POST \/p\?q=1 10\.0\.0\.1, (::ffff:)?127\.0\.0\.1 text$/);
});

test('passes each piece of a stream on as it comes', async () => {
  let write: (text: string) => void = () => undefined;
  const { url } = await setup((_request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream', connection: 'close' });
    response.flushHeaders();
    write = (text) => void response.write(text);
  });
  const [answer] = (await once(ask(url + STREAM).end(), 'response')) as [IncomingMessage];
  expect(answer.headers).toMatchObject({ 'content-type': 'text/event-stream', connection: 'close' });
  for (const text of ['event: snapshot\n\n', 'event: quote\n\n']) {
    write(text);
    const [chunk] = (await once(answer, 'data')) as [Buffer];
    expect(chunk.toString()).toBe(text);
  }
  answer.destroy();
});

test('a client that goes away ends the request at the pod', async () => {
  let gone: Promise<unknown> | undefined;
  const { url } = await setup((_request, response) => {
    gone = once(response, 'close');
    response.writeHead(200).write('first');
  });
  const client = ask(url).end();
  client.on('error', () => undefined);
  const [answer] = (await once(client, 'response')) as [IncomingMessage];
  answer.on('error', () => undefined);
  client.destroy();
  await gone;
});

test('a pod that dies in the middle of an answer cuts it, and does not end it', async () => {
  const { url } = await setup((_request, response) => {
    response.writeHead(200);
    response.write('half', () => response.destroy());
  });
  const answer = await fetch(url);
  await expect(answer.text()).rejects.toThrow();
});

test('a dead pod is passed over, and not asked again', async () => {
  const { url, servers: started } = await setup(named('dead'), named('alive'));
  await close(started[0]!);
  expect(await texts(url, 4)).toEqual(['alive', 'alive', 'alive', 'alive']);
});

test('a request with a body moves on from a pod that cannot be reached', async () => {
  const echo: RequestListener = (request, response) => void request.pipe(response);
  const { url, servers: started } = await setup(echo, echo);
  await close(started[0]!);
  for (const body of ['one', 'two']) {
    expect(await (await fetch(url, { method: 'POST', body })).text()).toBe(body);
  }
});

test('a request that a pod may have begun is not given to another', async () => {
  let asked = 0;
  const dies: RequestListener = (request) => {
    asked += 1;
    request.on('data', () => request.destroy());
  };
  const { url } = await setup(dies, dies);
  expect((await fetch(url, { method: 'POST', body: 'once' })).status).toBe(502);
  expect(asked).toBe(1);
});

test('a pod gets requests again when it is ready again', async () => {
  const { url, pods } = await setup(named('a'));
  const [only] = pods.inTurn();
  pods.failed(only!);
  expect((await fetch(url)).status).toBe(502);
  await pods.askAll();
  expect((await fetch(url)).status).toBe(200);
});

test('with all pods dead a stream is asked to come back, anything else is a problem', async () => {
  const { url, servers: started } = await setup(named('a'), named('b'));
  await Promise.all(started.map(close));

  for (const path of [STREAM, `${STREAM}/`, STREAM.replace('stream', 'Stream')]) {
    const stream = await fetch(`${url}${path}?access_token=x`);
    expect(stream.status).toBe(200);
    expect(stream.headers.get('content-type')).toBe('text/event-stream');
    const [, retry] = /^retry: (\d+)\n\n$/.exec(await stream.text()) ?? [];
    expect(Number(retry)).toBeGreaterThanOrEqual(2000);
    expect(Number(retry)).toBeLessThanOrEqual(5000);
  }

  const other = await fetch(`${url}/api/osago/requests`);
  expect(other.status).toBe(502);
  expect(other.headers.get('content-type')).toBe('application/problem+json');
  expect(await other.json()).toMatchObject({ status: 502, title: 'Bad Gateway' });
});
