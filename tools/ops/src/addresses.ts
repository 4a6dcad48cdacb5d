/** Where the platform is: as the environment says, else as the platform that runs here wrote it down. */
import { existsSync, readFileSync } from 'node:fs';
import { Type } from '@sinclair/typebox';
import { Value } from '@sinclair/typebox/value';

type Environment = Readonly<Record<string, string | undefined>>;

export class AddressError extends Error {
  override readonly name = 'AddressError';
}

const PlatformState = Type.Object({
  kafka_brokers: Type.Array(Type.String({ minLength: 1 }), { minItems: 1 }),
  database_url: Type.String({ minLength: 1 }),
  aggregator: Type.Array(Type.Object({ private_url: Type.String({ minLength: 1 }) }), { minItems: 1 }),
});

/** Throws {@link AddressError}. */
export const findBrokers = ({ KAFKA_BROKERS: given }: Environment, stateFile: string): string[] =>
  given ? given.split(',').map((broker) => broker.trim()) : readState('KAFKA_BROKERS', stateFile).kafka_brokers;

/** Throws {@link AddressError}. */
export const findDatabaseUrl = ({ DATABASE_URL: given }: Environment, stateFile: string): string =>
  given || readState('DATABASE_URL', stateFile).database_url;

/** The private origin of any pod of the aggregator. Throws {@link AddressError}. */
export const findAggregator = ({ AGGREGATOR_URL: given }: Environment, stateFile: string): string =>
  given || (readState('AGGREGATOR_URL', stateFile).aggregator[0]?.private_url ?? '');

const readState = (variable: string, stateFile: string) => {
  if (!existsSync(stateFile)) throw new AddressError(`${variable} is not set, and no platform is running here`);
  const state: unknown = JSON.parse(readFileSync(stateFile, 'utf8'));
  if (!Value.Check(PlatformState, state)) throw new AddressError('the state of the running platform cannot be read');
  return state;
};
