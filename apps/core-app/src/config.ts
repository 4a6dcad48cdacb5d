/** What core-app reads from the environment. */
import { EVENT_BUS_CLIENTS } from '@osago/event-bus';
import { port, processMembers } from '@osago/service-kit';
import { type Static, Type } from '@sinclair/typebox';

const file = (description: string) => Type.String({ minLength: 1, description });

export const CoreAppConfig = Type.Object({
  PORT: port('Public port: the API, the stream, the page'),
  ...processMembers('core-app'),
  DATABASE_URL: Type.String({ minLength: 1, description: 'Postgres, as a connection URL' }),
  DATABASE_POOL_MAX: Type.Integer({
    minimum: 2,
    maximum: 200,
    default: 16,
    description: 'Connections of one pod',
  }),
  KAFKA_BROKERS: Type.String({
    minLength: 1,
    description: 'Brokers, host:port, separated by commas',
  }),
  EVENT_BUS_CLIENT: Type.Union(
    EVENT_BUS_CLIENTS.map((client) => Type.Literal(client)),
    { default: 'kafkajs', description: `The Kafka client: ${EVENT_BUS_CLIENTS.join(', ')}` },
  ),
  INSURERS_FILE: Type.String({
    default: 'config/insurers.yaml',
    description: 'The insurers that are asked',
  }),
  LOG_KEYS_FILE: file('JWKS: public keys that seal applications on the log'),
  STORE_KEYS_FILE: file('JWKS: keys that seal applications in Postgres'),
  ACCESS_KEYS_FILE: file('JWKS: keys of access tokens'),
  WEB_DIR: Type.Optional(
    Type.String({ description: 'The built page; without it only the API is served' }),
  ),
  STREAMS_MAX: Type.Integer({
    minimum: 1,
    default: 10_000,
    description: 'Open streams of one pod; more are asked to come back later',
  }),
});
export type CoreAppConfig = Static<typeof CoreAppConfig>;
