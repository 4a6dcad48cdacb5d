import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, test } from '@jest/globals';
import { isRunning } from './is-running.ts';

test('a process runs until it has ended, although nobody has asked how it ended', async () => {
  // It has a child that ends when it reads a line, and then becomes a program that knows nothing of children.
  const script = 'sh -c "read line" <&3 & echo $!; exec sh -c "echo forgotten; exec sleep 60"';
  const parent = spawn('sh', ['-c', `exec 3<&0; ${script}`], { stdio: ['pipe', 'pipe', 'inherit'] });
  let said = '';
  for await (const chunk of parent.stdout.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    said += chunk.toString();
    if (said.includes('forgotten')) break;
  }
  const child = Number(said.split('\n')[0]);
  expect(isRunning(child)).toBe(true);
  parent.stdin.write('\n');
  expect(isRunning(parent.pid!)).toBe(true);
  while (isRunning(child)) await new Promise((resolve) => setImmediate(resolve));
  expect(() => process.kill(child, 0)).not.toThrow();
  const ended = once(parent, 'exit');
  parent.kill('SIGKILL');
  await ended;
  expect(isRunning(parent.pid!)).toBe(false);
});

test('a number that no process has runs nothing', () => {
  expect(isRunning(2 ** 22 + 1)).toBe(false);
});
