/**
 * The tables of the tariff. A directive of the Bank of Russia sets them; each edition is data with its directive, the
 * first day of policies it counts for, and where its figures were taken from (`tariff-data/`, newest edition first).
 */
import type { TariffsReply, TariffTable, VehicleKind } from '@osago/contracts';
import baseRates from './tariff-data/base-rates.json' with { type: 'json' };
import kbm from './tariff-data/kbm.json' with { type: 'json' };
import km from './tariff-data/km.json' with { type: 'json' };
import ko from './tariff-data/ko.json' with { type: 'json' };
import kp from './tariff-data/kp.json' with { type: 'json' };
import ks from './tariff-data/ks.json' with { type: 'json' };
import kt from './tariff-data/kt.json' with { type: 'json' };
import kvs from './tariff-data/kvs.json' with { type: 'json' };

export interface Edition {
  directive: string;
  /** `YYYY-MM-DD`: policies that start on this day or later. */
  valid_from: string;
  source: string;
}

/** The first row whose bound is not below the value gives the coefficient; `null` bounds nothing. */
export type Steps = readonly (readonly [upToIncluding: number | null, coefficient: number])[];

export interface KvsRow {
  age_from: number;
  /** Shorter than the columns where nobody of that age can have so much experience. */
  by_experience: readonly number[];
}

/** The class of the bonus-malus coefficient: `M` after many accidents, 13 after ten years without one. */
export const KBM_CLASSES = ['M', 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13] as const;
export type KbmClass = (typeof KBM_CLASSES)[number];

/** KT by region, all others as in the edition that it changes. */
interface KtEdition extends Edition {
  changes?: string;
  /** Of ordinary vehicles: of the region's capital, or of the region where it has one value only. */
  capital: Readonly<Record<string, number>>;
  /** Of ordinary vehicles: towns that differ, by region and name. */
  town: Readonly<Record<string, Readonly<Record<string, number>>>>;
  tractor: Readonly<Record<string, number>>;
}

interface Tables {
  base_rates: Edition & { roubles: Readonly<Partial<Record<VehicleKind, readonly [min: number, max: number]>>> };
  kt: KtEdition;
  kbm: Edition & { values: Readonly<Record<string, number>>; next_after_claims: Readonly<Record<string, readonly string[]>> };
  kvs: Edition & {
    experience_from_years: readonly number[];
    rows: Readonly<Record<'other' | 'motorcycle', readonly KvsRow[]>>;
  };
  ko: Edition & { listed: number; unlimited: number; unlimited_of_legal_entity: number };
  km: Edition & { up_to_hp: Readonly<Record<'car' | 'motorcycle', Steps>> };
  ks: Edition & { up_to_months: Steps };
  kp: Edition & { up_to_days: Steps };
}

/** JSON has arrays where the tables have pairs; a test holds every file to its shape. */
const EDITIONS = {
  base_rates: baseRates.editions,
  kt: kt.editions,
  kbm: kbm.editions,
  kvs: kvs.editions,
  ko: ko.editions,
  km: km.editions,
  ks: ks.editions,
  kp: kp.editions,
} as unknown as { readonly [Name in TariffTable]: readonly Tables[Name][] };

/** The editions of a table, newest first. */
export const tariffEditions = <Name extends TariffTable>(table: Name): readonly Tables[Name][] => EDITIONS[table];

/** The edition for policies that start on that day; undefined before the oldest one known here. */
export const editionInForce = <Name extends TariffTable>(table: Name, policyStartDate: string): Tables[Name] | undefined =>
  tariffEditions(table).find(({ valid_from }) => valid_from <= policyStartDate);

/** Towns are written with «г.» and without, «ё» or «е», and in any case. */
const townSpelling = (written: string): string =>
  written.trim().toLowerCase().replace(/^(г\.?|город)\s+/, '').replaceAll('ё', 'е');

/** The edition in force, and those that it changes and otherwise leaves in force. */
const ktEditions = (policyStartDate: string): KtEdition[] => {
  const editions: KtEdition[] = [];
  for (let edition = editionInForce('kt', policyStartDate); edition !== undefined; ) {
    editions.push(edition);
    const { changes } = edition;
    edition = changes === undefined ? undefined : tariffEditions('kt').find(({ directive }) => directive === changes);
  }
  return editions;
};

const first = <T>(editions: readonly KtEdition[], of: (edition: KtEdition) => T | undefined): T | undefined => {
  for (const edition of editions) {
    const found = of(edition);
    if (found !== undefined) return found;
  }
  return undefined;
};

/** The town as the tariff names it; undefined for one that pays what its region does. */
export const tariffTown = (region: string, town: string | undefined, policyStartDate: string): string | undefined => {
  if (town === undefined) return undefined;
  const spelled = townSpelling(town);
  return first(ktEditions(policyStartDate), (edition) =>
    Object.keys(edition.town[region] ?? {}).find((name) => townSpelling(name) === spelled),
  );
};

/** KT of a place. A town that the tariff does not name, and every tractor, pays what its region does. */
export const territoryCoefficient = (
  { region, town }: { region: string; town?: string | undefined },
  policyStartDate: string,
  column: 'capital' | 'tractor',
): number | undefined => {
  const editions = ktEditions(policyStartDate);
  const named = column === 'tractor' ? undefined : tariffTown(region, town, policyStartDate);
  const ofTown = named === undefined ? undefined : first(editions, (edition) => edition.town[region]?.[named]);
  return ofTown ?? first(editions, (edition) => edition[column][region]);
};

/** The class after a year with so many claims. */
export const nextKbmClass = (from: KbmClass, claims: number, policyStartDate: string): KbmClass | undefined => {
  const row = editionInForce('kbm', policyStartDate)?.next_after_claims[String(from)];
  const next = row?.[Math.min(claims, row.length - 1)];
  return KBM_CLASSES.find((kbmClass) => String(kbmClass) === next);
};

const TABLE_NAMES = Object.keys(EDITIONS) as readonly TariffTable[];

/** The first day after `date` on which any table changes; undefined where no change is known. */
export const nextTariffDate = (date: string): string | undefined =>
  TABLE_NAMES.flatMap((table) => tariffEditions(table).map(({ valid_from }) => valid_from))
    .filter((validFrom) => validFrom > date)
    .sort()[0];

/** What `GET /api/osago/tariffs` answers: the tables in force for policies that start on that day. */
export const tariffsInForce = (policyStartDate: string): TariffsReply => {
  const roubles = editionInForce('base_rates', policyStartDate)?.roubles ?? {};
  return {
    on: policyStartDate,
    tables: TABLE_NAMES.flatMap((table) => {
      const edition = editionInForce(table, policyStartDate);
      if (edition === undefined) return [];
      const { directive, valid_from, source } = edition;
      const next = tariffEditions(table).findLast((other) => other.valid_from > policyStartDate);
      return [{ table, directive, valid_from, ...(next && { replaced_on: next.valid_from }), source }];
    }),
    base_rates: (Object.entries(roubles) as [VehicleKind, readonly [number, number]][]).map(
      ([vehicle_kind, [min, max]]) => ({ vehicle_kind, min_kopecks: min * 100, max_kopecks: max * 100 }),
    ),
  };
};
