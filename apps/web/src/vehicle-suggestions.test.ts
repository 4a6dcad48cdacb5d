import { describe, expect, test } from '@jest/globals';
import { suggestionsFor } from './vehicle-suggestions.ts';

const suggest = (pointer: string, category: string, brand = '') =>
  suggestionsFor(pointer, { '/vehicle/category': category, '/vehicle/brand': brand });

describe('while make and model are typed', () => {
  test('the makes of the category are offered', () => {
    expect(suggest('/vehicle/brand', 'B')).toEqual(expect.arrayContaining(['LADA', 'Toyota', 'Škoda']));
    expect(suggest('/vehicle/brand', 'A')).toContain('Yamaha');
    expect(suggest('/vehicle/brand', 'A')).not.toContain('LADA');
  });

  test('the models of the make are offered, in whatever case it was typed', () => {
    expect(suggest('/vehicle/model', 'B', ' lada ')).toEqual(expect.arrayContaining(['Granta', 'Vesta']));
    expect(suggest('/vehicle/model', 'B', 'LADA')).not.toContain('Camry');
    expect(suggest('/vehicle/model', 'A', 'Honda')).toContain('CBR600RR');
  });

  test.each([['/vehicle/model', 'B', 'Trabant'], ['/vehicle/vin', 'B', 'LADA'], ['/owner/last_name', 'B', 'LADA']])(
    'nothing is offered for %s of a make %s %s',
    (pointer, category, brand) => expect(suggest(pointer, category, brand)).toEqual([]),
  );
});
