/** What runs beside the parts: each process with its program, its environment and the address that says it is ready. */
import type { Keyrings } from './keyrings.ts';

export interface AppSpec {
  /** Of the pod: in its logs, of its log file, on the terminal. */
  name: string;
  /** Relative to the checkout. */
  main: string;
  env: Readonly<Record<string, string>>;
  readyUrl: string;
}

/** What the rows of the table take their values from. */
export interface Surroundings {
  databaseUrl: string;
  redisUrl: string;
  kafkaBrokers: readonly string[];
  insurersFile: string;
  insurersUrl: string;
  keys: Keyrings;
  webDir: string;
  logLevel: string;
  speed: number;
  seed: string;
}

export const origin = (port: number): string => `http://127.0.0.1:${port}`;

const ready = (privatePort: number): string => `${origin(privatePort)}/health/ready`;

/** A drain that takes longer is cut: on a terminal nobody waits longer for a Ctrl-C. */
const STOP_TIMEOUT_MS = 8000;

const shared = ({ logLevel }: Surroundings, name: string) => ({
  POD_NAME: name,
  LOG_LEVEL: logLevel,
  STOP_TIMEOUT_MS: String(STOP_TIMEOUT_MS),
});

const insurers = ({ insurersFile, insurersUrl }: Surroundings) => ({
  INSURERS_FILE: insurersFile,
  INSURERS_URL: insurersUrl,
});

export const insurerSimulator = (around: Surroundings, port: number): AppSpec => ({
  name: 'insurer-simulator',
  main: 'apps/insurer-simulator/src/main.ts',
  readyUrl: ready(port),
  env: {
    ...shared(around, 'insurer-simulator'),
    PORT: String(port),
    SPEED: String(around.speed),
    SEED: around.seed,
  },
});

export const osagoAggregator = (around: Surroundings, name: string, privatePort: number): AppSpec => ({
  name,
  main: 'apps/osago-aggregator/src/main.ts',
  readyUrl: ready(privatePort),
  env: {
    ...shared(around, name),
    ...insurers(around),
    PRIVATE_PORT: String(privatePort),
    KAFKA_BROKERS: around.kafkaBrokers.join(','),
    REDIS_URL: around.redisUrl,
    LOG_KEYS_FILE: around.keys.logPrivate,
  },
});

export const coreApp = (
  around: Surroundings,
  name: string,
  { port, privatePort }: { port: number; privatePort: number },
): AppSpec => ({
  name,
  main: 'apps/core-app/src/main.ts',
  readyUrl: ready(privatePort),
  env: {
    ...shared(around, name),
    ...insurers(around),
    PORT: String(port),
    PRIVATE_PORT: String(privatePort),
    DATABASE_URL: around.databaseUrl,
    KAFKA_BROKERS: around.kafkaBrokers.join(','),
    REDIS_URL: around.redisUrl,
    LOG_KEYS_FILE: around.keys.logPublic,
    STORE_KEYS_FILE: around.keys.store,
    ACCESS_KEYS_FILE: around.keys.access,
    WEB_DIR: around.webDir,
  },
});

/** One address for several pods of core-app, each given as [public, private] origin. */
export const edge = (
  around: Surroundings,
  { port, privatePort }: { port: number; privatePort: number },
  pods: readonly (readonly [url: string, privateUrl: string])[],
): AppSpec => ({
  name: 'edge',
  main: 'apps/platform/src/edge-main.ts',
  readyUrl: ready(privatePort),
  env: {
    ...shared(around, 'edge'),
    PORT: String(port),
    PRIVATE_PORT: String(privatePort),
    PODS: pods.map((pod) => pod.join('|')).join(','),
  },
});
