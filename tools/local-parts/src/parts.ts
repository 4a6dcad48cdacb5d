/**
 * Postgres, Kafka and Redis, wherever they come from: an address in the environment, else a process on this machine,
 * else Docker compose, else one sentence that says what to install or which variable to set.
 */
import { composeStop, composeUp, type ComposeService, hasDocker } from './docker.ts';
import { startKafka } from './kafka.ts';
import { PartError, PartMissingError } from './part-error.ts';
import { type LocalPart, type PartOptions, showNothing } from './part.ts';
import { accepts } from './ports.ts';
import { startPostgres } from './postgres.ts';
import { startRedis } from './redis.ts';

export type PartName = ComposeService;

/** A part that runs as a process of ours, and how to have it again, with its data and its address, when it has died. */
export interface OwnPart {
  part: LocalPart;
  again: () => Promise<LocalPart>;
}

export interface Parts {
  databaseUrl: string;
  redisUrl: string;
  kafkaBrokers: string[];
  /** In the order in which they should be stopped. */
  own: OwnPart[];
  /** Stops what was started here, in that order; what {@link OwnPart.again} started is the caller's. */
  stop(): Promise<void>;
}

export interface PartsOptions extends Omit<PartOptions, 'port'> {
  /** `DATABASE_URL`, `KAFKA_BROKERS` and `REDIS_URL` in it replace the local part. */
  env: Readonly<Record<string, string | undefined>>;
}

interface Source {
  service: PartName;
  title: string;
  variable: string;
  defaultPort: number;
  /** Where the compose file publishes it. */
  composeAddress: string;
  install: string;
  start: (options: PartOptions) => Promise<{ address: string; part: LocalPart }>;
}

const SOURCES = {
  postgres: {
    service: 'postgres',
    title: 'Postgres',
    variable: 'DATABASE_URL',
    defaultPort: 5432,
    composeAddress: 'postgres://osago:osago@127.0.0.1:5432/osago',
    install: 'Run npm ci without --omit=optional, or start Docker',
    start: async (options) => {
      const part = await startPostgres(options);
      return { address: part.url, part };
    },
  },
  kafka: {
    service: 'kafka',
    title: 'Kafka',
    variable: 'KAFKA_BROKERS',
    defaultPort: 9092,
    composeAddress: '127.0.0.1:9092',
    install: 'Install Java 17 or newer and Maven, or start Docker',
    start: async (options) => {
      const part = await startKafka(options);
      return { address: part.brokers.join(','), part };
    },
  },
  redis: {
    service: 'redis',
    title: 'Redis',
    variable: 'REDIS_URL',
    defaultPort: 6379,
    composeAddress: 'redis://127.0.0.1:6379',
    install: 'Install redis-server (6.2 or newer) or Maven, or start Docker',
    start: async (options) => {
      const part = await startRedis(options);
      return { address: part.url, part };
    },
  },
} satisfies Record<PartName, Source>;

/** A part on another machine, on a slow link. */
const GIVEN_TIMEOUT_MS = 5000;

interface Had {
  address: string;
  own?: OwnPart;
  stop?: () => Promise<void>;
}

/** Host and port of each address in a list with commas: URLs or `host:port`. */
export const endpointsOf = (addresses: string, defaultPort: number): { host: string; port: number }[] =>
  addresses.split(',').map((address) => {
    const { hostname, port } = new URL(address.includes('://') ? address : `any://${address.trim()}`);
    return { host: hostname.replace(/^\[|\]$/g, ''), port: port === '' ? defaultPort : Number(port) };
  });

const given = async ({ title, variable, defaultPort }: Source, addresses: string): Promise<Had> => {
  let endpoints: ReturnType<typeof endpointsOf>;
  try {
    endpoints = endpointsOf(addresses, defaultPort);
  } catch (cause) {
    throw new PartError(`${variable} holds no address that can be read.`, { cause });
  }
  const answers = await Promise.all(endpoints.map(({ host, port }) => accepts(host, port, GIVEN_TIMEOUT_MS)));
  if (answers.includes(true)) return { address: addresses };
  const places = endpoints.map(({ host, port }) => `${host}:${port}`).join(', ');
  throw new PartError(`${variable} is set, but no ${title} answers at ${places}.`);
};

/** The sentence for somebody whose machine has neither what the local part needs nor Docker. */
export const adviceOf = (service: PartName, reason: string): string => {
  const { install, variable } = SOURCES[service];
  return `${reason} ${install}, or set ${variable} to one that runs elsewhere.`;
};

const fromDocker = async (source: Source, options: PartsOptions, reason: PartMissingError): Promise<Had> => {
  if (!(await hasDocker())) throw new PartError(adviceOf(source.service, reason.message), { cause: reason });
  const { step = showNothing } = options;
  await step(`starting ${source.title} with Docker`, () => composeUp(options.root, source.service));
  return { address: source.composeAddress, stop: () => composeStop(options.root, source.service) };
};

const have = async (source: Source, options: PartsOptions): Promise<Had> => {
  const addresses = options.env[source.variable];
  if (addresses) return given(source, addresses);
  try {
    const { address, part } = await source.start(options);
    const again = async (): Promise<LocalPart> => (await source.start({ ...options, port: part.port })).part;
    return { address, own: { part, again }, stop: () => part.stop() };
  } catch (error) {
    if (error instanceof PartMissingError) return fromDocker(source, options, error);
    throw error;
  }
};

/** Starts all three at the same time. When one cannot be had, stops the others and throws {@link PartError}. */
export const startParts = async (options: PartsOptions): Promise<Parts> => {
  const inStopOrder = [SOURCES.redis, SOURCES.kafka, SOURCES.postgres];
  const settled = await Promise.allSettled(inStopOrder.map((source) => have(source, options)));
  const had = settled.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
  const stop = async (): Promise<void> => {
    for (const { stop: stopOne } of had) await stopOne?.();
  };
  const failed = settled.find((result) => result.status === 'rejected');
  if (failed) {
    await stop();
    throw failed.reason;
  }
  const [redis, kafka, postgres] = had as [Had, Had, Had];
  return {
    databaseUrl: postgres.address,
    kafkaBrokers: kafka.address.split(',').map((broker) => broker.trim()),
    redisUrl: redis.address,
    own: had.flatMap(({ own }) => (own ? [own] : [])),
    stop,
  };
};
