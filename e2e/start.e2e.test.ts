/** `npm start` as a command: what it says when it cannot, and what it leaves behind. */
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { newDir, type RunningPlatform, spawnPlatform, startPlatform, until } from './platform.ts';

/** Seconds, where nothing else runs. */
const START_MS = 120_000;
const GONE_MS = 30_000;

/** Empty where the process has ended meanwhile. */
const commandLineOf = (pid: string): string => {
  try {
    return readFileSync(join('/proc', pid, 'cmdline'), 'utf8').replaceAll('\0', ' ');
  } catch {
    return '';
  }
};

/** `ps` is not on every machine, and `/proc` on Linux only. */
const commandLines = (): string[] =>
  existsSync('/proc/self/cmdline')
    ? readdirSync('/proc').filter((name) => /^\d+$/.test(name)).map(commandLineOf)
    : execFileSync('ps', ['-Ao', 'args'], { encoding: 'utf8' }).split('\n');

/** Every process whose command line names this data directory. */
const processesOf = (dir: string): string[] => commandLines().filter((line) => line.includes(dir));

const pidsOf = (platform: RunningPlatform): number[] => {
  const state = platform.state() as ReturnType<RunningPlatform['state']> & {
    parts?: Record<string, { pid: number }>;
  };
  const parts = Object.values(state.parts ?? {});
  return [...state.core_app, ...state.aggregator, ...parts].map(({ pid }) => pid);
};

/** One that has ended keeps its number until its parent asks how, and has no command line. */
const isRunning = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  return !existsSync('/proc/self/cmdline') || commandLineOf(String(pid)) !== '';
};

const allGone = (pids: readonly number[], dir: string): true | undefined =>
  !pids.some(isRunning) && processesOf(dir).length === 0 ? true : undefined;

describe('npm start', () => {
  test('a second one on the same folder names the first; Ctrl-C leaves no process behind', async () => {
    const platform = await startPlatform(['--port', '0']);
    const pids = pidsOf(platform);
    expect(pids.length).toBeGreaterThanOrEqual(5);
    expect(pids.every(isRunning)).toBe(true);

    const second = spawnPlatform(['--port', '0'], { dir: platform.dir });
    expect(await second.ended).toBe(1);
    expect(second.printed()).toContain(platform.state().url);
    expect(second.printed()).not.toMatch(/\n\s+at /);

    platform.child.kill('SIGINT');
    expect(await platform.ended).toBe(0);
    await until('every process is gone', () => allGone(pids, platform.dir), GONE_MS);
    expect(existsSync(join(platform.dir, 'state.json'))).toBe(false);
  }, 3 * START_MS);

  test('killed without a word, it leaves no process behind either, and starts again on the same folder', async () => {
    const platform = await startPlatform(['--port', '0']);
    const pids = pidsOf(platform);
    const supervisor = (platform.state() as unknown as { pid: number }).pid;
    process.kill(supervisor, 'SIGKILL');
    await until('every process is gone', () => allGone(pids, platform.dir), GONE_MS);
    const again = spawnPlatform(['--port', '0'], { dir: platform.dir });
    await until('it is ready again', () => again.printed().includes('ready after') || undefined, START_MS);
    await again.stop();
  }, 3 * START_MS);

  test('a port that is taken, an unknown option and a missing database are one sentence each', async () => {
    const taken = createServer();
    await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
    const { port } = taken.address() as AddressInfo;
    const cases: [string[], Record<string, string>, RegExp][] = [
      [['--port', String(port)], {}, new RegExp(`${port}.*--port`, 's')],
      [['--prot', '1'], {}, /--prot/],
      [['--pods', 'many'], {}, /pods/],
      [['--port', '0'], { DATABASE_URL: 'postgres://127.0.0.1:1/none' }, /DATABASE_URL/],
    ];
    for (const [args, env, sentence] of cases) {
      const dir = newDir();
      const failing = spawnPlatform(args, { dir, env });
      expect(await failing.ended).not.toBe(0);
      expect(failing.printed()).toMatch(sentence);
      expect(failing.printed()).not.toMatch(/\n\s+at /);
      await until('nothing is left', () => (processesOf(dir).length === 0 ? true : undefined), GONE_MS);
    }
    await new Promise((resolve) => taken.close(resolve));
  }, 4 * START_MS);
});
