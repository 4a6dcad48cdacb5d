/** What core-app reads from the environment. */
import { applicationRuleMembers } from '@osago/contracts';
import { EVENT_BUS_CLIENTS } from '@osago/event-bus';
import { port, processMembers } from '@osago/service-kit';
import { type Static, Type } from '@sinclair/typebox';

const bound = (value: number, description: string) =>
  Type.Integer({ minimum: 1, default: value, description });
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
  REDIS_URL: Type.String({ minLength: 1, description: 'Redis of the aggregator, where the states of insurers stand; nodes of a cluster as redis+cluster://host:port,host:port' }),
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
  STREAMS_MAX: bound(10_000, 'Open streams of one pod; more are asked to come back later'),
  STREAMS_PER_OWNER_MAX: bound(
    20,
    'Open streams of one browser on one pod (of one request, where it sends no cookie); more are asked to come back later',
  ),
  STREAM_PENDING_BYTES_MAX: bound(65_536, 'What one reader may leave untaken; with more it is cut'),
  STREAM_STALLED_MS: bound(10_000, 'How long a reader may take nothing of what waits for it; then it is cut'),
  STREAMS_PENDING_BYTES_MAX: bound(
    67_108_864,
    'What all readers of one pod may leave untaken; with more, new ones are asked to come back later',
  ),
  STREAMS_DRAIN_MS: Type.Integer({
    minimum: 0,
    default: 3_000,
    description: 'From SIGTERM: streams whose request ends in this time stay open until then; at least 5 s below STOP_TIMEOUT_MS',
  }),
  ...applicationRuleMembers,
});
export type CoreAppConfig = Static<typeof CoreAppConfig>;
