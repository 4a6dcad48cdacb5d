/**
 * Postgres, Kafka and Redis as containers, for the lane `npm run test:containers`: empty, at free ports, removed when the
 * tests end, and by testcontainers' own reaper when they die before.
 */
import type { Parts } from './parts.ts';
import { PartError } from './part-error.ts';

export interface Container {
  readonly address: string;
  stop(): Promise<unknown>;
}

/** What the lane asks of a container engine; `docker-engine.ts` is the real one. */
export interface Engine {
  /** Rejects when no engine answers. */
  greet(): Promise<void>;
  postgres(): Promise<Container>;
  /** `host:port` of a broker that answers. */
  kafka(): Promise<Container>;
  redis(): Promise<Container>;
}

export const NO_ENGINE =
  'No Docker engine answers: start Docker or set DOCKER_HOST, or run npm run test:infra, which needs neither.';

/** Starts all three at the same time. When one cannot be had, stops the others and throws {@link PartError}. */
export const startContainers = async (engine: Engine): Promise<Parts> => {
  await engine.greet().catch((cause: unknown) => {
    throw new PartError(NO_ENGINE, { cause });
  });
  const settled = await Promise.allSettled([engine.redis(), engine.kafka(), engine.postgres()]);
  const started = settled.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
  const stop = async (): Promise<void> => {
    for (const container of started) await container.stop();
  };
  const failed = settled.find((result) => result.status === 'rejected');
  if (failed) {
    await stop();
    const reason = failed.reason instanceof Error ? failed.reason.message : String(failed.reason);
    throw new PartError(`A container could not be started: ${reason}`, { cause: failed.reason });
  }
  const [redis, kafka, postgres] = started as [Container, Container, Container];
  return { databaseUrl: postgres.address, kafkaBrokers: [kafka.address], redisUrl: redis.address, own: [], stop };
};
