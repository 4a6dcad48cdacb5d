import { describe, expect, test } from '@jest/globals';
import { CARS } from './sample-names.ts';
import { findVehicle, INSURERS_WITH_MAPPING, insurersVehicle, VEHICLE_MAKES } from './vehicle-dictionary.ts';

const models = VEHICLE_MAKES.flatMap((make) => make.models);

describe('the dictionary', () => {
  test('has forty makes and more, each id once', () => {
    expect(VEHICLE_MAKES.length).toBeGreaterThanOrEqual(40);
    const ids = [...VEHICLE_MAKES, ...models].map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    for (const id of ids) expect(id).toMatch(/^[a-z0-9]+(-[a-z0-9]+)*$/);
  });

  test('has ranges of power the right way round', () => {
    for (const { power_hp: [min, max] } of models) expect(min).toBeLessThanOrEqual(max);
  });

  test('finds every model by its names, in any case and with accents or without', () => {
    for (const make of VEHICLE_MAKES) {
      for (const model of make.models) {
        expect(findVehicle(make.name.toUpperCase(), ` ${model.name.toLowerCase()} `)?.id).toBe(model.id);
      }
    }
    expect(findVehicle('Skoda', 'OCTAVIA')?.id).toBe('skoda-octavia');
    expect(findVehicle('Skoda', 'Camry')).toBeUndefined();
  });

  test('knows the cars of the samples, and their engines', () => {
    for (const { brand, model, powersHp } of CARS) {
      const found = findVehicle(brand, model)!;
      for (const power of powersHp) {
        expect(power).toBeGreaterThanOrEqual(found.power_hp[0]);
        expect(power).toBeLessThanOrEqual(found.power_hp[1]);
      }
    }
  });
});

describe('what an insurer calls a vehicle', () => {
  test('is its own id, or ours where it has none', () => {
    const granta = { brand: 'LADA', model: 'Granta' };
    expect(insurersVehicle('alfa', granta)).toEqual({ kind: 'mapped', id: 'VAZ_2190' });
    expect(insurersVehicle('kappa', granta)).toEqual({ kind: 'mapped', id: 'lada-granta' });
    expect(insurersVehicle('unheard-of', granta)).toEqual({ kind: 'mapped', id: 'lada-granta' });
    expect(insurersVehicle('toString', granta)).toEqual({ kind: 'mapped', id: 'lada-granta' });
  });

  test('is a reason to decline where the insurer lacks the model', () => {
    expect(insurersVehicle('delta', { brand: 'yamaha', model: 'MT07' })).toMatchObject({
      kind: 'no_vehicle_mapping',
      reason: { code: 'no_vehicle_mapping' },
    });
  });

  test('is what was typed for a model that the dictionary lacks', () => {
    expect(insurersVehicle('alfa', { brand: 'Trabant', model: '601' })).toEqual({ kind: 'unlisted' });
  });

  test('is known for ten insurers', () => {
    expect(INSURERS_WITH_MAPPING).toHaveLength(10);
  });
});
