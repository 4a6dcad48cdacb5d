/** What the environment can say to the simulator. */
import { pricingRuleMembers } from '@osago/contracts';
import type { LogLevel } from '@osago/service-kit';
import { type Static, Type } from '@sinclair/typebox';

const level = <const T extends LogLevel>(value: T) => Type.Literal(value);

export const SimulatorConfig = Type.Object({
  PORT: Type.Integer({ default: 8090, minimum: 0, maximum: 65_535, description: 'Port of all simulated insurers' }),
  SEED: Type.Integer({ default: 1, minimum: 0, description: 'Every draw derives from it' }),
  SPEED: Type.Number({ default: 1, exclusiveMinimum: 0, maximum: 1_000_000, description: 'Divides all delays' }),
  PROFILES_FILE: Type.String({ default: '', description: 'YAML of the insurers; empty: the ten of this package' }),
  LOG_LEVEL: Type.Union(
    [level('debug'), level('info'), level('warn'), level('error'), level('silent')],
    { default: 'info', description: 'debug, info, warn, error or silent' },
  ),
  ...pricingRuleMembers,
});
export type SimulatorConfig = Static<typeof SimulatorConfig>;
