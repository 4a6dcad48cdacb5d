/** Redis for the infra tests of this folder: one database of the shared server a test file, or a server of its own. */
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Children, freePort, isPortFree, type RedisPart, startRedis } from '@osago/local-parts';
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

const PATIENCE_MS = 30_000;

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

const CLUSTER_NODES = 3;
const SLOTS = 16_384;
/** The nodes of a cluster talk to each other on another port, so far above the first. */
const BUS_OFFSET = 10_000;
/** From here on the system may give ports away. */
const PORT_MAX = 32_767;

const clusterPort = async (): Promise<number> => {
  for (;;) {
    const port = await freePort();
    if (port + BUS_OFFSET <= PORT_MAX && (await isPortFree(port + BUS_OFFSET))) return port;
  }
};

/** A cluster of three masters of the test's own, each with a third of the slots. */
export const ownCluster = async (): Promise<{ url: string; nodes: readonly RedisPart[] }> => {
  const root = join(import.meta.dirname, '..', '..', '..');
  const settings = { 'cluster-enabled': 'yes', 'cluster-node-timeout': '2000', 'cluster-require-full-coverage': 'no' };
  const nodes: RedisPart[] = [];
  for (let node = 0; node < CLUSTER_NODES; node += 1) {
    const dataDir = mkdtempSync(join(tmpdir(), 'osago-redis-'));
    const children = new Children({ logDir: join(dataDir, 'logs') });
    children.removeAtEnd(dataDir);
    cleaning.push(() => children.close());
    nodes.push(await startRedis({ children, root, dataDir, settings, port: await clusterPort() }));
  }
  const clients = nodes.map(({ url }) => connect(url));
  for (const [node, client] of clients.entries()) {
    const first = Math.ceil((node * SLOTS) / CLUSTER_NODES);
    const after = Math.ceil(((node + 1) * SLOTS) / CLUSTER_NODES);
    await client.cluster('ADDSLOTS', Array.from({ length: after - first }, (_, at) => first + at));
    for (const { port } of nodes) await client.call('CLUSTER', 'MEET', '127.0.0.1', String(port));
  }
  const giveUpAtMs = performance.now() + PATIENCE_MS;
  const knowsAll = async (client: Redis): Promise<boolean> => {
    const info = await client.cluster('INFO');
    return info.includes('cluster_state:ok') && info.includes(`cluster_slots_ok:${SLOTS}`);
  };
  while (!(await Promise.all(clients.map(knowsAll))).every(Boolean)) {
    if (performance.now() > giveUpAtMs) throw new Error('the nodes of the cluster do not find each other');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return { url: `redis+cluster://${nodes.map(({ port }) => `127.0.0.1:${port}`).join(',')}`, nodes };
};
