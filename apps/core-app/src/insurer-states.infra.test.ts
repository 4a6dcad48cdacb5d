/** The reader of insurers' states on a Redis Cluster (on one server: `commands.infra.test.ts`). */
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { INSURER_STATE_KEY } from '@osago/contracts';
import { Children, freePort, startRedis } from '@osago/local-parts';
import { createLog, systemClock } from '@osago/service-kit';
import { afterEach, expect, test } from '@jest/globals';
import { Redis } from 'ioredis';
import { InsurerStates } from './insurer-states.ts';
import { Cleanup, until } from './testing-events.ts';

const SLOTS = 16_384;
const cleanup = new Cleanup();
afterEach(() => cleanup.run());

/** A cluster of one node, which has all the slots. */
const ownCluster = async (): Promise<{ url: string; admin: Redis }> => {
  const dataDir = mkdtempSync(join(tmpdir(), 'osago-redis-'));
  const children = new Children({ logDir: join(dataDir, 'logs') });
  children.removeAtEnd(dataDir);
  cleanup.add(() => children.close());
  const root = join(import.meta.dirname, '..', '..', '..');
  // It knows no address of its own until another node has spoken to it.
  const settings = { 'cluster-enabled': 'yes', 'cluster-announce-ip': '127.0.0.1' };
  const { port, url } = await startRedis({ children, root, dataDir, settings });
  const admin = new Redis(url);
  cleanup.add(() => admin.quit());
  await admin.cluster('ADDSLOTS', Array.from({ length: SLOTS }, (_, slot) => slot));
  await until(async () => (await admin.cluster('INFO')).includes('cluster_state:ok'));
  return { url: `redis+cluster://127.0.0.1:${port}`, admin };
};

const reading = (redisUrl: string): InsurerStates => {
  const log = createLog('test', 'info', { write: () => undefined });
  const states = new InsurerStates({ clock: systemClock, log }, { redisUrl });
  const stop = new AbortController();
  const running = states.run(stop.signal);
  cleanup.add(async () => {
    stop.abort();
    await running;
  });
  return states;
};

test('what the pods said of an insurer is read from a cluster', async () => {
  const { url, admin } = await ownCluster();
  const limits = { rate_per_s: 5, burst: 5, concurrency: 5 };
  const state = { insurer_id: 'alpha', state: 'paused', breaker: 'closed', breaker_mode: 'auto', limits, pods: 1 };
  await admin.hset(INSURER_STATE_KEY, 'alpha', JSON.stringify({ ...state, at: new Date().toISOString() }));

  const states = reading(url);
  await until(async () => (await states.stateOf('alpha')) === 'paused');
}, 60_000);

test('a cluster that nobody answers for leaves insurers unknown, and the pod can stop', async () => {
  const states = reading(`redis+cluster://127.0.0.1:${await freePort()}`);
  expect(await states.stateOf('alpha')).toBe('unknown');
});
