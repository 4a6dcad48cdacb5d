/** How one simulated insurer behaves: the schema of `profiles.yaml`, and its reader. */
import { Extra, InsurerId, Reason, VehicleKind } from '@osago/contracts';
import { ConfigError, loadYamlFile } from '@osago/service-kit';
import { type Static, Type } from '@sinclair/typebox';
import { type Fault, Faults } from './fault.ts';

const strict = { additionalProperties: false } as const;

const share = (description: string) => Type.Number({ minimum: 0, maximum: 1, default: 0, description });

export const Profile = Type.Object(
  {
    insurer_id: InsurerId,
    name: Type.String({ minLength: 1, maxLength: 80 }),
    base_rate_position: Type.Number({
      minimum: 0,
      maximum: 1,
      description: 'Where in the corridor its base rate lies: 0 lowest, 1 highest',
    }),
    latency: Type.Object(
      {
        p50_ms: Type.Number({ minimum: 1, maximum: 600_000 }),
        p95_ms: Type.Number({ minimum: 1, maximum: 600_000 }),
      },
      { ...strict, description: 'From POST to answer: log-normal, cut off at twice p95_ms' },
    ),
    call_ms: Type.Number({ default: 0, minimum: 0, maximum: 60_000, description: 'How long each HTTP call takes' }),
    sync: Type.Boolean({ default: false, description: 'Answers in the reply to the POST' }),
    never_answers: Type.Boolean({ default: false, description: 'Stays pending' }),
    fails_share: share('Of applications that end as failed'),
    declined_share: share('Of applications that are declined'),
    decline_reason: Reason,
    needs_data_share: share('Of applications for which it asks for needs_data_fields, if they are missing'),
    needs_data_fields: Type.Array(Type.String({ pattern: '^/' }), { default: [] }),
    not_insured: Type.Array(VehicleKind, { default: [], description: 'Kinds of vehicle that it declines' }),
    listed_only: Type.Boolean({ default: false, description: 'Declines a model that the dictionary does not have' }),
    segment: Type.Optional(
      Type.Object(
        { driver_age_min: Type.Integer({ minimum: 0 }), kbm_max: Type.Number({ minimum: 0 }) },
        { ...strict, description: 'Declines a younger driver and a higher KBM' },
      ),
    ),
    estimate: Type.Optional(
      Type.Object(
        {
          at_share: Type.Number({ minimum: 0, maximum: 1, description: 'Of the latency, when the estimate is there' }),
          rises_share: Type.Number({ minimum: 0, maximum: 1, description: 'Of final prices above the estimate' }),
          rise_min: Type.Number({ minimum: 0, maximum: 1 }),
          rise_max: Type.Number({ minimum: 0, maximum: 1 }),
        },
        { ...strict, description: 'First a preliminary price, then the final one' },
      ),
    ),
    pool: Type.Boolean({ default: false, description: 'Offers from the reinsurance pool' }),
    extras: Type.Array(Extra, { default: [] }),
    limit: Type.Optional(
      Type.Object(
        {
          rate_per_s: Type.Number({ exclusiveMinimum: 0 }),
          retry_after_s: Type.Number({ exclusiveMinimum: 0 }),
        },
        { ...strict, description: 'More calls a second than this get a 429 with Retry-After' },
      ),
    ),
    faults: Type.Unsafe<Fault[]>({ ...Faults, default: [], description: 'What goes wrong at it from the beginning' }),
    poll_hint_s: Type.Optional(Type.Number({ exclusiveMinimum: 0, description: 'Retry-After of a pending answer' })),
  },
  strict,
);
export type Profile = Static<typeof Profile>;

const DECLINE_REASON: Reason = { code: 'other', message: 'Компания не готова предложить полис' };

const ProfilesFile = Type.Array(
  Type.Object(
    { ...Profile.properties, decline_reason: Type.Unsafe<Reason>({ ...Reason, default: DECLINE_REASON }) },
    strict,
  ),
  { minItems: 1, maxItems: 100 },
);

/** What the schema cannot say. */
const faultsOf = (profiles: readonly Profile[]): string[] =>
  profiles.flatMap((profile, index) => {
    const faults: string[] = [];
    const { latency, fails_share, declined_share, needs_data_share } = profile;
    if (profiles.findIndex(({ insurer_id }) => insurer_id === profile.insurer_id) < index) {
      faults.push('/insurer_id is used twice');
    }
    if (latency.p95_ms < latency.p50_ms) faults.push('/latency/p95_ms is below p50_ms');
    if (fails_share + declined_share + needs_data_share > 1) faults.push(' has shares that add up to more than 1');
    return faults.map((fault) => `/${index}${fault}`);
  });

/** Throws one `ConfigError` that lists every fault. */
export const loadProfiles = (path: string): Profile[] => {
  const profiles = loadYamlFile(ProfilesFile, path, {});
  const faults = faultsOf(profiles);
  if (faults.length > 0) throw new ConfigError(path, faults);
  return profiles;
};
