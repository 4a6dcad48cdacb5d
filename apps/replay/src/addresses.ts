/** Where the cluster and the database are: as the options say, else the environment, else the platform running here. */
import { existsSync, readFileSync } from 'node:fs';
import { Type } from '@sinclair/typebox';
import { Value } from '@sinclair/typebox/value';
import type { Common } from './arguments.ts';
import { ReplayError } from './replay-error.ts';

export interface Addresses {
  readonly brokers: readonly string[];
  readonly databaseUrl: string | undefined;
}

const PlatformState = Type.Object({
  kafka_brokers: Type.Array(Type.String({ minLength: 1 }), { minItems: 1 }),
  database_url: Type.Optional(Type.String()),
});

/** Brokers and database of one source: a cluster is not compared with the database of another platform. */
export const findAddresses = (
  given: Pick<Common, 'brokers' | 'databaseUrl'>,
  env: Readonly<Record<string, string | undefined>>,
  stateFile: string,
): Addresses => {
  const fromEnv = env['KAFKA_BROKERS']?.split(',').map((broker) => broker.trim());
  const brokers = given.brokers ?? fromEnv;
  if (brokers !== undefined && brokers.length > 0 && brokers[0] !== '') {
    return { brokers, databaseUrl: given.databaseUrl ?? (env['DATABASE_URL'] || undefined) };
  }
  if (!existsSync(stateFile)) {
    throw new ReplayError('Neither --brokers nor KAFKA_BROKERS is given, and no platform is running here');
  }
  const state: unknown = JSON.parse(readFileSync(stateFile, 'utf8'));
  if (!Value.Check(PlatformState, state)) throw new ReplayError(`${stateFile} is not the state of a running platform`);
  return { brokers: state.kafka_brokers, databaseUrl: given.databaseUrl ?? (env['DATABASE_URL'] || state.database_url) };
};
