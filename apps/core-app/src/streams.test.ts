/** The stream over a real socket, byte by byte, with a clock that stands still. */
import { connect } from 'node:net';
import { afterEach, describe, expect, test } from '@jest/globals';
import { startTestApi, streamsThat, type TestApi } from './testing-api.ts';
import { Cleanup, leg, PARTITION, REQUEST_ID, submitted, timestamp, until } from './testing-events.ts';
import { type Exchange, fetchAll, parseSse, send } from './testing-http.ts';

const cleanup = new Cleanup();
afterEach(() => cleanup.run());

const PATH = `/api/osago/requests/${REQUEST_ID}/stream`;
/** What the jitter of 0.25 makes of a second. */
const RETRY = 'retry: 1250\n\n';

const waiting = (insurer_id: string, deadlineMs = 60_000) => ({
  insurer_id,
  name: insurer_id.toUpperCase(),
  status: 'waiting',
  final: false,
  late: false,
  attempt: 1,
  deadline_at: timestamp(deadlineMs),
});

const setup = async (deadlines: Readonly<Record<string, number>> = { alpha: 60_000, beta: 60_000 }) => {
  const api = await startTestApi(cleanup);
  api.showcase.apply(submitted(deadlines), PARTITION, 0);
  const open = (headers: Readonly<Record<string, string>> = {}, query = ''): Promise<Exchange> =>
    send(`${api.origin}${PATH}${query}`, { headers: { ...api.authorization, ...headers } });
  let offset = 0;
  const happen = (...event: Parameters<typeof leg>): void => {
    api.showcase.apply(leg(...event), PARTITION, offset);
    offset += 1;
  };
  return { ...api, open, happen };
};

/** Waits until the body has so many messages, and gives them. */
const messagesOf = async (stream: Exchange, count: number) => {
  await until(() => parseSse(stream.text()).messages.length >= count);
  return parseSse(stream.text()).messages;
};

