/** The file both apps read (`INSURERS_FILE`): who is asked, and within which limits. */
import { type Static, Type } from '@sinclair/typebox';
import { InsurerId } from './formats.ts';

/** What an operator may change while everything runs; the bounds hold for the file too. */
export const InsurerLimits = Type.Object(
  {
    rate_per_s: Type.Number({ exclusiveMinimum: 0, maximum: 10_000, default: 50, description: 'Calls a second, all pods together' }),
    burst: Type.Integer({ minimum: 1, maximum: 10_000, default: 50, description: 'Calls that may come at once on top of the rate' }),
    concurrency: Type.Integer({ minimum: 1, maximum: 100, default: 20, description: 'Calls at once, all pods together' }),
  },
  { additionalProperties: false },
);
export type InsurerLimits = Static<typeof InsurerLimits>;

export const InsurerSettings = Type.Object(
  {
    insurer_id: InsurerId,
    name: Type.String({ minLength: 1, maxLength: 80 }),
    base_url: Type.String({ minLength: 1, description: 'Origin and path prefix of its API' }),
    adapter: Type.String({
      minLength: 1,
      maxLength: 40,
      default: 'standard',
      description: 'The protocol it speaks, by its name in the registry of adapters of osago-aggregator',
    }),
    ...InsurerLimits.properties,
    deadline_ms: Type.Integer({ minimum: 1_000, maximum: 60_000, default: 60_000 }),
    post_timeout_ms: Type.Integer({ minimum: 100, maximum: 60_000, default: 5_000 }),
    cache_hours: Type.Number({
      minimum: 0,
      maximum: 24,
      default: 0,
      description: 'A quote is given again for the same content so long, and no longer than it is valid; 0: never',
    }),
  },
  { additionalProperties: false },
);
export type InsurerSettings = Static<typeof InsurerSettings>;

/** At most 100: the panel travels in every submitted event. */
export const InsurersFile = Type.Array(InsurerSettings, { minItems: 1, maxItems: 100 });
