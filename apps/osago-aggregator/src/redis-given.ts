/** Redis for the infra tests of this folder: one database of the shared server a test file, or a server of its own. */
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Children, type RedisPart, startRedis } from '@osago/local-parts';
import { createLog, createMetrics } from '@osago/service-kit';
import { Redis } from 'ioredis';
import { RedisStore } from './redis-store.ts';

const cleaning: (() => Promise<unknown>)[] = [];

/** For `afterEach`, last opened first. */
export const cleanUp = async (): Promise<void> => {
  for (const clean of cleaning.splice(0).reverse()) await clean();
};

/** A store that has its connection: before that every script answers undefined. */
export const connectedStore = async (url: string) => {
  const metrics = createMetrics('test');
  const lines: { msg: string }[] = [];
  const log = createLog('test', 'info', { write: (line) => void lines.push(JSON.parse(line) as { msg: string }) });
  const store = new RedisStore({ log, metrics }, url);
  cleaning.push(() => store.close());
  await untilAnswers(store);
  return { store, metrics, lines };
};

const PATIENCE_MS = 15_000;

export const untilAnswers = async (store: RedisStore): Promise<void> => {
  const giveUpAtMs = performance.now() + PATIENCE_MS;
  while ((await store.script<number>('return 1', 'k', [])) !== 1) {
    if (performance.now() > giveUpAtMs) throw new Error('Redis does not answer');
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
};

/** Looks at, and spoils, what the store has written. */
export const connect = (url: string): Redis => {
  const redis = new Redis(url);
  cleaning.push(() => redis.quit());
  return redis;
};

/** A Redis of the test's own, which it may stop, kill and start again at the same address. */
export const ownRedis = async (): Promise<{ url: string; part: RedisPart; again: () => Promise<RedisPart> }> => {
  const dataDir = mkdtempSync(join(tmpdir(), 'osago-redis-'));
  const children = new Children({ logDir: join(dataDir, 'logs') });
  children.removeAtEnd(dataDir);
  cleaning.push(() => children.close());
  const root = join(import.meta.dirname, '..', '..', '..');
  const part = await startRedis({ children, root, dataDir });
  return { url: part.url, part, again: () => startRedis({ children, root, dataDir, port: part.port }) };
};
