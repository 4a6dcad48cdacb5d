/**
 * One Kafka broker, controller and broker in one process, from the official jars. The list of controllers is static,
 * so that its ports may change from start to start while its data stay.
 */
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Kafka, logLevel } from 'kafkajs';
import type { ChildSpec } from './child.ts';
import { findJava, JAVA_OLDEST } from './java.ts';
import { fetched, kafkaJars } from './maven.ts';
import { PartError, PartMissingError } from './part-error.ts';
import { type LocalPart, type PartOptions, showNothing } from './part.ts';
import { accepts, freePort } from './ports.ts';
import { untilReady } from './readiness.ts';

export interface KafkaPart extends LocalPart {
  readonly brokers: string[];
}

/** Ready after 2 s on an idle machine, after half a minute on one with ten times too much to do. */
const READY_TIMEOUT_MS = 180_000;
const PROBE_TIMEOUT_MS = 1000;
/** It is gone in under a second; more when it has much to flush. */
const GRACE_MS = 15_000;

const properties = (folder: string, port: number, controllerPort: number): string =>
  Object.entries({
    'process.roles': 'broker,controller',
    'node.id': 1,
    'controller.quorum.voters': `1@127.0.0.1:${controllerPort}`,
    'controller.listener.names': 'CONTROLLER',
    listeners: `PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controllerPort}`,
    'advertised.listeners': `PLAINTEXT://127.0.0.1:${port}`,
    'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT',
    'log.dirs': join(folder, 'log'),
    // A topic that nobody declared is a mistake that must show.
    'auto.create.topics.enable': false,
    'default.replication.factor': 1,
    'offsets.topic.num.partitions': 1,
    'offsets.topic.replication.factor': 1,
    'transaction.state.log.num.partitions': 1,
    'transaction.state.log.replication.factor': 1,
    'transaction.state.log.min.isr': 1,
    'share.coordinator.state.topic.num.partitions': 1,
    'share.coordinator.state.topic.replication.factor': 1,
    'share.coordinator.state.topic.min.isr': 1,
    // A group of one member need not wait 3 s for others.
    'group.initial.rebalance.delay.ms': 0,
    // Tests ask for sessions shorter than the broker's own minimum of 6 s.
    'group.min.session.timeout.ms': 1000,
    // After a kill -9 the dead incarnation is forgotten in 1.5 s instead of 9.
    'broker.heartbeat.interval.ms': 250,
    'broker.session.timeout.ms': 1500,
    // 128 MB otherwise, for one small topic of offsets.
    'log.cleaner.dedupe.buffer.size': 4_194_304,
    'num.network.threads': 2,
    'num.io.threads': 4,
  })
    .map(([name, value]) => `${name}=${value}\n`)
    .join('');

const jvmFlags = (fast: boolean): string[] => [
  // Under load the process takes its heap and about 150 MB more.
  `-Xmx${fast ? 256 : 384}m`,
  '-XX:+UseSerialGC',
  '-XX:-UsePerfData',
  '-XX:+ExitOnOutOfMemoryError',
  // The first compiler alone starts 0.7 s sooner; under lasting load the second one pays.
  ...(fast ? ['-XX:TieredStopAtLevel=1'] : []),
  `-Dlog4j2.configurationFile=${join(import.meta.dirname, 'log4j2.properties')}`,
];

const findKafka = async (options: PartOptions): Promise<{ java: string; jars: string }> => {
  const java = await findJava(process.env['JAVA_HOME']);
  if (java === undefined) throw new PartMissingError(`Kafka needs Java ${JAVA_OLDEST} or newer, and none was found.`);
  if (java.major < JAVA_OLDEST) {
    throw new PartMissingError(`Kafka needs Java ${JAVA_OLDEST} or newer; this machine has Java ${java.major}.`);
  }
  return { java: java.command, jars: await fetched(kafkaJars, options) };
};

const format = async ({ children }: PartOptions, spec: ChildSpec): Promise<void> => {
  const child = children.spawn(spec);
  const { code } = await child.ended;
  if (code !== 0) {
    throw new PartError(['The Kafka data folder could not be made.', ...child.lastLines(5)].join('\n  '));
  }
};

/** Rejects, or resolves with false, while there is no broker at `host:port` that answers clients. */
export const kafkaAnswers = async (host: string, port: number): Promise<boolean> => {
  if (!(await accepts(host, port, PROBE_TIMEOUT_MS))) return false;
  const admin = new Kafka({
    brokers: [`${host}:${port}`],
    logLevel: logLevel.NOTHING,
    connectionTimeout: PROBE_TIMEOUT_MS,
    requestTimeout: PROBE_TIMEOUT_MS,
    retry: { retries: 0 },
  }).admin();
  try {
    await admin.connect();
    const { brokers } = await admin.describeCluster();
    return brokers.length === 1;
  } finally {
    await admin.disconnect();
  }
};

/** One id in 64 starts with a dash: in a word of its own it would be read as an option. */
export const formatArguments = (clusterId: string, config: string): string[] => [
  'format',
  `--cluster-id=${clusterId}`,
  '-c',
  config,
];

/** Resolves when the broker answers clients. Throws {@link PartError}. */
export const startKafka = async (options: PartOptions): Promise<KafkaPart> => {
  const { children, dataDir, fast = false, step = showNothing } = options;
  const { java, jars } = await findKafka(options);
  const folder = join(dataDir, 'kafka');
  const config = join(folder, 'server.properties');
  const port = options.port ?? (await freePort());
  await mkdir(folder, { recursive: true });
  await writeFile(config, properties(folder, port, await freePort()));
  const command = (name: string, mainClass: string, args: string[]): ChildSpec => ({
    name,
    command: java,
    args: [...jvmFlags(fast || name !== 'kafka'), '-cp', `${jars}/*`, mainClass, ...args],
    cwd: folder,
    graceMs: GRACE_MS,
  });
  return step('starting Kafka', async () => {
    if (!existsSync(join(folder, 'log', 'meta.properties'))) {
      const clusterId = randomBytes(16).toString('base64url');
      await format(options, command('kafka-format', 'kafka.tools.StorageTool', formatArguments(clusterId, config)));
    }
    const child = children.spawn(command('kafka', 'kafka.Kafka', [config]));
    await untilReady(child, { what: 'Kafka', timeoutMs: READY_TIMEOUT_MS, probe: () => kafkaAnswers('127.0.0.1', port) });
    return { ...child, port, brokers: [`127.0.0.1:${port}`] };
  });
};
