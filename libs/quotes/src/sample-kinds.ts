/**
 * Samples of other kinds than a private car: the same made-up people, another vehicle or owner. As valid and as unreal
 * as {@link sampleApplication}.
 */
import type { Application, LegalEntity } from '@osago/contracts';
import { type Random, seededRandom } from './random.ts';
import { characters, digits, PLATE_LETTERS, sampleApplication, vin } from './sample-application.ts';

export const SAMPLE_KINDS = ['car', 'motorcycle', 'taxi', 'legal', 'unlimited', 'truck', 'renewed'] as const;
export type SampleKind = (typeof SAMPLE_KINDS)[number];

type Other = Pick<Application['vehicle'], 'brand' | 'model' | 'max_mass_kg'> & { wmi: string; power_hp: number };

const MOTORCYCLES: readonly [Other, ...Other[]] = [
  { brand: 'Yamaha', model: 'MT-07', wmi: 'JYA', power_hp: 74.8 },
  { brand: 'Kawasaki', model: 'Ninja 400', wmi: 'JKA', power_hp: 48 },
  { brand: 'Урал', model: 'Gear Up', wmi: 'X8J', power_hp: 41 },
];
const LORRIES: readonly [Other, ...Other[]] = [
  { brand: 'КАМАЗ', model: '65115', wmi: 'XTC', power_hp: 300, max_mass_kg: 25_200 },
  { brand: 'ГАЗ', model: 'Газон Next', wmi: 'X96', power_hp: 149.6, max_mass_kg: 8_700 },
];

/** Digits, and the one that follows from them, so that nobody takes the number for a typing mistake. */
const innOf = (random: Random): string => {
  // Tax office 00 does not exist: the number belongs to no company.
  const head = `00${digits(random, 6)}1`;
  const weights = [2, 4, 10, 3, 5, 9, 4, 6, 8];
  const sum = weights.reduce((total, weight, at) => total + weight * Number(head[at]), 0);
  return `${head}${(sum % 11) % 10}`;
};

const ogrnOf = (random: Random): string => {
  // Region 00 does not exist.
  const head = `1${digits(random, 2)}00${digits(random, 7)}`;
  return `${head}${(Number(head) % 11) % 10}`;
};

const COMPANIES = ['Ромашка', 'Василёк', 'Образец', 'Пример', 'Северный ветер'] as const;

const company = (random: Random, address: LegalEntity['address']): LegalEntity => ({
  kind: 'legal_entity',
  name: `ООО «${random.pick(COMPANIES)}»`,
  inn: innOf(random),
  ogrn: ogrnOf(random),
  address,
});

const motorcyclePlate = (random: Random, region: string): string =>
  `${String(random.integer(1, 9_999)).padStart(4, '0')}${characters(random, PLATE_LETTERS, 2)}${region}`;

/** The same seed, kind and year of `today` give the same application. */
export const sampleOfKind = (kind: SampleKind, seed: number, today: string): Application => {
  const sample = sampleApplication(seed, today);
  const random = seededRandom(`sample ${kind} ${seed}`);
  const { drivers, owner, vehicle } = sample;
  switch (kind) {
    case 'car':
      return { ...sample, purpose: 'personal' };
    case 'taxi':
      return { ...sample, purpose: 'taxi' };
    case 'unlimited':
      return { ...sample, unlimited_drivers: true, drivers: [] };
    case 'motorcycle': {
      const { wmi, ...motorcycle } = random.pick(MOTORCYCLES);
      const plate = motorcyclePlate(random, owner.address.region);
      return { ...sample, purpose: 'personal', vehicle: { ...vehicle, ...motorcycle, category: 'A', vin: vin(random, wmi), plate } };
    }
    case 'truck': {
      const { wmi, ...lorry } = random.pick(LORRIES);
      return { ...sample, purpose: 'personal', vehicle: { ...vehicle, ...lorry, category: 'C', vin: vin(random, wmi) } };
    }
    case 'legal': {
      const entity = company(random, owner.address);
      return { ...sample, owner: entity, policyholder: entity };
    }
    case 'renewed': {
      const previous = { series: digits(random, 4), number: digits(random, 6) };
      return {
        ...sample,
        drivers: drivers.map((driver) => ({ ...driver, previous_licence: { ...previous, last_name: driver.last_name } })),
        prolongation: { policy_series: 'ХХХ', policy_number: `0${digits(random, 9)}` },
      };
    }
  }
};
