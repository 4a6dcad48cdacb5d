/** `npm start` as a person meets it: one URL, Ctrl-C, kill -9, a second start; with stand-ins for the apps. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, expect, test } from '@jest/globals';
import { isRunning } from '@osago/local-parts';
import { type Checkout, DEAF_STAND_IN, makeCheckout } from './stand-in-checkout.ts';

/** Start-up of a dozen processes on a machine that runs other tests too. */
const PATIENCE_MS = 180_000;

const cleaning: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const clean of cleaning.splice(0).reverse()) await clean();
});

const setup = (changed: Record<string, string> = {}): Checkout => {
  const checkout = makeCheckout(changed);
  cleaning.push(() => rm(checkout.root, { recursive: true, maxRetries: 5 }));
  return checkout;
};

const command = ({ root }: Checkout, ...args: string[]) => {
  const child = spawn(process.execPath, [join(root, 'apps', 'platform', 'bootstrap.mjs'), ...args], {
    cwd: root,
    env: { ...process.env, INIT_CWD: root, npm_lifecycle_event: '' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (said += chunk.toString()));
  const exit = once(child, 'close').then(([code]) => code as number | null);
  cleaning.push(async () => {
    child.kill('SIGKILL');
    await exit;
  });
  const says = (text: string) => until(() => said.includes(text), () => said);
  return { signal: (name: NodeJS.Signals) => child.kill(name), exit, said: () => said, says };
};

const until = async (holds: () => boolean, describe: () => string): Promise<void> => {
  const giveUpAt = Date.now() + PATIENCE_MS / 2;
  while (!holds()) {
    if (Date.now() > giveUpAt) throw new Error(`did not come to hold in time: ${describe()}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
};

const isAlive = (pid: number | undefined): boolean => pid !== undefined && isRunning(pid);

const pidsOf = ({ state }: Checkout): (number | undefined)[] => {
  const { pid, core_app, aggregator, edge } = state();
  return [pid, edge?.pid, ...[...core_app, ...aggregator].map((pod) => pod.pid)].filter((one) => one !== undefined);
};

test.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)(
  '%s stops everything in order, with code 0',
  async (name) => {
    const checkout = setup();
    const start = command(checkout, 'start', '--port', '0');
    await start.says('ready after');
    const { url } = checkout.state();
    expect(start.said()).toContain(url);
    expect(await (await fetch(url)).text()).toBe('core-app');
    const pids = pidsOf(checkout);

    start.signal(name);
    expect(await start.exit).toBe(0);
    expect(pids.filter(isAlive)).toEqual([]);
    expect(checkout.stopped()).toEqual(['core-app', 'osago-aggregator', 'insurer-simulator']);
    expect(existsSync(join(checkout.dir, 'state.json'))).toBe(false);
    expect(existsSync(join(checkout.dir, 'platform.lock'))).toBe(false);
  },
  PATIENCE_MS,
);

test(
  'a Ctrl-C during the start stops what has been started',
  async () => {
    const checkout = setup({ 'apps/core-app/src/migrate.ts': 'setInterval(() => {}, 1000)' });
    const start = command(checkout, 'start', '--port', '0');
    await start.says('starting the simulated insurers');
    start.signal('SIGINT');
    expect(await start.exit).toBe(0);
    expect(start.said()).not.toContain('Error');
    expect(checkout.stopped()).toEqual(['insurer-simulator']);
  },
  PATIENCE_MS,
);

test(
  'a second Ctrl-C kills what does not stop',
  async () => {
    const checkout = setup({ 'apps/core-app/src/main.ts': DEAF_STAND_IN });
    const start = command(checkout, 'start', '--port', '0');
    await start.says('ready after');
    const pids = pidsOf(checkout);
    start.signal('SIGINT');
    await start.says('stopping');
    await until(() => (start.signal('SIGINT'), start.said().includes('killed')), start.said);
    expect(await start.exit).toBe(130);
    await until(() => !pids.some(isAlive), () => String(pids));
  },
  PATIENCE_MS,
);

test(
  'nothing outlives a kill -9 of the platform, and the next start takes over',
  async () => {
    const checkout = setup();
    const start = command(checkout, 'start', '--port', '0');
    await start.says('ready after');
    const pids = pidsOf(checkout);
    process.kill(checkout.state().pid, 'SIGKILL');
    expect(await start.exit).toBe(1);
    await until(() => !pids.some(isAlive), () => String(pids));

    const next = command(checkout, 'start', '--port', '0', '--pods', '2');
    await next.says('ready after');
    next.signal('SIGTERM');
    expect(await next.exit).toBe(0);
  },
  PATIENCE_MS,
);

test(
  'nothing outlives a kill -9 of the one that started the platform',
  async () => {
    const checkout = setup();
    const start = command(checkout, 'start', '--port', '0');
    await start.says('ready after');
    const pids = pidsOf(checkout);
    start.signal('SIGKILL');
    await until(() => !pids.some(isAlive), () => String(pids));
    expect(existsSync(join(checkout.dir, 'state.json'))).toBe(false);
  },
  PATIENCE_MS,
);

test(
  'a second start on the same folder says where the first one is',
  async () => {
    const checkout = setup();
    const start = command(checkout, 'start', '--port', '0');
    await start.says('ready after');
    const second = command(checkout, 'start', '--port', '0');
    expect(await second.exit).toBe(1);
    expect(second.said()).toContain(`already: ${checkout.state().url}`);
    expect(second.said()).not.toContain('    at ');
    start.signal('SIGTERM');
    expect(await start.exit).toBe(0);
  },
  PATIENCE_MS,
);

test('a bad option is one sentence and the usage', async () => {
  const start = command(setup(), 'start', '--pods', 'many');
  expect(await start.exit).toBe(1);
  expect(start.said().trim()).toMatch(/^--pods many is not a whole number from 1 to 20\.\n\nnpm start -- \[options\]/);
});

test('all packages are installed, also where npm is told to leave some out', () => {
  const { root } = setup({
    'package-lock.json': '{ "packages": { "node_modules/one": { "version": "1.0.0" } } }',
    'npm.mjs': 'console.log(process.argv.slice(2).join(" ")); process.exitCode = 1;',
  });
  const args = [join(root, 'apps', 'platform', 'bootstrap.mjs'), 'start'];
  const env = { ...process.env, npm_execpath: join(root, 'npm.mjs'), NODE_ENV: 'production' };
  const { stdout } = spawnSync(process.execPath, args, { cwd: root, env, encoding: 'utf8' });
  expect(stdout).toMatch(/^ci .*--include=dev --include=optional/m);
});

test('an unknown command names those that there are', async () => {
  const unknown = command(setup(), 'stat');
  expect(await unknown.exit).toBe(1);
  expect(unknown.said()).toMatch(/^"stat" is none of: start, test, [a-z, :-]+\.\n$/);
});
