/** Where the cluster and the database are: as the environment says, else as the running platform wrote it down. */
import { existsSync, readFileSync } from 'node:fs';
import { ConfigError } from '@osago/service-kit';
import { Type } from '@sinclair/typebox';
import { Value } from '@sinclair/typebox/value';

export interface Addresses {
  readonly brokers: readonly string[];
  readonly databaseUrl: string | undefined;
}

const PlatformState = Type.Object({
  kafka_brokers: Type.Array(Type.String({ minLength: 1 }), { minItems: 1 }),
  database_url: Type.Optional(Type.String()),
});

/** Both from one source: a cluster is not stamped in the database of another platform. */
export const findAddresses = (
  env: Readonly<Record<string, string | undefined>>,
  stateFile: string,
): Addresses => {
  const { KAFKA_BROKERS: brokers, DATABASE_URL: databaseUrl } = env;
  if (brokers) return { brokers: brokers.split(',').map((broker) => broker.trim()), databaseUrl: databaseUrl || undefined };
  if (!existsSync(stateFile)) {
    throw new ConfigError('addresses', ['KAFKA_BROKERS is not set, and no platform is running here']);
  }
  const state: unknown = JSON.parse(readFileSync(stateFile, 'utf8'));
  if (!Value.Check(PlatformState, state)) {
    const faults = [...Value.Errors(PlatformState, state)].map(({ path, message }) => `${path} ${message}`);
    throw new ConfigError('the state of the running platform', faults);
  }
  return { brokers: state.kafka_brokers, databaseUrl: databaseUrl || state.database_url };
};
