/**
 * The price of one insurer for one application. It depends on the content of the application only, so the same
 * application gets the same price again, whoever asks and however often.
 */
import type { Application, InsurerQuote, TariffAttributes } from '@osago/contracts';
import {
  baseRateCorridor, DEFAULT_RULE_SETTINGS, type KbmClass, moscowDate, premium, type RuleSettings, seededRandom,
  type TariffRefusal, tariffAttributes, validUntil,
} from '@osago/quotes';
import type { Profile } from './profile.ts';

/** Insurers rate a person by more than the tariff's factors: this much of the corridor to either side. */
const POSITION_SPREAD = 0.05;

/** Half of all drivers have no accident in ten years; one in twelve has none at all in the records. */
const KBM_DRAW: readonly [KbmClass, ...KbmClass[]] = [
  'M', 1, 3, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 13, 13, 13, 13, 13, 13, 13, 13, 13, 13,
];

export interface Priced {
  kind: 'priced';
  kbm: number;
  attributes: TariffAttributes;
  /** Equal to `final` unless the profile knows estimates and this one rises. */
  estimated: InsurerQuote;
  final: InsurerQuote;
}

export type Price = Priced | { kind: 'refused'; refusal: TariffRefusal };

const placeOf = ({ region, town }: Application['owner']['address']): string => (town === undefined ? region : `${region} ${town}`);

/** What pricing may depend on, in a fixed order, so that the order of members on the wire does not matter. */
const contentOf = ({ vehicle, owner, drivers, unlimited_drivers, purpose, period }: Application): string =>
  JSON.stringify([
    vehicle.vin, vehicle.body_number, vehicle.chassis_number, vehicle.plate, vehicle.category, vehicle.brand,
    vehicle.model, vehicle.year, vehicle.power_hp, vehicle.power_kw, owner.kind, placeOf(owner.address), unlimited_drivers, purpose,
    period.months,
    drivers.map(({ birth_date, foreign_licence, licence }) => [
      birth_date, licence?.series, licence?.number ?? foreign_licence?.number,
      licence?.experience_from ?? foreign_licence?.experience_from,
    ]),
  ]);

/** A policy that names no insurer of ours was issued by another one. */
const prolongationOf = (
  { insurer_id }: Profile,
  { prolongation }: Application,
): Pick<InsurerQuote, 'prolongation' | 'prolongation_from_other'> => {
  if (prolongation === undefined) return {};
  return prolongation.insurer_id === insurer_id ? { prolongation: true } : { prolongation_from_other: true };
};

export const price = (
  { profile, seed, rules = DEFAULT_RULE_SETTINGS }: { profile: Profile; seed: number; rules?: RuleSettings },
  application: Application,
  nowMs: number,
): Price => {
  const content = contentOf(application);
  const attributes = tariffAttributes(application, moscowDate(nowMs), rules);
  const corridor = baseRateCorridor(attributes);
  if (corridor === undefined) return { kind: 'refused', refusal: 'no_tariff_in_force' };
  const { minKopecks, maxKopecks } = corridor;
  // The class comes from the national system: the same for all insurers.
  const kbmClass = application.unlimited_drivers
    ? rules.firstKbmClass
    : seededRandom(`${seed} kbm ${content}`).pick(KBM_DRAW);

  const random = seededRandom(`${seed} ${profile.insurer_id} price ${content}`);
  const position = profile.base_rate_position + POSITION_SPREAD * (2 * random.unit() - 1);
  const wanted = minKopecks + position * (maxKopecks - minKopecks);
  const { rises_share = 0, rise_min = 0, rise_max = 0 } = profile.estimate ?? {};
  const rises = random.chance(rises_share);
  const rise = rises ? 1 + rise_min + (rise_max - rise_min) * random.unit() : 1;

  const quoteAt = (baseRate: number): InsurerQuote | TariffRefusal => {
    const baseRateKopecks = Math.round(Math.min(Math.max(baseRate, minKopecks), maxKopecks));
    const result = premium(attributes, { baseRateKopecks, kbmClass }, rules);
    if (!result.ok) return result.refusal;
    return {
      premium_kopecks: result.premium_kopecks,
      base_rate_kopecks: baseRateKopecks,
      coefficients: result.coefficients,
      ...(result.drivers.length > 0 && { drivers: result.drivers }),
      valid_until: validUntil({ answeredAtMs: nowMs, policyStartDate: attributes.policy_start_date }, rules),
      extras: profile.extras,
      pool: profile.pool,
      ...prolongationOf(profile, application),
    };
  };
  const estimated = quoteAt(wanted);
  const final = quoteAt(wanted * rise);
  if (typeof estimated === 'string') return { kind: 'refused', refusal: estimated };
  if (typeof final === 'string') return { kind: 'refused', refusal: final };
  return { kind: 'priced', kbm: estimated.coefficients?.kbm ?? 1, attributes, estimated, final };
};
