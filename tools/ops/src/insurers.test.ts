import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, test } from '@jest/globals';
import type { InsurerState } from '@osago/contracts';
import { parseInsurerCommand } from './insurer-arguments.ts';
import { InsurerCalls } from './insurer-calls.ts';

const WHO = ['--by', 'Анна', '--reason', 'проверка'];
const who = { by: 'Анна', reason: 'проверка' };
const parse = (line: string, ...more: string[]) => parseInsurerCommand([...line.split(' ').filter(Boolean), ...more]);

describe('the command line', () => {
  test.each<[string, object]>([
    ['pause alfa', { paused: true }],
    ['resume alfa', { paused: false }],
    ['limits alfa --rate 0.5 --burst 3', { limits: { rate_per_s: 0.5, burst: 3 } }],
    ['limits alfa --concurrency 7', { limits: { concurrency: 7 } }],
    ['limits alfa --file', { limits: null }],
    ['breaker alfa open', { breaker: 'open' }],
    ['breaker alfa auto', { breaker: 'auto' }],
  ])('%s is that change, with its author and reason', (line, change) => {
    expect(parse(line, ...WHO)).toEqual({ kind: 'change', insurerId: 'alfa', change: { ...change, ...who }, isJson: false });
  });

  test('looks without an author', () => {
    expect(parse('list --json')).toEqual({ kind: 'list', isJson: true });
    expect(parse('history alfa')).toEqual({ kind: 'history', insurerId: 'alfa', isJson: false });
  });

  test.each([
    [''],
    ['list alfa'],
    ['pause'],
    ['pause alfa'],
    ['pause alfa beta --by a --reason b'],
    ['limits alfa --by a --reason b'],
    ['limits alfa --rate 5 --file --by a --reason b'],
    ['limits alfa --rate many --by a --reason b'],
    ['breaker alfa half --by a --reason b'],
    ['breaker alfa --by a --reason b'],
    ['stop alfa --by a --reason b'],
    ['list --speed'],
  ])('"%s" is no command', (line) => {
    expect(() => parse(line)).toThrow(expect.objectContaining({ name: 'UsageError' }));
  });
});

describe('the calls', () => {
  const closing: (() => void)[] = [];
  afterEach(() => {
    for (const close of closing.splice(0)) close();
  });

  const startAggregator = async (status: number, body: unknown) => {
    const server = createServer((_, response) => response.writeHead(status).end(JSON.stringify(body)));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    closing.push(() => server.close());
    return new InsurerCalls(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
  };
  const state: InsurerState = {
    insurer_id: 'alfa',
    state: 'up',
    breaker: 'closed',
    breaker_mode: 'auto',
    limits: { rate_per_s: 1, burst: 1, concurrency: 1 },
    pods: 1,
    at: '2026-11-21T09:00:00Z',
  };

  test('give how each insurer is', async () => {
    expect(await (await startAggregator(200, [state])).list()).toEqual([state]);
  });

  test('say what was wrong with a change, in one sentence', async () => {
    const errors = [{ pointer: '/limits/burst', code: 'too_small', detail: 'Expected integer to be greater or equal to 1' }];
    const calls = await startAggregator(400, { title: 'the change is not valid', status: 400, errors });
    await expect(calls.change('alfa', { limits: { burst: 0 }, ...who })).rejects.toThrow(/^the change is not valid; \/limits\/burst Expected/);
  });

  test('say that nobody answers', async () => {
    await expect(new InsurerCalls('http://127.0.0.1:1').list()).rejects.toThrow('no aggregator answers at http://127.0.0.1:1');
  });

  test('do not take another form for an answer', async () => {
    await expect((await startAggregator(200, { insurers: [] })).list()).rejects.toThrow('in another form');
  });
});
