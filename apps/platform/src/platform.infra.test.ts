/** The order and the supervision of everything, with stand-ins for the apps and real parts. */
import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, expect, test } from '@jest/globals';
import { Children, freePort, isRunning } from '@osago/local-parts';
import { Platform } from './platform.ts';
import { createProgress } from './progress.ts';
import { makeCheckout } from './stand-in-checkout.ts';

/** Start-up of a dozen processes on a machine that runs other tests too. */
const PATIENCE_MS = 180_000;

const cleaning: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const clean of cleaning.splice(0).reverse()) await clean();
});

const setup = async (pods: number, changed: Record<string, string> = {}) => {
  const { root, dir, state, stopped } = makeCheckout(changed);
  const children = new Children({ logDir: join(dir, 'logs') });
  cleaning.push(() => rm(root, { recursive: true }), () => children.close());
  const lines: string[] = [];
  const progress = createProgress({ write: (text) => lines.push(text.trim()) }, () => 0);
  const options = { port: await freePort(), pods, speed: 1, dir };
  const platform = new Platform({ root, children, progress, env: process.env }, options);
  cleaning.push(() => platform.stop());
  return { dir, platform, options, state, lines, stopped };
};

const text = async (url: string): Promise<string> => (await fetch(url)).text();

const until = async (holds: () => boolean | Promise<boolean>): Promise<void> => {
  const giveUpAt = Date.now() + PATIENCE_MS / 2;
  while (!(await holds())) {
    if (Date.now() > giveUpAt) throw new Error('did not come to hold in time');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
};

const isAlive = (pid: number | undefined): boolean => pid !== undefined && isRunning(pid);

test(
  'with one pod core-app itself is the address; everything is stopped, people first',
  async () => {
    const { platform, options, state, dir, stopped } = await setup(1);
    const answer = await platform.start();
    expect(state()).toEqual(answer);
    expect(answer).toMatchObject({
      url: `http://127.0.0.1:${options.port}`,
      core_app: [{ url: `http://127.0.0.1:${options.port}` }],
      database_url: process.env['DATABASE_URL'],
      kafka_brokers: process.env['KAFKA_BROKERS']?.split(','),
    });
    expect(answer).not.toHaveProperty('edge');
    expect(await text(answer.url)).toBe('core-app');

    await platform.stop();
    expect(stopped()).toEqual(['core-app', 'osago-aggregator', 'insurer-simulator']);
    expect([...answer.core_app, ...answer.aggregator].map(({ pid }) => isAlive(pid))).toEqual([false, false]);
    expect(existsSync(join(dir, 'state.json'))).toBe(false);
  },
  PATIENCE_MS,
);

test(
  'with several pods an edge is the address; a pod that dies comes back where it was',
  async () => {
    const { platform, state, lines } = await setup(2);
    const first = await platform.start();
    expect(first.edge).toMatchObject({ url: first.url });
    expect(new Set([await text(first.url), await text(first.url)])).toEqual(new Set(['core-app-1', 'core-app-2']));

    const died = first.core_app[0]!;
    process.kill(died.pid!, 'SIGKILL');
    await until(() => state().core_app[0]!.pid !== died.pid);
    expect(state().core_app[0]!.url).toBe(died.url);
    await until(() => text(died.url).then((name) => name === 'core-app-1', () => false));
    expect(lines).toContain('! core-app-1 ended (SIGKILL); it is started again in 0.5 s');
    expect(await text(first.url)).toMatch(/^core-app-[12]$/);
  },
  PATIENCE_MS,
);

test(
  'an app that does not come up is named, with what it said last',
  async () => {
    const { platform, dir } = await setup(1, { 'apps/core-app/src/main.ts': 'throw new Error("no such column")' });
    await expect(platform.start()).rejects.toThrow(/^core-app ended before it was ready \(code 1\)[^]*no such column/);
    expect(existsSync(join(dir, 'state.json'))).toBe(false);
  },
  PATIENCE_MS,
);

test(
  'a migration that fails is named, with what it said last',
  async () => {
    const failing = { 'apps/core-app/src/migrate.ts': 'console.error("no such type"); process.exitCode = 1' };
    const { platform, lines } = await setup(1, failing);
    await expect(platform.start()).rejects.toThrow(
      /^The step "migrating the database" failed \(code 1\):\n {2}no such type$/,
    );
    await platform.stop();
    // What had come up is stopped with the rest, and not taken for dead.
    expect(lines.filter((line) => line.startsWith('!'))).toEqual([]);
  },
  PATIENCE_MS,
);
