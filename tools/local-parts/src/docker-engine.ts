/**
 * The three containers, by testcontainers. The settings are those of the local parts, for the tests are the same: short
 * sessions of groups, no topics that nobody declared, 200 connections, text ordered as bytes.
 */
import { KafkaContainer } from '@testcontainers/kafka';
import { PostgreSqlContainer } from '@testcontainers/postgresql';
import { RedisContainer } from '@testcontainers/redis';
import { getContainerRuntimeClient, type StartedTestContainer, Wait } from 'testcontainers';
import { IMAGES } from './container-images.ts';
import type { Engine } from './containers.ts';
import { kafkaAnswers } from './kafka.ts';

const CLIENT_PORT = 9093;
const SCRIPT = '/tmp/start-kafka.sh';
/** The log line on which the address is known: the container waits for its script. */
const WAITING = 'waiting for the address';
/** Images are pulled before; a JVM on a busy machine takes half a minute. */
const READY_MS_MAX = 120_000;
const LOOK_EVERY_MS = 200;

/**
 * The module's class starts Confluent's images only. What it does for them, with the image of docker-compose.yml: the
 * broker is started by a script that is written when the port at which clients will find it is known.
 */
export class ApacheKafkaContainer extends KafkaContainer {
  constructor() {
    super(IMAGES.kafka);
    this.withEnvironment({
      KAFKA_NODE_ID: '1',
      KAFKA_PROCESS_ROLES: 'broker,controller',
      KAFKA_LISTENERS: `PLAINTEXT://0.0.0.0:${CLIENT_PORT},BROKER://0.0.0.0:9092,CONTROLLER://0.0.0.0:9094`,
      KAFKA_LISTENER_SECURITY_PROTOCOL_MAP: 'PLAINTEXT:PLAINTEXT,BROKER:PLAINTEXT,CONTROLLER:PLAINTEXT',
      KAFKA_INTER_BROKER_LISTENER_NAME: 'BROKER',
      KAFKA_CONTROLLER_LISTENER_NAMES: 'CONTROLLER',
      KAFKA_CONTROLLER_QUORUM_VOTERS: '1@localhost:9094',
      KAFKA_AUTO_CREATE_TOPICS_ENABLE: 'false',
      KAFKA_GROUP_MIN_SESSION_TIMEOUT_MS: '1000',
      KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR: '1',
      KAFKA_SHARE_COORDINATOR_STATE_TOPIC_REPLICATION_FACTOR: '1',
      KAFKA_SHARE_COORDINATOR_STATE_TOPIC_MIN_ISR: '1',
    });
  }

  protected override beforeContainerCreated(): Promise<void> {
    this.withEntrypoint(['sh']);
    this.withCommand(['-c', `echo '${WAITING}'; while [ ! -f ${SCRIPT} ]; do sleep 0.1; done; ${SCRIPT}`]);
    this.withWaitStrategy(Wait.forLogMessage(WAITING));
    return Promise.resolve();
  }

  protected override async containerStarted(container: StartedTestContainer): Promise<void> {
    const advertised = `PLAINTEXT://${container.getHost()}:${container.getMappedPort(CLIENT_PORT)},BROKER://localhost:9092`;
    const content = `#!/bin/bash\nexport KAFKA_ADVERTISED_LISTENERS=${advertised}\nexec /etc/kafka/docker/run\n`;
    await container.copyContentToContainer([{ content, target: SCRIPT, mode: 0o777 }]);
  }
}

const untilKafkaAnswers = async (host: string, port: number): Promise<void> => {
  const endMs = performance.now() + READY_MS_MAX;
  while (!(await kafkaAnswers(host, port).catch(() => false))) {
    if (performance.now() > endMs) throw new Error(`Kafka in its container does not answer in ${READY_MS_MAX / 1000} s`);
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }
};

export const dockerEngine: Engine = {
  greet: async () => {
    await getContainerRuntimeClient();
  },
  postgres: async () => {
    const container = await new PostgreSqlContainer(IMAGES.postgres)
      .withDatabase('osago')
      .withUsername('osago')
      .withPassword('osago')
      .withEnvironment({ POSTGRES_INITDB_ARGS: '--encoding=UTF8 --locale-provider=builtin --builtin-locale=C.UTF-8' })
      .withCommand(['postgres', '-c', 'max_connections=200', '-c', 'timezone=UTC', '-c', 'fsync=off', '-c', 'full_page_writes=off'])
      .start();
    return { address: container.getConnectionUri(), stop: () => container.stop() };
  },
  kafka: async () => {
    const container = await new ApacheKafkaContainer().start();
    const [host, port] = [container.getHost(), container.getMappedPort(CLIENT_PORT)];
    try {
      await untilKafkaAnswers(host, port);
    } catch (error) {
      await container.stop();
      throw error;
    }
    return { address: `${host}:${port}`, stop: () => container.stop() };
  },
  redis: async () => {
    const container = await new RedisContainer(IMAGES.redis)
      .withCommand(['valkey-server', '--save', '', '--appendonly', 'no', '--maxmemory-policy', 'noeviction'])
      .start();
    return { address: container.getConnectionUrl(), stop: () => container.stop() };
  },
};
