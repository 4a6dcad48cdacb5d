import { afterEach, describe, expect, test } from '@jest/globals';
import { createLog } from './log.ts';
import { createMetrics, Counter } from './metrics.ts';
import { type HealthCheck, type OperatorCalls, privateServer } from './private-server.ts';

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

type Checks = Readonly<Record<string, HealthCheck>>;

interface Given {
  live?: Checks;
  ready?: Checks;
  operatorCalls?: OperatorCalls;
}

const setup = async ({ live = {}, ready = {}, ...calls }: Given = {}) => {
  const opened = Promise.withResolvers<number>();
  const log = createLog('test', 'info', {
    write: (line) => {
      const { msg, port } = JSON.parse(line) as { msg: string; port: number };
      if (msg === 'private port open') opened.resolve(port);
    },
  });
  const metrics = createMetrics('an-app');
  const stop = new AbortController();
  const running = privateServer({ log, metrics }, { port: 0, live, ready, ...calls }).run(stop.signal);
  closing.push(() => (stop.abort(), running));
  const origin = `http://127.0.0.1:${await opened.promise}`;
  const get = async (path: string) => {
    const response = await fetch(`${origin}${path}`);
    return { status: response.status, type: response.headers.get('content-type'), text: await response.text() };
  };
  const health = async (path: string) => {
    const { status, text } = await get(path);
    return { status, body: JSON.parse(text) as unknown };
  };
  return { origin, metrics, stop, running, get, health };
};

describe('the private port', () => {
  test('leaves to the calls of operators what it does not know, and they may not know it either', async () => {
    const operatorCalls: OperatorCalls = (_, response, path) => {
      if (path !== '/insurers') return Promise.resolve(false);
      response.writeHead(200).end('calls');
      return Promise.resolve(true);
    };
    const { get } = await setup({ operatorCalls });
    expect(await get('/insurers?any=1')).toMatchObject({ status: 200, text: 'calls' });
    expect((await get('/elsewhere')).status).toBe(404);
    expect((await get('/health/live')).status).toBe(200);
  });

  test('says the number of the port that it got', async () => {
    expect((await setup()).origin).toMatch(/:[1-9]\d+$/);
  });

  test('is green while every check is', async () => {
    const { health } = await setup({ ready: { log: () => undefined, store: () => Promise.resolve(undefined) } });
    const green = { status: 200, body: { status: 'ok', checks: { log: 'ok', store: 'ok' } } };
    expect(await health('/health/ready')).toEqual(green);
    expect(await health('/health/live')).toEqual({ status: 200, body: { status: 'ok', checks: {} } });
  });

  test('is red with the reason of each check, and names the green ones too', async () => {
    const { health } = await setup({ ready: { log: () => 'catching up', store: () => undefined } });
    expect(await health('/health/ready')).toEqual({
      status: 503,
      body: { status: 'failing', checks: { log: 'catching up', store: 'ok' } },
    });
  });

  test.each<[string, HealthCheck, string]>([
    ['throws', () => { throw new Error('no broker'); }, 'no broker'],
    ['rejects', () => Promise.reject(new Error('no broker')), 'no broker'],
    // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- what a careless check does
    ['rejects with no Error', () => Promise.reject('text'), 'failed'],
  ])('is red with the reason when a check %s', async (_, check, reason) => {
    const { health } = await setup({ live: { broker: check } });
    expect(await health('/health/live')).toEqual({
      status: 503,
      body: { status: 'failing', checks: { broker: reason } },
    });
  });

  test('shows metrics with the name of the app', async () => {
    const { metrics, get } = await setup();
    new Counter({ name: 'osago_things_total', help: 'Things', registers: [metrics] }).inc(3);
    const { status, type, text } = await get('/metrics');
    expect(status).toBe(200);
    expect(type).toContain('text/plain');
    expect(text).toContain('osago_things_total{app="an-app"} 3');
    expect(text).toContain('process_cpu_seconds_total');
  });

  test('goes by the path alone', async () => {
    const { get } = await setup();
    expect((await get('/health/live?verbose=1')).status).toBe(200);
    for (const path of ['/', '/health', '/metrics/all']) expect((await get(path)).status).toBe(404);
  });

  test('drops a call whose metrics cannot be made, and answers the next', async () => {
    const { metrics, get, health } = await setup();
    metrics.metrics = () => Promise.reject(new Error('collector broke'));
    await expect(get('/metrics')).rejects.toThrow();
    expect((await health('/health/live')).status).toBe(200);
  });

  test('ends at once when stopped, although a client keeps its connection', async () => {
    const { health, stop, running, origin } = await setup();
    await health('/health/live');
    stop.abort();
    await running;
    await expect(fetch(origin)).rejects.toThrow();
  });

  test('does not open under an aborted signal', async () => {
    const log = createLog('test', 'silent');
    const metrics = createMetrics('an-app');
    await privateServer({ log, metrics }, { port: 0, live: {}, ready: {} }).run(AbortSignal.abort());
  });

  test('fails when its port is taken', async () => {
    const { origin } = await setup();
    const port = Number(new URL(origin).port);
    const log = createLog('test', 'silent');
    const second = privateServer({ log, metrics: createMetrics('b') }, { port, live: {}, ready: {} });
    await expect(second.run(new AbortController().signal)).rejects.toMatchObject({ code: 'EADDRINUSE' });
  });
});
