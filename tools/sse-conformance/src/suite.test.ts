import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, test } from '@jest/globals';
import { asJson, resultLines, summary } from './report.ts';
import { isConformant, runSuite } from './suite.ts';
import { BrokenServer } from './broken-server.ts';

const CORE = ['status', 'content-type', 'heartbeat', 'resume-no-gap', 'terminal-event', 'slow-reader-cut', 'shedding', 'drain'];

describe('a run without an adapter', () => {
  test('reports what it cannot check as not offered, and neither passes nor fails it', async () => {
    const server = await BrokenServer.start();
    const results = await runSuite({ url: server.url('a'), only: CORE });
    await server.close();
    expect(results.map(({ name, outcome }) => `${name} ${outcome}`)).toEqual([
      'status passed',
      'content-type passed',
      'heartbeat passed',
      'resume-no-gap not offered',
      'terminal-event not offered',
      'slow-reader-cut not offered',
      'shedding not offered',
      'drain not offered',
    ]);
    expect(isConformant(results)).toBe(true);
    expect(summary(results)).toContain('3 passed, 0 failed, 5 not offered');
  });

  test('is not conformant when nothing was passed', async () => {
    expect(isConformant(await runSuite({ url: 'http://localhost', only: ['drain'] }))).toBe(false);
  });

  test('fails a server that nobody is at, and reaches nothing else', async () => {
    const server = createServer();
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    const { port } = server.address() as AddressInfo;
    await new Promise((done) => server.close(done));
    const results = await runSuite({ url: `http://127.0.0.1:${port}/`, only: ['status', 'retry', 'retry-jitter'] });
    expect(results).toMatchObject([
      { name: 'status', outcome: 'failed', seen: 'ECONNREFUSED' },
      { name: 'retry', outcome: 'not reached', seen: 'rests on status' },
      { name: 'retry-jitter', outcome: 'not reached' },
    ]);
  });

  test('fails a server that breaks off within a chunk by the checks that need its bytes, and does not hang', async () => {
    const server = createServer((_, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write('data: x\n\n', () => response.socket?.end('5\r\nda'));
    });
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    const { port } = server.address() as AddressInfo;
    const results = await runSuite({ url: `http://127.0.0.1:${port}/`, only: ['status', 'blank-lines', 'heartbeat'] });
    await new Promise((done) => server.close(done));
    expect(results.map(({ outcome }) => outcome)).toEqual(['passed', 'passed', 'failed']);
  });

  test('turns an adapter that throws into a failed check, and goes on', async () => {
    const server = await BrokenServer.start();
    const adapter = { open: () => ({ url: server.url('a') }), openStreams: () => Promise.reject(new Error('no metrics')) };
    const results = await runSuite({ url: '', adapter, only: ['abort-frees', 'drain'] });
    await server.close();
    expect(results).toMatchObject([
      { outcome: 'failed', seen: 'no metrics' },
      { outcome: 'not offered' },
    ]);
  });
});

describe('the report', () => {
  const result = { name: 'retry', outcome: 'failed' as const, seen: 'no\nretry', why: 'Because.', ms: 1 };

  test('has a line for each check, and says why one that failed matters', () => {
    expect(resultLines(result).split('\n')).toEqual([
      'retry               FAILED       no?retry',
      '                    why          Because.',
      '',
    ]);
    expect(resultLines({ ...result, outcome: 'passed' })).toBe('retry               passed       no?retry\n');
  });

  test('is the same as JSON', () => {
    expect(JSON.parse(asJson('http://x/', [result]))).toEqual({ url: 'http://x/', conformant: false, checks: [result] });
  });
});
