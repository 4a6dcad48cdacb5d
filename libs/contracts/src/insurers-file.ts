/** The file both apps read (`INSURERS_FILE`): who is asked, and within which limits. */
import { type Static, Type } from '@sinclair/typebox';
import { InsurerId } from './formats.ts';

export const InsurerSettings = Type.Object(
  {
    insurer_id: InsurerId,
    name: Type.String({ minLength: 1, maxLength: 80 }),
    base_url: Type.String({ minLength: 1, description: 'Origin and path prefix of its API' }),
    adapter: Type.Literal('standard', { default: 'standard' }),
    rate_per_s: Type.Number({ exclusiveMinimum: 0, default: 50, description: 'Calls a second, all pods together' }),
    burst: Type.Integer({ minimum: 1, default: 50, description: 'Calls that may come at once on top of the rate' }),
    concurrency: Type.Integer({ minimum: 1, maximum: 100, default: 20, description: 'Calls at once, of one pod' }),
    deadline_ms: Type.Integer({ minimum: 1_000, maximum: 60_000, default: 60_000 }),
    post_timeout_ms: Type.Integer({ minimum: 100, maximum: 60_000, default: 5_000 }),
    cache_hours: Type.Number({
      minimum: 0,
      maximum: 24,
      default: 0,
      description: 'For the day cache; this version has none and says so in its log when it is above 0',
    }),
  },
  { additionalProperties: false },
);
export type InsurerSettings = Static<typeof InsurerSettings>;

/** At most 100: the panel travels in every submitted event. */
export const InsurersFile = Type.Array(InsurerSettings, { minItems: 1, maxItems: 100 });
