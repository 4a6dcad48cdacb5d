/**
 * The price of a policy: T = TB × KT × KBM × KVS × KO × KM × KS. The Bank of Russia sets every coefficient; an insurer
 * chooses only TB, inside a corridor. Exact: computed in integers and rounded once, half up, to the kopeck.
 *
 * What the tariff has no price for comes back as a refusal, never as an exception. The legal cap of three times TB × KT
 * is not applied: its wording could not be confirmed (research note, §8).
 */
import type { Coefficients, TariffAttributes } from '@osago/contracts';
import {
  BASE_RATES_ROUBLES, KBM, type KbmClass, KM_CAR, KM_MOTORCYCLE, KO, KS, KVS, KVS_EXPERIENCE_FROM, KVS_MOTORCYCLE,
  type KvsRows, type Steps, TARIFF_EDITIONS, type TariffEdition, type VehicleKind,
} from './tariff-tables.ts';

export type TariffRefusal =
  | 'no_tariff_in_force'
  | 'unknown_region'
  | 'impossible_period'
  | 'no_drivers'
  | 'impossible_experience'
  | 'base_rate_outside_corridor';

export type Premium =
  | { ok: true; premium_kopecks: number; coefficients: Coefficients }
  | { ok: false; refusal: TariffRefusal };

export interface InsurersChoice {
  baseRateKopecks: number;
  /** Insurers fetch it from the national system; of several drivers the dearest counts. */
  kbmClass: KbmClass;
}

export interface Corridor {
  minKopecks: number;
  maxKopecks: number;
}

const KIND_OF_OTHERS: Readonly<Record<string, VehicleKind>> = {
  A: 'motorcycle',
  C: 'truck',
  D: 'bus',
  E: 'articulated-truck',
};

/** The schema of an application lets no category through but A to E. */
const kindOf = ({ category, purpose }: TariffAttributes): VehicleKind =>
  KIND_OF_OTHERS[category] ?? (purpose === 'taxi' ? 'taxi' : 'car');

/** The base rates that an insurer may choose from, both ends included. */
export const baseRateCorridor = (attributes: TariffAttributes): Corridor => {
  const [min, max] = BASE_RATES_ROUBLES[kindOf(attributes)];
  return { minKopecks: min * 100, maxKopecks: max * 100 };
};

const step = (steps: Steps, value: number): number | undefined =>
  steps.find(([upTo]) => value <= upTo)?.[1];

const powerCoefficient = (kind: VehicleKind, powerHp: number): number => {
  if (kind === 'car' || kind === 'taxi') return step(KM_CAR, powerHp) ?? 1;
  if (kind === 'motorcycle') return step(KM_MOTORCYCLE, powerHp) ?? 1;
  return 1;
};

/** The age at which a licence can be had, from which experience counts. */
const LICENCE_AGE = { motorcycle: 16, other: 18 } as const;

type TariffDriver = TariffAttributes['drivers'][number];

/** Undefined for a pair that cannot be: the table is triangular and has no cell for it. */
const driverCoefficient = (kind: VehicleKind, driver: TariffDriver): number | undefined => {
  const { age, experience_years: experience } = driver;
  const isMotorcycle = kind === 'motorcycle';
  const licenceAge = isMotorcycle ? LICENCE_AGE.motorcycle : LICENCE_AGE.other;
  if (experience < 0 || experience > age - licenceAge) return undefined;
  const rows: KvsRows = isMotorcycle ? KVS_MOTORCYCLE : KVS;
  const row = rows.findLast(([ageFrom]) => age >= ageFrom);
  return row?.[1][KVS_EXPERIENCE_FROM.findLastIndex((from) => experience >= from)];
};

/** Of all drivers the largest; 1 where anybody may drive. */
const driversCoefficient = (attributes: TariffAttributes): number | TariffRefusal => {
  if (attributes.unlimited_drivers) return 1;
  if (attributes.drivers.length === 0) return 'no_drivers';
  let largest = 0;
  for (const driver of attributes.drivers) {
    const coefficient = driverCoefficient(kindOf(attributes), driver);
    if (coefficient === undefined) return 'impossible_experience';
    largest = Math.max(largest, coefficient);
  }
  return largest;
};

/** The edition that a policy starting on that day falls under; undefined before the oldest one known here. */
export const tariffEdition = (policyStartDate: string): TariffEdition | undefined =>
  TARIFF_EDITIONS.find(({ validFrom }) => validFrom <= policyStartDate);

/** Coefficients have two decimals, so hundredths are exact. */
const hundredths = (coefficient: number): bigint => BigInt(Math.round(coefficient * 100));

const product = (baseRateKopecks: number, { kt, kbm, kvs, ko, km, ks }: Coefficients): number => {
  const factors = [kt, kbm, kvs, ko, km, ks];
  const scale = 100n ** BigInt(factors.length);
  const exact = factors.reduce((sum, factor) => sum * hundredths(factor), BigInt(baseRateKopecks));
  return Number((exact + scale / 2n) / scale);
};

/** The price of one insurer for one application, with the coefficients it is made of. */
export const premium = (
  attributes: TariffAttributes,
  { baseRateKopecks, kbmClass }: InsurersChoice,
): Premium => {
  const refuse = (refusal: TariffRefusal): Premium => ({ ok: false, refusal });
  const { minKopecks, maxKopecks } = baseRateCorridor(attributes);
  const isInside = baseRateKopecks >= minKopecks && baseRateKopecks <= maxKopecks;
  if (!isInside || !Number.isInteger(baseRateKopecks)) {
    return refuse('base_rate_outside_corridor');
  }
  const edition = tariffEdition(attributes.policy_start_date);
  if (edition === undefined) return refuse('no_tariff_in_force');
  const kt = edition.kt[attributes.region];
  if (kt === undefined) return refuse('unknown_region');
  const ks = attributes.months < 3 ? undefined : step(KS, attributes.months);
  if (ks === undefined) return refuse('impossible_period');
  const kvs = driversCoefficient(attributes);
  if (typeof kvs === 'string') return refuse(kvs);
  const coefficients: Coefficients = {
    kt,
    kbm: KBM[kbmClass],
    kvs,
    ko: attributes.unlimited_drivers ? KO.unlimited : KO.listed,
    km: powerCoefficient(kindOf(attributes), attributes.power_hp),
    ks,
  };
  return { ok: true, premium_kopecks: product(baseRateKopecks, coefficients), coefficients };
};
