/**
 * The price of a policy: T = TB × KT × KBM × KVS × KO × KM × KS, or × KP in the place of KT and KS for a policy of days
 * or weeks. The Bank of Russia sets every coefficient; an insurer chooses only TB, inside a corridor. Exact: computed
 * in integers and rounded once, half up, to the kopeck (or the step that the settings name).
 *
 * What the tariff has no price for comes back as a refusal, never as an exception.
 */
import type { Coefficients, DriverCoefficients, TariffAttributes, VehicleKind } from '@osago/contracts';
import { DEFAULT_RULE_SETTINGS, type RuleSettings } from './rule-settings.ts';
import { editionInForce, type KbmClass, type Steps, territoryCoefficient } from './tariff-tables.ts';

export type TariffRefusal =
  | 'no_tariff_in_force'
  | 'unknown_region'
  | 'impossible_period'
  | 'no_drivers'
  | 'impossible_experience'
  | 'base_rate_outside_corridor';

export interface Priced {
  ok: true;
  premium_kopecks: number;
  coefficients: Coefficients;
  /** Of each listed driver, in the order of the application. */
  drivers: DriverCoefficients[];
  /** The legal cap has made the price lower than the product. */
  capped: boolean;
}
export type Premium = Priced | { ok: false; refusal: TariffRefusal };

export interface InsurersChoice {
  baseRateKopecks: number;
  /** Of every driver that has no class of its own in `driverKbmClasses`. Insurers fetch it from the national system. */
  kbmClass: KbmClass;
  /** In the order of the drivers; whose counts is a rule, by default the dearest. */
  driverKbmClasses?: readonly KbmClass[];
}

export interface Corridor {
  minKopecks: number;
  maxKopecks: number;
}

/** Category B is decided by purpose and owner. The schema of an application lets nothing through but A to E. */
const KIND_OF_OTHERS: Readonly<Record<string, VehicleKind>> = {
  A: 'motorcycle',
  C: 'truck',
  D: 'bus',
  E: 'heavy-truck',
};

export const vehicleKindOf = (attributes: Omit<TariffAttributes, 'drivers'>): VehicleKind => {
  const { category, legal_entity, purpose, vehicle_kind } = attributes;
  if (vehicle_kind !== undefined) return vehicle_kind;
  const car = legal_entity === true ? 'car-of-legal-entity' : 'car';
  return KIND_OF_OTHERS[category] ?? (purpose === 'taxi' ? 'taxi' : car);
};

/**
 * The base rates that an insurer may choose from when the policy starts, both ends included; undefined where no
 * edition known here has a row for that kind of vehicle.
 */
export const baseRateCorridor = (attributes: TariffAttributes): Corridor | undefined => {
  const rates = editionInForce('base_rates', attributes.policy_start_date)?.roubles[vehicleKindOf(attributes)];
  return rates && { minKopecks: rates[0] * 100, maxKopecks: rates[1] * 100 };
};

const step = (steps: Steps | undefined, value: number): number | undefined =>
  steps?.find(([upTo]) => upTo === null || value <= upTo)?.[1];

const MOTORCYCLE = 'motorcycle' satisfies VehicleKind;
const CARS: ReadonlySet<VehicleKind> = new Set(['car', 'car-of-legal-entity', 'taxi']);

/** Others than cars and motorcycles have no KM. */
const powerCoefficient = (attributes: TariffAttributes): number => {
  const kind = vehicleKindOf(attributes);
  const family = kind === MOTORCYCLE ? 'motorcycle' : 'car';
  if (kind !== MOTORCYCLE && !CARS.has(kind)) return 1;
  return step(editionInForce('km', attributes.policy_start_date)?.up_to_hp[family], attributes.power_hp) ?? 1;
};

type TariffDriver = TariffAttributes['drivers'][number];

/** KVS of one driver; undefined for a pair that cannot be: the table is triangular and has no cell for it. */
const driverCoefficient = (
  attributes: TariffAttributes,
  { age, experience_years: experience }: TariffDriver,
  settings: RuleSettings,
): number | undefined => {
  const isMotorcycle = vehicleKindOf(attributes) === MOTORCYCLE;
  const ageMin = isMotorcycle ? settings.motorcyclistAgeMin : settings.driverAgeMin;
  if (experience < 0 || experience > age - ageMin) return undefined;
  const table = editionInForce('kvs', attributes.policy_start_date);
  const row = table?.rows[isMotorcycle ? 'motorcycle' : 'other'].findLast(({ age_from }) => age >= age_from);
  const column = table?.experience_from_years.findLastIndex((from) => experience >= from) ?? -1;
  const coefficient = row?.by_experience[column];
  // Of a factor and a coefficient with two decimals each, four at most remain.
  return coefficient !== undefined && attributes.legal_entity === true
    ? Math.round(coefficient * settings.legalEntityKvsFactor * 10_000) / 10_000
    : coefficient;
};

