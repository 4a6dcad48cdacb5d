/** Starts the whole platform as a user would, in a folder and on a port of its own, and stops it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export const ROOT = join(import.meta.dirname, '..');

export interface PlatformState {
  url: string;
  core_app: { url: string; private_url: string; pid: number }[];
  aggregator: { private_url: string; pid: number }[];
  insurers_url: string;
  database_url: string;
  redis_url: string;
  kafka_brokers: string[];
  edge?: { url: string; pid: number };
}

export interface RunningPlatform {
  readonly dir: string;
  readonly child: ChildProcess;
  /** All that it has printed. */
  printed(): string;
  state(): PlatformState;
  /** Resolves to the exit code. */
  ended: Promise<number | null>;
  stop(): Promise<void>;
}

/** Installs, builds the page, starts everything, on a machine that does other things too. */
const READY_MS_MAX = 240_000;

export const newDir = (): string => mkdtempSync(join(tmpdir(), 'osago-e2e-'));

/** Spawns `npm start` with the given options, without waiting for anything. */
export const spawnPlatform = (
  args: readonly string[],
  { dir = newDir(), env = {} }: { dir?: string; env?: Record<string, string> } = {},
): RunningPlatform => {
  const child = spawn(
    process.execPath,
    [join(ROOT, 'apps/platform/bootstrap.mjs'), 'start', '--dir', dir, ...args],
    { cwd: ROOT, env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] },
  );
  let printed = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      printed += text;
    });
  }
  const ended = new Promise<number | null>((resolve) => {
    child.once('exit', resolve);
  });
  return {
    dir,
    child,
    ended,
    printed: () => printed,
    state: () => JSON.parse(readFileSync(join(dir, 'state.json'), 'utf8')) as PlatformState,
    stop: async () => {
      child.kill('SIGTERM');
      await ended;
      rmSync(dir, { recursive: true, force: true });
    },
  };
};

/** Waits until `check` gives a value, for a bounded time. */
export const until = async <T>(
  what: string,
  check: () => Promise<T | undefined> | T | undefined,
  timeoutMs: number,
): Promise<T> => {
  let found: T | undefined;
  let last: unknown;
  const endMs = performance.now() + timeoutMs;
  while (performance.now() < endMs) {
    try {
      found = await check();
      if (found !== undefined) return found;
    } catch (error) {
      last = error;
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`not within ${timeoutMs} ms: ${what}`, { cause: last });
};

export const startPlatform = async (
  args: readonly string[],
  options: { env?: Record<string, string> } = {},
): Promise<RunningPlatform> => {
  const platform = spawnPlatform(args, options);
  let code: number | null | undefined;
  void platform.ended.then((ended) => {
    code = ended;
  });
  const come = (): 'ready' | 'ended' => {
    if (code !== undefined) return 'ended';
    platform.state();
    return 'ready';
  };
  const outcome = await until('the platform is ready', come, READY_MS_MAX).catch(() => 'still starting');
  if (outcome !== 'ready') {
    await platform.stop();
    throw new Error(`the platform did not start (${outcome}):\n${platform.printed()}`);
  }
  return platform;
};
