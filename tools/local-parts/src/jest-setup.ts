/**
 * Before the infra tests: the three parts, empty. Their addresses are in the environment, which the workers of jest
 * inherit. They are processes of this machine, in a folder of their own, and addresses that are there already are used
 * instead; with OSAGO_PARTS=containers they are containers, whatever the environment says.
 */
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startContainers } from './containers.ts';
import { Children, type Parts, startParts } from './index.ts';
import { stopAfterTests } from './jest-parts.ts';

interface Setting {
  readonly parts: Parts;
  readonly stop: () => Promise<void>;
}

const local = async (): Promise<Setting> => {
  const dataDir = await mkdtemp(join(tmpdir(), 'osago-infra-'));
  const children = new Children({ logDir: join(dataDir, 'logs') });
  children.removeAtEnd(dataDir);
  const root = join(import.meta.dirname, '..', '..', '..');
  const parts = await startParts({ children, root, dataDir, fast: true, env: process.env });
  return {
    parts,
    stop: async () => {
      await parts.stop();
      await children.close();
    },
  };
};

const contained = async (): Promise<Setting> => {
  // Loaded by this lane alone: it is 90 packages.
  const { dockerEngine } = await import('./docker-engine.ts');
  const parts = await startContainers(dockerEngine);
  return { parts, stop: () => parts.stop() };
};

const setUp = async (): Promise<void> => {
  const { parts, stop } = process.env['OSAGO_PARTS'] === 'containers' ? await contained() : await local();
  Object.assign(process.env, {
    DATABASE_URL: parts.databaseUrl,
    KAFKA_BROKERS: parts.kafkaBrokers.join(','),
    REDIS_URL: parts.redisUrl,
  });
  stopAfterTests(stop);
};

export default setUp;
