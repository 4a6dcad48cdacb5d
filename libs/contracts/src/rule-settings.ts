/**
 * Every figure of OSAGO that is a rule and no table of the tariff, as a variable of the environment: one that proves wrong
 * is changed without a release. Each says how sure it is: `[S]` found in a source, `[K]` common knowledge that no source
 * confirmed, `[A]` an assumption of ours. Bounds keep any two of them from contradicting each other.
 */
import { type Static, type TObject, Type } from '@sinclair/typebox';

const whole = (value: number, [minimum, maximum]: readonly [number, number], description: string) =>
  Type.Integer({ minimum, maximum, default: value, description });
const share = (value: number, [minimum, maximum]: readonly [number, number], description: string) =>
  Type.Number({ minimum, maximum, default: value, description });
const shape = (value: string, description: string) =>
  Type.String({ minLength: 1, maxLength: 200, format: 'regular-expression', default: value, description });

/** Days that every year has. */
const MONTH_AND_DAY = '^((0[13578]|1[02])-(0[1-9]|[12]\\d|3[01])|(0[469]|11)-(0[1-9]|[12]\\d|30)|02-(0[1-9]|1\\d|2[0-8]))$';

/** What pricing takes from an application by: core-app and whoever prices. */
const attributeRules = {
  RULE_MIN_START_OFFSET_DAYS: whole(3, [0, 30], 'An electronic policy starts so many days after the application at the earliest [S]'),
  RULE_DRIVER_AGE_MIN: whole(18, [14, 30], 'Youngest driver; experience counts from this age [S]'),
  RULE_MOTORCYCLIST_AGE_MIN: whole(16, [14, 30], 'The same, of motorcycles [S]'),
  RULE_HP_PER_KW: share(1.359_62, [1.3, 1.4], 'Horsepower of a kilowatt [K]'),
  RULE_TRUCK_MASS_MAX_KG: whole(16_000, [1_000, 100_000], 'A lorry of more has the base rates of heavy ones [S]'),
  RULE_MINIBUS_SEATS_MAX: whole(16, [1, 100], 'A bus of more seats has other base rates [S]'),
};

/** How long a quote holds. */
export const quoteRuleMembers = {
  RULE_QUOTE_VALID_HOURS_MAX: whole(24, [1, 720], 'A quote holds so many hours at the most [A]'),
  RULE_KBM_YEAR_STARTS_ON: Type.String({
    pattern: MONTH_AND_DAY,
    default: '04-01',
    description: 'MM-DD on which KBM classes change; no quote holds across it [S]',
  }),
};

/** Members of core-app's configuration. */
export const applicationRuleMembers = {
  ...attributeRules,
  RULE_MAX_START_OFFSET_DAYS: whole(60, [30, 366], 'It starts so many days after the application at the latest [K]'),
  RULE_POLICYHOLDER_AGE_MIN: whole(18, [14, 30], 'Youngest policyholder [K]'),
  RULE_PASSPORT_AGE_MIN: whole(14, [0, 30], 'No passport is issued to a younger person [K]'),
  RULE_YEARS_AHEAD_MAX: whole(1, [0, 5], 'So many years ahead a vehicle may be made: those of the next year are sold in autumn [A]'),
  RULE_POWER_TOLERANCE_HP: share(1, [0, 50], 'So far horsepower and kilowatts of one engine may disagree, for papers round them [A]'),
  RULE_PTS_SERIES: shape('^\\d{2}[А-Я]{2}$', 'Series of a PTS, a regular expression [K]'),
  RULE_EPTS_NUMBER: shape('^\\d{15}$', 'Number of an electronic PTS, a regular expression [K]'),
  RULE_SIGNAL_WINDOW_HOURS: whole(24, [1, 720], 'Applications so far apart are looked at together for signals of fraud [A]'),
  RULE_VEHICLES_PER_PERSON_MAX: whole(5, [1, 1_000], 'With more vehicles in that time a policyholder is a signal [A]'),
};

/** Members of the configuration of whoever prices: here the simulated insurers. */
export const pricingRuleMembers = {
  ...attributeRules,
  ...quoteRuleMembers,
  RULE_FIRST_KBM_CLASS: whole(3, [0, 13], 'KBM class of a driver without history, and of a policy for unlimited drivers [S]'),
  RULE_KBM_OF_DRIVERS: Type.Union([Type.Literal('largest'), Type.Literal('first')], {
    default: 'largest',
    description: 'Whose KBM counts of several drivers [K]',
  }),
  RULE_LEGAL_ENTITY_KVS_FACTOR: share(1.8, [1, 10], 'KVS of a listed driver where the owner is a legal entity is so many times that of the table [S]'),
  RULE_PREMIUM_CAP_MULTIPLIER: Type.Optional(
    Type.Number({ minimum: 1, maximum: 10, description: 'The premium is at most so many times TB × KT (40-FZ, article 9, says 3); empty: no cap [K]' }),
  ),
  RULE_PREMIUM_STEP_KOPECKS: whole(1, [1, 100], 'A premium is rounded, at the end, to a multiple of this [A]'),
};

const everyRule: TObject<typeof applicationRuleMembers & typeof pricingRuleMembers> = Type.Object({
  ...applicationRuleMembers,
  ...pricingRuleMembers,
});
export type RuleVariables = Static<typeof everyRule>;

/** By name; one without a default has none. */
export const RULE_VARIABLES = everyRule.properties;