describe('an open stream', () => {
  test('is these bytes: retry, snapshot, heartbeat, quote, end', async () => {
    const { open, happen } = await setup({ alpha: 60_000 });
    const stream = await open();
    expect(stream.status).toBe(200);
    expect(stream.headers).toMatchObject({
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-cache, no-transform',
      'x-accel-buffering': 'no',
      connection: 'close',
    });
    const body = {
      request_id: REQUEST_ID,
      revision: 1,
      status: 'in_progress',
      accepted_at: timestamp(0),
      deadline_at: timestamp(60_000),
      late_until: timestamp(180_000),
      progress: { total: 1, answered: 0, waiting: 1 },
      quotes: [waiting('alpha')],
      cursor: `1_e1_${REQUEST_ID}_3_0_-1_-1_1_o`,
    };
    const start = `${RETRY}event: snapshot\nid: ${body.cursor}\ndata: ${JSON.stringify(body)}\n\nevent: heartbeat\ndata: {"now":"${timestamp(0)}"}\n\n`;
    await until(() => stream.text().length >= start.length);
    expect(stream.text()).toBe(start);

    happen('alpha', 'quoted', { step: 2, members: { premium_kopecks: 500_000 } });
    await stream.ended;
    const quote = {
      ...waiting('alpha'),
      status: 'quoted',
      final: true,
      premium_kopecks: 500_000,
      progress: { total: 1, answered: 1, waiting: 0 },
      request_status: 'completed',
    };
    const end = { status: 'completed', counts: { quoted: 1 }, late_until: timestamp(180_000) };
    expect(stream.text().slice(start.length)).toBe(
      `event: quote\nid: 1_e1_${REQUEST_ID}_3_0_0_-1_1_o\ndata: ${JSON.stringify(quote)}\n\n` +
        `event: done\nid: 1_e1_${REQUEST_ID}_3_0_0_-1_1_e\ndata: ${JSON.stringify(end)}\n\n`,
    );
    expect(stream.isEnded()).toBe(true);
  });

  test('gives each leg that the clock ends its event and only the last one the id, then ends with timeout', async () => {
    const { clock, open, happen } = await setup({ alpha: 30_000, beta: 30_000, gamma: 60_000 });
    happen('gamma', 'quoted');
    const stream = await open();
    await messagesOf(stream, 2);
    clock.advance(31_000);
    await stream.ended;
    const { messages } = parseSse(stream.text());
    const news = messages.filter(({ event }) => event !== 'heartbeat').slice(1);
    expect(news.map(({ event, hasId }) => [event, hasId])).toEqual([
      ['quote', false],
      ['quote', true],
      ['timeout', true],
    ]);
    expect(news.map(({ data }) => JSON.parse(data) as unknown)).toMatchObject([
      { insurer_id: 'alpha', status: 'timeout', progress: { answered: 3 }, request_status: 'partial' },
      { insurer_id: 'beta', status: 'timeout', progress: { answered: 3 }, request_status: 'partial' },
      { status: 'partial', counts: { timeout: 2, quoted: 1 } },
    ]);
  });

  test('says nothing of a record that changes no quote', async () => {
    const { happen, open, showcase } = await setup();
    happen('alpha', 'submitted', { step: 1 });
    const stream = await open();
    await messagesOf(stream, 2);
    showcase.apply(leg('alpha', 'submitted', { step: 1 }), PARTITION, 7);
    happen('beta', 'submitted', { step: 1 });
    const [, , news, ...more] = await messagesOf(stream, 3);
    expect(JSON.parse(news!.data)).toMatchObject({ insurer_id: 'beta' });
    expect(more).toEqual([]);
  });

  test('is told at the end of a turn what each leg has come to, not each step', async () => {
    const { open, happen } = await setup();
    const stream = await open();
    await messagesOf(stream, 2);
    happen('alpha', 'submitted', { step: 1 });
    happen('alpha', 'estimated', { step: 2 });
    happen('beta', 'quoted', { step: 2 });
    happen('alpha', 'quoted', { step: 3 });
    await stream.ended;
    const told = parseSse(stream.text()).messages.slice(2).map(({ event, data, hasId }) => {
      const { insurer_id, status } = JSON.parse(data) as { insurer_id?: string; status: string };
      return [event, insurer_id, status, hasId];
    });
    expect(told).toEqual([
      ['quote', 'alpha', 'quoted', false],
      ['quote', 'beta', 'quoted', true],
      ['done', undefined, 'completed', true],
    ]);
  });

  test('has a heartbeat without an id each fifteen seconds', async () => {
    const { clock, feed, open } = await setup();
    const stream = await open();
    await messagesOf(stream, 2);
    clock.advance(14_999);
    feed.stale = true;
    clock.advance(1);
    const messages = await messagesOf(stream, 3);
    expect(messages[2]).toMatchObject({ event: 'heartbeat', hasId: false });
    expect(JSON.parse(messages[2]!.data)).toEqual({ now: timestamp(15_000), feed: 'stale' });
  });

  test('of a finished request is the snapshot, a heartbeat and the end', async () => {
    const { happen, open } = await setup({ alpha: 60_000 });
    happen('alpha', 'declined');
    const stream = await open();
    await stream.ended;
    const { messages } = parseSse(stream.text());
    expect(messages.map(({ event }) => event)).toEqual(['snapshot', 'heartbeat', 'done']);
  });

  test('is forgotten when its reader goes', async () => {
    const { metrics, open, showcase } = await setup();
    const stream = await open();
    await messagesOf(stream, 2);
    stream.close();
    await until(async () => (await streamsThat(metrics, 'gone')) === 1);
    expect(showcase.past(Number.POSITIVE_INFINITY, 1)).toHaveLength(1);
  });

  test('is cut when its reader takes nothing', async () => {
    const { authorization, happen, metrics, origin } = await setup();
    const { hostname, port } = new URL(origin);
    const socket = connect(Number(port), hostname);
    cleanup.add(() => socket.destroy());
    socket.pause();
    socket.write(`GET ${PATH} HTTP/1.1\r\nHost: x\r\nAuthorization: ${authorization.authorization}\r\n\r\n`);
    await until(async () => (await metrics.getSingleMetric('osago_streams_open')?.get())?.values[0]?.value === 1);
    // Some megabytes disappear in the buffers of the system before anything waits here.
    const message = 'x'.repeat(16_000_000);
    happen('alpha', 'estimated', { members: { reason: { code: 'x', message } } });
    await until(async () => (await streamsThat(metrics, 'stalled')) === 1);
  });
});