/** Coefficients have four decimals at most, so ten-thousandths are exact. */
const SCALE = 10_000;
const tenThousandths = (coefficient: number): bigint => BigInt(Math.round(coefficient * SCALE));

const product = (baseRateKopecks: number, factors: readonly number[], stepKopecks: number): number => {
  const step = BigInt(SCALE) ** BigInt(factors.length) * BigInt(stepKopecks);
  const exact = factors.reduce((sum, factor) => sum * tenThousandths(factor), BigInt(baseRateKopecks));
  return Number((exact + step / 2n) / step) * stepKopecks;
};

/** KT and KS, or the KP that stands in their place. */
const placeAndTime = (attributes: TariffAttributes): Pick<Coefficients, 'kt' | 'ks' | 'kp'> | TariffRefusal => {
  const { months, policy_start_date, region, short_term_days, town } = attributes;
  if (short_term_days !== undefined) {
    const kp = short_term_days < 5 ? undefined : step(editionInForce('kp', policy_start_date)?.up_to_days, short_term_days);
    return kp === undefined ? 'impossible_period' : { kt: 1, ks: 1, kp };
  }
  const column = vehicleKindOf(attributes) === 'tractor' ? 'tractor' : 'capital';
  const kt = territoryCoefficient({ region, town }, policy_start_date, column);
  if (kt === undefined) return 'unknown_region';
  const ks = months < 3 ? undefined : step(editionInForce('ks', policy_start_date)?.up_to_months, months);
  return ks === undefined ? 'impossible_period' : { kt, ks };
};

/** Each driver's part, or why there is none. Nobody is listed where anybody may drive. */
const driverParts = (
  attributes: TariffAttributes,
  kbmOfDriver: (index: number) => number,
  settings: RuleSettings,
): DriverCoefficients[] | TariffRefusal => {
  if (attributes.unlimited_drivers) return [];
  if (attributes.drivers.length === 0) return 'no_drivers';
  const parts: DriverCoefficients[] = [];
  for (const [index, driver] of attributes.drivers.entries()) {
    const kvs = driverCoefficient(attributes, driver, settings);
    if (kvs === undefined) return 'impossible_experience';
    parts.push({ driver: index, kvs, kbm: kbmOfDriver(index) });
  }
  return parts;
};

const largest = (values: readonly number[], ofNone: number): number =>
  values.length === 0 ? ofNone : Math.max(...values);

const kbmOf = (drivers: readonly DriverCoefficients[], ofNone: number, { kbmOfDrivers }: RuleSettings): number => {
  const values = drivers.flatMap(({ kbm }) => kbm ?? []);
  return kbmOfDrivers === 'first' ? (values[0] ?? ofNone) : largest(values, ofNone);
};

/** The price of one insurer for one application, with the coefficients it is made of. */
export const premium = (
  attributes: TariffAttributes,
  { baseRateKopecks, kbmClass, driverKbmClasses = [] }: InsurersChoice,
  settings: RuleSettings = DEFAULT_RULE_SETTINGS,
): Premium => {
  const refuse = (refusal: TariffRefusal): Premium => ({ ok: false, refusal });
  const { legal_entity, policy_start_date, unlimited_drivers } = attributes;
  const corridor = baseRateCorridor(attributes);
  const kbm = editionInForce('kbm', policy_start_date)?.values;
  const ko = editionInForce('ko', policy_start_date);
  if (corridor === undefined || kbm === undefined || ko === undefined) return refuse('no_tariff_in_force');
  const isInside = baseRateKopecks >= corridor.minKopecks && baseRateKopecks <= corridor.maxKopecks;
  if (!isInside || !Number.isInteger(baseRateKopecks)) return refuse('base_rate_outside_corridor');

  const where = placeAndTime(attributes);
  if (typeof where === 'string') return refuse(where);
  const kbmOfClass = (of: KbmClass): number => kbm[String(of)] ?? 1;
  const drivers = driverParts(attributes, (index) => kbmOfClass(driverKbmClasses[index] ?? kbmClass), settings);
  if (typeof drivers === 'string') return refuse(drivers);

  const unlimited = legal_entity === true ? ko.unlimited_of_legal_entity : ko.unlimited;
  const coefficients: Coefficients = {
    kt: where.kt,
    kbm: kbmOf(drivers, kbmOfClass(kbmClass), settings),
    kvs: largest(drivers.map(({ kvs }) => kvs), 1),
    ko: unlimited_drivers ? unlimited : ko.listed,
    km: powerCoefficient(attributes),
    ks: where.ks,
    ...(where.kp !== undefined && { kp: where.kp }),
  };
  const { premiumCapMultiplier: capFactor, premiumStepKopecks: stepKopecks } = settings;
  const full = product(baseRateKopecks, Object.values(coefficients), stepKopecks);
  const cap = capFactor === undefined ? full : product(baseRateKopecks, [where.kt, capFactor], stepKopecks);
  return { ok: true, premium_kopecks: Math.min(full, cap), coefficients, drivers, capped: cap < full };
};
