/** What only a process of its own can show: signals, exit codes, what a person reads when the configuration is wrong. */
import { type ChildProcess, fork } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, describe, expect, test } from '@jest/globals';

const DOOR = pathToFileURL(join(import.meta.dirname, 'index.ts')).href;
const PATIENCE_MS = 20_000;

const cleaning: (() => void)[] = [];
afterEach(() => cleaning.splice(0).forEach((clean) => clean()));

/** A `main.ts` with this body; what it has printed resolves with its exit code. */
const start = (body: string) => {
  const folder = mkdtempSync(join(tmpdir(), 'osago-service-'));
  const main = join(folder, 'main.ts');
  writeFileSync(main, `import * as kit from ${JSON.stringify(DOOR)};\n${body}`);
  const child: ChildProcess = fork(main, { stdio: ['ignore', 'pipe', 'pipe', 'ipc'], execArgv: ['--no-warnings'] });
  cleaning.push(() => {
    child.kill('SIGKILL');
    rmSync(folder, { recursive: true });
  });
  let output = '';
  const running = Promise.withResolvers<undefined>();
  const streams = [child.stdout, child.stderr].map(async (stream) => {
    for await (const data of stream ?? []) {
      output += String(data);
      if (output.includes('it runs')) running.resolve(undefined);
    }
  });
  const exited = new Promise<number | null>((resolve) => void child.once('exit', resolve));
  const ended = Promise.all([exited, ...streams]).then(([code]) => ({ code, output }));
  return { child, running: running.promise, ended };
};

const SERVICE = `
  const log = kit.createLog('a', 'info');
  const service = (drains) => ({ name: 'it', run: (signal) => new Promise((resolve) => {
    log.info({}, 'it runs');
    const alive = setInterval(() => undefined, 1000);
    if (drains) signal.addEventListener('abort', () => { clearInterval(alive); resolve(); });
  }) });
  const closeLast = [{ close: async () => log.info({}, 'closed') }];`;
const RUN = `${SERVICE} kit.startMain(() => kit.runUntilStopped([service(true)], { log, stopTimeoutMs: 10_000, closeLast }));`;

describe('a process', () => {
  test.each<[string, (child: ChildProcess) => void]>([
    ['SIGTERM', (child) => child.kill('SIGTERM')],
    ['SIGINT', (child) => child.kill('SIGINT')],
    ['the end of its parent', (child) => child.disconnect()],
  ])('drains, closes and ends with 0 after %s', async (_, ask) => {
    const { child, running, ended } = start(RUN);
    await running;
    ask(child);
    const { code, output } = await ended;
    expect(code).toBe(0);
    expect(output).toMatch(/stopping[^]*closed[^]*"status":"stopped"/);
  }, PATIENCE_MS);

  test('is ended by force with 1 when it does not drain in time', async () => {
    const { child, running, ended } = start(
      `${SERVICE} kit.startMain(() => kit.runUntilStopped([service(false)], { log, stopTimeoutMs: 50, closeLast }));`,
    );
    await running;
    child.kill('SIGTERM');
    const { code, output } = await ended;
    expect(code).toBe(1);
    expect(output).toContain('exit is forced');
    expect(output).not.toContain('closed');
  }, PATIENCE_MS);

  test('ends with 1 when a service fails', async () => {
    const { ended } = start(
      `${SERVICE} const bad = { name: 'bad', run: () => Promise.reject(new Error('broke')) };
      kit.startMain(() => kit.runUntilStopped([service(true), bad], { log, stopTimeoutMs: 10_000, closeLast }));`,
    );
    const { code, output } = await ended;
    expect(code).toBe(1);
    expect(output).toMatch(/service failed[^]*closed[^]*"status":"failed"/);
  }, PATIENCE_MS);

  test('shows every fault of its configuration, no stack, and ends with 2', async () => {
    const { ended } = start(`kit.startMain(async () => { throw new kit.ConfigError('environment', ['A', 'B']); });`);
    expect(await ended).toEqual({ code: 2, output: 'environment:\n  - A\n  - B\n' });
  }, PATIENCE_MS);

  test('shows the stack of any other failure to start, and ends with 1', async () => {
    const { ended } = start(`kit.startMain(async () => { throw new TypeError('no way'); });`);
    const { code, output } = await ended;
    expect(code).toBe(1);
    expect(output).toMatch(/^TypeError: no way\n +at /);
  }, PATIENCE_MS);
});
