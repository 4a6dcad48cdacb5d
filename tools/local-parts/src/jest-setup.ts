/**
 * Before the infra tests: the three parts, empty, in a folder of their own. Their addresses are in the environment,
 * which the workers of jest inherit; addresses that are there already are used instead.
 */
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Children, startParts } from './index.ts';
import { stopAfterTests } from './jest-parts.ts';

const setUp = async (): Promise<void> => {
  const dataDir = await mkdtemp(join(tmpdir(), 'osago-infra-'));
  const children = new Children({ logDir: join(dataDir, 'logs') });
  children.removeAtEnd(dataDir);
  const root = join(import.meta.dirname, '..', '..', '..');
  const parts = await startParts({ children, root, dataDir, fast: true, env: process.env });
  Object.assign(process.env, {
    DATABASE_URL: parts.databaseUrl,
    KAFKA_BROKERS: parts.kafkaBrokers.join(','),
    REDIS_URL: parts.redisUrl,
  });
  stopAfterTests(async () => {
    await parts.stop();
    await children.close();
  });
};

export default setUp;
