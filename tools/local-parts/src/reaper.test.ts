import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, test } from '@jest/globals';
import { isRunning } from './is-running.ts';

/** Starts one child that obeys SIGTERM and one that does not, says their ids when both are up, and lives on. */
const parent = (folder: string): string => `
  import { Children } from ${JSON.stringify(pathToFileURL(join(import.meta.dirname, 'child.ts')).href)};
  const children = new Children({ logDir: ${JSON.stringify(folder)}, orphanGraceMs: 300 });
  children.removeAtEnd(${JSON.stringify(folder)});
  const start = (name, script) => children.spawn({
    name, command: process.execPath, args: ['-e', script + ';setInterval(() => {}, 1000);console.log("up")'], graceMs: 1000,
  });
  const started = [start('polite', ''), start('deaf', 'process.on("SIGTERM", () => {})')];
  while (!started.every((child) => child.lastLines(1)[0] === 'up')) await new Promise(setImmediate);
  console.log(started.map((child) => child.pid).join(' '));
`;

/** A hundred times the grace of the fixture: the start of a process on a busy machine. */
const GONE_WITHIN_MS = 30_000;

const until = async (what: string, holds: () => boolean): Promise<void> => {
  const giveUpAt = Date.now() + GONE_WITHIN_MS;
  while (!holds()) {
    if (Date.now() > giveUpAt) throw new Error(`${what}: not within ${GONE_WITHIN_MS} ms`);
    await new Promise((resolve) => setImmediate(resolve));
  }
};

test.each(['SIGKILL', 'SIGHUP'] as const)('no child outlives a parent that dies of %s', async (signal) => {
  const folder = mkdtempSync(join(tmpdir(), 'osago-reaper-'));
  const dying = spawn(process.execPath, ['--no-warnings', '--input-type=module', '-e', parent(folder)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [said] = (await once(dying.stdout, 'data')) as [Buffer];
  const pids = said.toString().trim().split(' ').map(Number);
  expect(pids.map(isRunning)).toEqual([true, true]);

  dying.kill(signal);
  await until('children gone', () => !pids.some(isRunning));
  await until('folder gone', () => !existsSync(folder));
});
