/** One Redis that keeps nothing on disk: what the platform puts there is in flight, and it may lose it at any moment. */
import { constants } from 'node:fs';
import { access, chmod, mkdir, readdir } from 'node:fs/promises';
import { connect } from 'node:net';
import { arch, platform } from 'node:os';
import { join } from 'node:path';
import { fetched, redisBinaries } from './maven.ts';
import { PartMissingError } from './part-error.ts';
import { type LocalPart, type PartOptions, showNothing } from './part.ts';
import { freePort } from './ports.ts';
import { untilReady } from './readiness.ts';
import { run } from './run.ts';

export interface RedisPart extends LocalPart {
  readonly url: string;
}

const READY_TIMEOUT_MS = 60_000;
const PROBE_TIMEOUT_MS = 1000;
const GRACE_MS = 5000;

/** Scripts with `TIME` and writes in one need 5; `ZRANGE … BYSCORE` and `SET … GET` 6.2. */
const OLDEST = [6, 2] as const;

/** The version a server names in answer to `--version`, when it is new enough. */
export const usableVersion = (output: string): string | undefined => {
  const found = /v=(\d+)\.(\d+)\.\d+/.exec(output);
  if (!found) return undefined;
  const [major, minor] = [Number(found[1]), Number(found[2])];
  return major > OLDEST[0] || (major === OLDEST[0] && minor >= OLDEST[1]) ? found[0].slice(2) : undefined;
};

/** Of the names in the fetched archive, the one for this machine. */
export const binaryFor = (names: readonly string[], system: string, processor: string): string | undefined => {
  const suffix = `-${system}-${processor === 'x64' ? 'amd64' : processor === 'ia32' ? '386' : processor}`;
  return names.find((name) => name.endsWith(suffix));
};

const findRedis = async (options: PartOptions): Promise<string> => {
  for (const command of ['redis-server', 'valkey-server']) {
    const { code, output } = await run(command, ['--version'], { timeoutMs: 5000 });
    if (code === 0 && usableVersion(output) !== undefined) return command;
  }
  const folder = await fetched(redisBinaries, options);
  const name = binaryFor(await readdir(folder), platform(), arch());
  if (name === undefined) throw new PartMissingError(`Redis is not packed for ${platform()} on ${arch()}.`);
  const command = join(folder, name);
  await access(command, constants.X_OK).catch(() => chmod(command, 0o755));
  return command;
};

const answers = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port });
    socket.setTimeout(PROBE_TIMEOUT_MS, () => socket.destroy());
    socket.once('connect', () => socket.write('PING\r\n'));
    socket.once('data', (data) => {
      resolve(data.toString().startsWith('+PONG'));
      socket.destroy();
    });
    socket.once('error', () => resolve(false));
    socket.once('close', () => resolve(false));
  });

export interface RedisOptions extends PartOptions {
  /** Settings of the server beside ours, by the names of `redis.conf`. */
  settings?: Readonly<Record<string, string>>;
}

/** Resolves when Redis answers. Throws {@link PartError}. */
export const startRedis = async (options: RedisOptions): Promise<RedisPart> => {
  const { children, dataDir, step = showNothing } = options;
  const command = await findRedis(options);
  const folder = join(dataDir, 'redis');
  await mkdir(folder, { recursive: true });
  const port = options.port ?? (await freePort());
  const settings = {
    port,
    bind: '127.0.0.1',
    dir: folder,
    save: '',
    appendonly: 'no',
    // State must never vanish one key at a time; a full Redis refuses writes, which shows.
    'maxmemory-policy': 'noeviction',
    ...options.settings,
  };
  return step('starting Redis', async () => {
    const args = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, String(value)]);
    const child = children.spawn({ name: 'redis', command, args, cwd: folder, graceMs: GRACE_MS });
    await untilReady(child, { what: 'Redis', timeoutMs: READY_TIMEOUT_MS, probe: () => answers(port) });
    return { ...child, port, url: `redis://127.0.0.1:${port}` };
  });
};
