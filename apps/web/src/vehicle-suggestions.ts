/** What the dictionary of vehicles offers while make and model are typed. Anything else may be typed, too. */
import { VEHICLE_MAKES } from '@osago/quotes/vehicle-dictionary';
import type { Draft } from './application-draft.ts';

const BRAND = '/vehicle/brand';
const MODEL = '/vehicle/model';

const isSame = (one: string, other: string): boolean => one.trim().toLowerCase() === other.trim().toLowerCase();

/** Of the vehicle's category only; models of the make that was typed. Nothing for other fields. */
export const suggestionsFor = (pointer: string, values: Draft['values']): readonly string[] => {
  if (pointer !== BRAND && pointer !== MODEL) return [];
  const ofCategory = VEHICLE_MAKES.map(({ models, name }) => ({
    name,
    models: models.filter(({ category }) => category === values['/vehicle/category']).map((model) => model.name),
  })).filter(({ models }) => models.length > 0);
  if (pointer === BRAND) return ofCategory.map(({ name }) => name);
  return ofCategory.filter(({ name }) => isSame(name, values[BRAND] ?? '')).flatMap(({ models }) => models);
};