describe('a late answer', () => {
  test('is a quote that says so, while the stream is open', async () => {
    const { clock, happen, open } = await setup({ alpha: 30_000, beta: 60_000 });
    const stream = await open();
    await messagesOf(stream, 2);
    clock.advance(31_000);
    await until(() => stream.text().includes('"status":"timeout"'));
    happen('alpha', 'quoted', { late: true });
    await until(() => stream.text().includes('"late":true'));
    const last = parseSse(stream.text()).messages.at(-1)!;
    expect(JSON.parse(last.data)).toMatchObject({ insurer_id: 'alpha', status: 'quoted', late: true });
    stream.close();
  });

  test('after the end is asked for until the moment that the end has said, and is in the snapshot of a newcomer', async () => {
    const { clock, happen, open } = await setup({ alpha: 60_000 });
    const stream = await open();
    await messagesOf(stream, 2);
    clock.advance(61_000);
    await stream.ended;
    const end = parseSse(stream.text()).messages.at(-1)!;
    expect([end.event, JSON.parse(end.data)]).toEqual(['timeout', expect.objectContaining({ late_until: timestamp(180_000) })]);
    happen('alpha', 'quoted', { late: true });
    const again = await open();
    await again.ended;
    const { messages } = parseSse(again.text());
    expect(messages.map(({ event }) => event)).toEqual(['snapshot', 'heartbeat', 'done']);
    expect(JSON.parse(messages[0]!.data)).toMatchObject({ status: 'partial', quotes: [{ status: 'quoted', late: true }] });
  });
});

