/** What osago-aggregator reads from the environment. */
import { quoteRuleMembers } from '@osago/contracts';
import { EVENT_BUS_CLIENTS } from '@osago/event-bus';
import { processMembers } from '@osago/service-kit';
import { type Static, Type } from '@sinclair/typebox';

export const AggregatorConfig = Type.Object({
  ...processMembers('osago-aggregator'),
  KAFKA_BROKERS: Type.String({
    minLength: 1,
    description: 'Brokers, host:port, separated by commas',
  }),
  REDIS_URL: Type.String({ minLength: 1, description: 'Redis or Valkey, as a connection URL; nodes of a cluster as redis+cluster://host:port,host:port' }),
  EVENT_BUS_CLIENT: Type.Union(
    EVENT_BUS_CLIENTS.map((client) => Type.Literal(client)),
    { default: 'kafkajs', description: `The Kafka client: ${EVENT_BUS_CLIENTS.join(', ')}` },
  ),
  INSURERS_FILE: Type.String({
    default: 'config/insurers.yaml',
    description: 'The insurers, their addresses and limits',
  }),
  LOG_KEYS_FILE: Type.String({
    minLength: 1,
    description: 'JWKS: private keys that open applications on the log',
  }),
  CACHE_KEYS_FILE: Type.String({
    default: '',
    description: 'JWKS: the symmetric key of the fingerprints of cached quotes; needed where cache_hours is above 0',
  }),
  POLL_EVERY_MS: Type.Integer({
    minimum: 200,
    maximum: 10_000,
    default: 2_000,
    description: 'Polls of all insurers together are as many as asking so often would make; when they come is learned',
  }),
  RUNS_MAX: Type.Integer({
    minimum: 1,
    default: 5_000,
    description: 'Runs of one pod at once; more stay on the log until one finishes',
  }),
  ...quoteRuleMembers,
});
export type AggregatorConfig = Static<typeof AggregatorConfig>;
