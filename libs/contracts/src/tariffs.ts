/** `GET /api/osago/tariffs`: which tables of the tariff are in force on a day. */
import { type Static, Type } from '@sinclair/typebox';
import { VehicleKind } from './application.ts';
import { DateOnly, Kopecks } from './formats.ts';

export const TARIFF_TABLES = ['base_rates', 'kt', 'kbm', 'kvs', 'ko', 'km', 'ks', 'kp'] as const;
export type TariffTable = (typeof TARIFF_TABLES)[number];

export const TariffsReply = Type.Object(
  {
    /** The first day of the policy that is asked about. */
    on: DateOnly,
    tables: Type.Array(
      Type.Object({
        table: Type.Union(TARIFF_TABLES.map((table) => Type.Literal(table))),
        /** Of the Bank of Russia: number and date. */
        directive: Type.String(),
        valid_from: DateOnly,
        /** The first day of the next edition that is known, where there is one. */
        replaced_on: Type.Optional(DateOnly),
        /** Where the figures were taken from, and how sure they are. */
        source: Type.String(),
      }),
    ),
    /** The lowest and the highest base rate of each kind of vehicle; an insurer chooses in between. */
    base_rates: Type.Array(
      Type.Object({ vehicle_kind: VehicleKind, min_kopecks: Kopecks, max_kopecks: Kopecks }),
    ),
  },
  { $id: 'TariffsReply' },
);
export type TariffsReply = Static<typeof TariffsReply>;
