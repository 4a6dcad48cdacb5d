import { afterEach, describe, expect, test } from '@jest/globals';
import { cleanUp, connect, connectedStore, ownRedis, untilAnswers } from './redis-given.ts';

const { REDIS_URL = '' } = process.env;
/** Two starts of a server on a machine that runs other tests too. */
const PATIENCE_MS = 120_000;
/** The command's own limit is 500 ms; the rest is a slow machine. A thousand of them are 500 s. */
const SLOW_MS = 15_000;

afterEach(cleanUp);

const timed = async <T>(work: () => Promise<T>): Promise<{ value: T; tookMs: number }> => {
  const startedAtMs = performance.now();
  const value = await work();
  return { value, tookMs: performance.now() - startedAtMs };
};

describe('a script', () => {
  test('runs on its key with its arguments, by its text once and by its hash from then on', async () => {
    const { store } = await connectedStore(REDIS_URL);
    const lua = `-- ${crypto.randomUUID()}\n return KEYS[1] .. ARGV[1] .. ARGV[2]`;
    expect(await store.script(lua, 'k', ['a', 7])).toBe('ka7');
    expect(await store.script(lua, 'k', ['b', 8])).toBe('kb8');
  });

  test('is known again after Redis has forgotten it', async () => {
    const { url } = await ownRedis();
    const { store } = await connectedStore(url);
    const lua = 'return ARGV[1]';
    await store.script(lua, 'k', ['a']);
    await connect(url).script('FLUSH');
    expect(await store.script(lua, 'k', ['b'])).toBe('b');
  }, PATIENCE_MS);

  test('that fails answers undefined and is counted', async () => {
    const { store, metrics, lines } = await connectedStore(REDIS_URL);
    lines.length = 0;
    const failures = async (): Promise<number> =>
      Number(/osago_redis_failures_total\S* (\d+)/.exec(await metrics.metrics())?.[1]);
    const before = await failures();
    expect(await store.script(`return redis.call('NO SUCH COMMAND')`, 'k', [])).toBeUndefined();
    expect(await store.script('no lua at all', 'k', [])).toBeUndefined();
    expect(await failures()).toBe(before + 2);
  });
});

describe('Redis that is away', () => {
  test('is undefined at once, said once, and back without a restart', async () => {
    const { url, part, again } = await ownRedis();
    const { store, lines } = await connectedStore(url);
    lines.length = 0;
    await part.stop();
    for (let call = 0; call < 20; call += 1) {
      const { value, tookMs } = await timed(() => store.script('return 1', 'k', []));
      expect(value).toBeUndefined();
      expect(tookMs).toBeLessThan(SLOW_MS);
    }
    expect(lines.length).toBeLessThanOrEqual(1);
    await again();
    await untilAnswers(store);
  }, PATIENCE_MS);

  test('is undefined from the start, and there once it is there', async () => {
    const { url, part, again } = await ownRedis();
    await part.stop();
    const connecting = connectedStore(url);
    await again();
    const { store } = await connecting;
    expect(await store.script('return 2', 'k', [])).toBe(2);
  }, PATIENCE_MS);

  test('that hangs costs one time-out, not one a step; it is said by a metric, and over when it answers', async () => {
    const { url, part } = await ownRedis();
    const { store, metrics } = await connectedStore(url);
    const isAway = async (): Promise<boolean> => /^osago_redis_away\S* 1$/m.test(await metrics.metrics());
    expect([await isAway(), store.awayForMs()]).toEqual([false, 0]);
    const { pid } = part;
    if (pid === undefined) throw new Error('Redis has no process');
    process.kill(pid, 'SIGSTOP');
    try {
      const { value, tookMs } = await timed(() => store.script('return 1', 'k', []));
      expect(value).toBeUndefined();
      expect(tookMs).toBeLessThan(SLOW_MS);
      const { tookMs: allTookMs } = await timed(async () => {
        for (let call = 0; call < 1_000; call += 1) expect(await store.script('return 1', 'k', [])).toBeUndefined();
      });
      expect(allTookMs).toBeLessThan(SLOW_MS);
      expect(await isAway()).toBe(true);
      expect(store.awayForMs()).toBeGreaterThan(0);
    } finally {
      process.kill(pid, 'SIGCONT');
    }
    await untilAnswers(store);
    expect([await isAway(), store.awayForMs()]).toEqual([false, 0]);
  }, PATIENCE_MS);

  test('in effect, because it may not write, counts as away for as long, and is asked on', async () => {
    const { url } = await ownRedis();
    const { store } = await connectedStore(url);
    const redis = connect(url);
    const write = () => store.script(`return redis.call('SET', KEYS[1], 1)`, 'k', []);
    await redis.config('SET', 'min-replicas-to-write', 1);
    expect(await write()).toBeUndefined();
    const sinceMs = store.awayForMs();
    expect(await write()).toBeUndefined();
    expect(store.awayForMs()).toBeGreaterThan(sinceMs);
    await redis.config('SET', 'min-replicas-to-write', 0);
    expect(await write()).toBeDefined();
    expect(store.awayForMs()).toBe(0);
  }, PATIENCE_MS);
});
