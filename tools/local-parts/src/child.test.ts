import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from '@jest/globals';
import { Children, type ChildSpec } from './child.ts';

const cleaning: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const clean of cleaning.splice(0)) await clean();
});

const setup = () => {
  const logDir = mkdtempSync(join(tmpdir(), 'osago-child-'));
  const children = new Children({ logDir });
  cleaning.push(async () => {
    await children.close();
    rmSync(logDir, { recursive: true });
  });
  const node = (name: string, script: string, more: Partial<ChildSpec> = {}) =>
    children.spawn({ name, command: process.execPath, args: ['-e', script], graceMs: 30_000, ...more });
  const printed = async (child: { lastLines(count: number): string[] }, line: string) => {
    const giveUpAt = Date.now() + 30_000;
    while (!child.lastLines(5).includes(line)) {
      if (Date.now() > giveUpAt) throw new Error(`${line} was not printed`);
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  return { children, node, printed };
};

test('writes what a child prints to its log', async () => {
  const { node } = setup();
  const child = node('talker', 'console.log("one"); console.log(); console.error("two")');
  expect(await child.ended).toEqual({ code: 0, signal: null });
  expect(child.lastLines(5)).toEqual(['one', 'two']);
  expect(child.lastLines(1)).toEqual(['two']);
});

test('keeps the log of a former child of the same name', async () => {
  const { node } = setup();
  await node('twice', 'console.log("first")').ended;
  const second = node('twice', 'console.log("second")');
  await second.ended;
  expect(second.lastLines(5)).toEqual(['first', 'second']);
});

test('asks a child to stop and waits for its end', async () => {
  const { node, printed } = setup();
  const polite = `process.on('SIGTERM', () => process.exit(7)); setInterval(() => {}, 1000); console.log('up')`;
  const child = node('polite', polite);
  await printed(child, 'up');
  await child.stop();
  expect(await child.ended).toEqual({ code: 7, signal: null });
});

test('kills a child that does not stop in its grace', async () => {
  const { node, printed } = setup();
  const deaf = `process.on('SIGTERM', () => {}); setInterval(() => {}, 1000); console.log('up')`;
  const child = node('deaf', deaf, { graceMs: 50 });
  await printed(child, 'up');
  await child.stop();
  expect(await child.ended).toEqual({ code: null, signal: 'SIGKILL' });
});

test('tells why a child could not be started', async () => {
  const { children } = setup();
  const child = children.spawn({ name: 'none', command: 'no-such-command', args: [], graceMs: 1 });
  expect((await child.ended).error?.message).toContain('ENOENT');
  await child.stop();
});

test('stops all that run at the close, and starts nothing after it', async () => {
  const { children, node, printed } = setup();
  const child = node('left', `setInterval(() => {}, 1000); console.log('up')`);
  await printed(child, 'up');
  await children.close();
  expect(await child.ended).toEqual({ code: null, signal: 'SIGTERM' });
  expect(() => node('late', '')).toThrow('late was to be started after the end');
});

test('removes no folder that does not bear our name', () => {
  const { children } = setup();
  expect(() => children.removeAtEnd(tmpdir())).toThrow('is not a folder to remove');
});
