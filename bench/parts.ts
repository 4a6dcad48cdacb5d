/** The real Postgres and Kafka for a bench, with the optimising compiler on, and what they cost. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Children, createTopics, type KafkaPart, type PostgresPart, startKafka, startPostgres } from '@osago/local-parts';
import { Kafka, logLevel } from 'kafkajs';

export const ROOT = join(import.meta.dirname, '..');
/** USER_HZ is 100 on every Linux that Node runs on. */
const TICK_US = 10_000;

export interface BenchParts {
  postgres: PostgresPart;
  kafka: KafkaPart;
  createTopic(topic: string, partitions: number): Promise<void>;
  stop(): Promise<void>;
}

export const startBenchParts = async (): Promise<BenchParts> => {
  const dataDir = mkdtempSync(join(tmpdir(), 'osago-bench-'));
  const children = new Children({ logDir: join(dataDir, 'logs') });
  children.removeAtEnd(dataDir);
  const options = { children, root: ROOT, dataDir };
  const [postgres, kafka] = await Promise.all([startPostgres(options), startKafka(options)]);
  return {
    postgres,
    kafka,
    createTopic: async (topic, numPartitions) => {
      const admin = new Kafka({ brokers: kafka.brokers, logLevel: logLevel.NOTHING }).admin();
      await admin.connect();
      await createTopics(admin, [{ topic, numPartitions }]);
      await admin.disconnect();
    },
    stop: async () => {
      await kafka.stop();
      await postgres.stop();
      await children.close();
    },
  };
};

const processTimeUs = (pid: number): number => {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
    // utime, stime, and those of children that have ended.
    return [11, 12, 13, 14].reduce((sum, at) => sum + Number(fields[at]), 0) * TICK_US;
  } catch {
    return 0; // It has just ended; its parent has its time.
  }
};

/** CPU time of a process and of its children, in µs. */
export const treeTimeUs = (pid: number): number => {
  const children = execFileSync('ps', ['-o', 'pid=', '--ppid', String(pid)], { encoding: 'utf8' });
  return [pid, ...children.split('\n').filter(Boolean).map(Number)].reduce((sum, one) => sum + processTimeUs(one), 0);
};
