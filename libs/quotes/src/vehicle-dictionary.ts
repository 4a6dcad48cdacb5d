/**
 * One dictionary of vehicles for the form, and what each insurer calls them. An insurer that lacks a model cannot
 * price it: that is a refusal with a reason, not an error. Data in `vehicle-data/`; ids never change.
 */
import type { Application, Reason } from '@osago/contracts';
import insurerVehicles from './vehicle-data/insurer-vehicles.json' with { type: 'json' };
import dictionary from './vehicle-data/vehicle-dictionary.json' with { type: 'json' };

export interface VehicleModel {
  id: string;
  name: string;
  category: Application['vehicle']['category'];
  /** The weakest and the strongest engine of the model. */
  power_hp: readonly [min: number, max: number];
}

export interface VehicleMake {
  id: string;
  name: string;
  models: readonly VehicleModel[];
}

interface InsurerVehicles {
  /** Ids of models that the insurer does not know. */
  lacks: readonly string[];
  /** What it calls a model, where that is not our id. */
  ids: Readonly<Record<string, string>>;
}

/** JSON has arrays where a range is a pair. */
export const VEHICLE_MAKES = dictionary.makes as unknown as readonly VehicleMake[];
const INSURER_VEHICLES: Readonly<Record<string, InsurerVehicles>> = insurerVehicles.insurers;

export const INSURERS_WITH_MAPPING = Object.keys(INSURER_VEHICLES);

/** «ŠKODA» is «Skoda»: case, accents, spaces and signs make no other model. */
const comparable = (name: string): string =>
  name
    .normalize('NFD')
    .replaceAll(/\p{M}/gu, '')
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}]/gu, '');

const MODELS: ReadonlyMap<string, VehicleModel> = new Map(
  VEHICLE_MAKES.flatMap((make) =>
    make.models.map((model) => [`${comparable(make.name)} ${comparable(model.name)}`, model] as const),
  ),
);

/** The model with these names; undefined for one that the dictionary does not have. */
export const findVehicle = (brand: string, model: string): VehicleModel | undefined =>
  MODELS.get(`${comparable(brand)} ${comparable(model)}`);

export type MappedVehicle =
  | { kind: 'mapped'; id: string }
  /** Not in the dictionary: the insurer gets the names as they were typed. */
  | { kind: 'unlisted' }
  | { kind: 'no_vehicle_mapping'; reason: Reason };

/** What that insurer calls the vehicle. An insurer without a mapping of its own takes our ids. */
export const insurersVehicle = (
  insurerId: string,
  { brand, model }: Pick<Application['vehicle'], 'brand' | 'model'>,
): MappedVehicle => {
  const found = findVehicle(brand, model);
  if (found === undefined) return { kind: 'unlisted' };
  const mapping = Object.hasOwn(INSURER_VEHICLES, insurerId) ? INSURER_VEHICLES[insurerId] : undefined;
  if (mapping?.lacks.includes(found.id)) {
    return {
      kind: 'no_vehicle_mapping',
      reason: { code: 'no_vehicle_mapping', message: 'Компания не страхует эту модель' },
    };
  }
  return { kind: 'mapped', id: mapping?.ids[found.id] ?? found.id };
};
