/** The rules as decisions read them. What they are, their defaults and how sure each is: `@osago/contracts`. */
import { RULE_VARIABLES, type RuleVariables } from '@osago/contracts';
import type { KbmClass } from './tariff-tables.ts';

export interface RuleSettings {
  readonly minStartOffsetDays: number;
  readonly maxStartOffsetDays: number;
  readonly policyholderAgeMin: number;
  readonly passportAgeMin: number;
  readonly driverAgeMin: number;
  readonly motorcyclistAgeMin: number;
  readonly yearsAheadMax: number;
  readonly hpPerKw: number;
  readonly powerToleranceHp: number;
  readonly truckMassMaxKg: number;
  readonly minibusSeatsMax: number;
  readonly ptsSeries: RegExp;
  readonly eptsNumber: RegExp;
  readonly firstKbmClass: KbmClass;
  readonly kbmOfDrivers: 'largest' | 'first';
  readonly legalEntityKvsFactor: number;
  /** Undefined: no cap. */
  readonly premiumCapMultiplier: number | undefined;
  readonly premiumStepKopecks: number;
  readonly quoteValidHoursMax: number;
  /** `MM-DD` */
  readonly kbmYearStartsOn: string;
  readonly signalWindowHours: number;
  readonly vehiclesPerPersonMax: number;
}

const DEFAULTS = Object.fromEntries(
  Object.entries(RULE_VARIABLES).map(([name, schema]) => [name, schema.default as unknown]),
) as unknown as RuleVariables;

/** Of an app's configuration, checked: a rule that it does not have is as it is by default. */
export const ruleSettings = (config: Partial<RuleVariables>): RuleSettings => {
  const rules = { ...DEFAULTS, ...config };
  return {
    minStartOffsetDays: rules.RULE_MIN_START_OFFSET_DAYS,
    maxStartOffsetDays: rules.RULE_MAX_START_OFFSET_DAYS,
    policyholderAgeMin: rules.RULE_POLICYHOLDER_AGE_MIN,
    passportAgeMin: rules.RULE_PASSPORT_AGE_MIN,
    driverAgeMin: rules.RULE_DRIVER_AGE_MIN,
    motorcyclistAgeMin: rules.RULE_MOTORCYCLIST_AGE_MIN,
    yearsAheadMax: rules.RULE_YEARS_AHEAD_MAX,
    hpPerKw: rules.RULE_HP_PER_KW,
    powerToleranceHp: rules.RULE_POWER_TOLERANCE_HP,
    truckMassMaxKg: rules.RULE_TRUCK_MASS_MAX_KG,
    minibusSeatsMax: rules.RULE_MINIBUS_SEATS_MAX,
    ptsSeries: new RegExp(rules.RULE_PTS_SERIES),
    eptsNumber: new RegExp(rules.RULE_EPTS_NUMBER),
    firstKbmClass: rules.RULE_FIRST_KBM_CLASS as KbmClass,
    kbmOfDrivers: rules.RULE_KBM_OF_DRIVERS,
    legalEntityKvsFactor: rules.RULE_LEGAL_ENTITY_KVS_FACTOR,
    premiumCapMultiplier: rules.RULE_PREMIUM_CAP_MULTIPLIER,
    premiumStepKopecks: rules.RULE_PREMIUM_STEP_KOPECKS,
    quoteValidHoursMax: rules.RULE_QUOTE_VALID_HOURS_MAX,
    kbmYearStartsOn: rules.RULE_KBM_YEAR_STARTS_ON,
    signalWindowHours: rules.RULE_SIGNAL_WINDOW_HOURS,
    vehiclesPerPersonMax: rules.RULE_VEHICLES_PER_PERSON_MAX,
  };
};

export const DEFAULT_RULE_SETTINGS: RuleSettings = ruleSettings({});