describe('the connection of a stream', () => {
  /** What a client gets that sends these bytes, and then more. */
  const connected = ({ origin }: TestApi, bytes: string) => {
    const { hostname, port } = new URL(origin);
    const socket = connect({ port: Number(port), host: hostname, allowHalfOpen: true });
    cleanup.add(() => socket.destroy());
    let text = '';
    let isEnded = false;
    socket.on('data', (chunk) => (text += String(chunk)));
    socket.on('end', () => (isEnded = true));
    socket.write(bytes);
    return { socket, text: () => text, isEnded: () => isEnded };
  };
  const get = ({ authorization }: TestApi, version = '1.1', more = ''): string =>
    `GET ${PATH} HTTP/${version}\r\nHost: x\r\nAuthorization: ${authorization.authorization}\r\n${more}\r\n`;
  const isReading = ({ text }: { text: () => string }) => until(() => text().includes('event: heartbeat'));

  test('ends with the body: it has neither length nor chunks, also for HTTP/1.0', async () => {
    const api = await setup({ alpha: 60_000 });
    for (const version of ['1.1', '1.0']) {
      const client = connected(api, get(api, version));
      await isReading(client);
      const [head = '', body = ''] = client.text().split(/\r\n\r\n(.*)/s);
      expect(head.split('\r\n').map((line) => line.replace(/^date: .* GMT$/, 'date'))).toEqual([
        'HTTP/1.1 200 OK',
        'date',
        'content-type: text/event-stream; charset=utf-8',
        'cache-control: no-cache, no-transform',
        'x-accel-buffering: no',
        'connection: close',
      ]);
      expect(body).toMatch(/^retry: 1250\n\nevent: snapshot\n/);
      client.socket.destroy();
    }
  });

  test('answers nothing else: what the client sends after its request is thrown away', async () => {
    const api = await setup({ alpha: 60_000 });
    const client = connected(api, get(api));
    await isReading(client);
    client.socket.write(get(api));
    client.socket.write('GARBAGE \0\r\n\r\n');
    api.happen('alpha', 'quoted');
    await until(() => client.isEnded());
    expect(client.text().match(/HTTP\/1\.1/g)).toHaveLength(1);
    expect(client.text()).toMatch(/event: done\n.*\n.*\n\n$/);
  });

  test('is one for the first of two requests that are sent together', async () => {
    const api = await setup({ alpha: 60_000 });
    const client = connected(api, get(api) + get(api));
    await isReading(client);
    api.happen('alpha', 'quoted');
    await until(() => client.isEnded());
    expect(client.text().match(/HTTP\/1\.1/g)).toHaveLength(1);
    expect(client.text()).toMatch(/event: done\n.*\n.*\n\n$/);
  });

  test('is not taken while a request behind it is not read: the client is asked to come back, not cut off', async () => {
    const api = await setup({ alpha: 60_000 });
    const quotes = get(api).replace('/stream ', '/quotes ');
    const client = connected(api, get(api) + quotes);
    await until(() => client.isEnded());
    expect(client.text()).toMatch(/^HTTP\/1\.1 200 OK\r\ncontent-type: text\/event-stream/);
    expect(client.text()).toContain('retry: 1250\n\n');
    expect(client.text().match(/HTTP\/1\.1/g)).toHaveLength(1);
    const other = connected(api, quotes + get(api));
    await until(() => other.isEnded());
    expect(other.text().match(/HTTP\/1\.1 200/g)).toHaveLength(2);
    expect(other.text()).toContain('retry: 1250\n\n');
  });

  test('waits for the end of a body, which means nothing', async () => {
    const api = await setup({ alpha: 60_000 });
    const client = connected(api, get(api, '1.1', 'Content-Length: 5\r\n'));
    await until(() => api.reader.reads > 0);
    expect(client.text()).toBe('');
    client.socket.write('hello');
    await isReading(client);
    client.socket.destroy();
  });

  test('is let go when the client says that it sends no more, as node:http does', async () => {
    const api = await setup({ alpha: 60_000 });
    const client = connected(api, get(api));
    await isReading(client);
    client.socket.end();
    await until(async () => (await streamsThat(api.metrics, 'gone')) === 1);
  });
});

describe('who may not read', () => {
  const answers = async ({ origin }: TestApi, path: string, headers = {}): Promise<number> =>
    (await fetchAll(`${origin}${path}`, { headers })).status;

  test('without a credential gets a 401, with a wrong one or for an unknown request a 404', async () => {
    const api = await setup();
    const unknownId = REQUEST_ID.replace(/.$/, '2');
    const unknown = PATH.replace(REQUEST_ID, unknownId);
    expect(await answers(api, PATH)).toBe(401);
    expect(await answers(api, PATH, { authorization: 'Bearer v1.k1.x' })).toBe(404);
    expect(await answers(api, unknown, api.authorization)).toBe(404);
    expect(api.reader.reads).toBe(0);
    expect(await answers(api, unknown, { authorization: `Bearer ${api.access.token(unknownId)}` })).toBe(404);
    expect(api.reader.reads).toBe(1);
  });

  test('gets a problem, not a stream', async () => {
    const { origin } = await setup();
    const answer = await fetchAll(`${origin}${PATH}`);
    expect(answer.headers['content-type']).toBe('application/problem+json');
    expect(answer.json()).toMatchObject({ status: 401 });
  });

  test('a native EventSource needs only its cookie', async () => {
    const { access, origin } = await setup();
    const stream = await send(`${origin}${PATH}`, { headers: { cookie: `osago_access=${access.token(REQUEST_ID)}` } });
    expect(stream.status).toBe(200);
    stream.close();
  });

  test.each(['POST', 'PUT', 'DELETE', 'HEAD', 'OPTIONS'])('the stream answers a %s with 405 and what it offers', async (method) => {
    const { authorization, origin } = await setup();
    const answer = await fetchAll(`${origin}${PATH}`, { method, headers: authorization });
    expect([answer.status, answer.headers['allow']]).toEqual([405, 'GET']);
  });
});
