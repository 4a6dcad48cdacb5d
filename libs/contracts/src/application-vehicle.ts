/** The vehicle of an application. */
import { Type } from '@sinclair/typebox';
import { DateOnly } from './formats.ts';

const strict = { additionalProperties: false } as const;
const Name = Type.String({ format: 'plain-text', minLength: 1, maxLength: 80 });
const Power = Type.Number({ minimum: 1, maximum: 2_000 });

export const VehicleDocument = Type.Object(
  {
    type: Type.Union([Type.Literal('sts'), Type.Literal('pts'), Type.Literal('epts')]),
    /** Of an STS and a PTS; an electronic one has none. */
    series: Type.Optional(Type.String({ format: 'document-series' })),
    number: Type.String({ format: 'document-number' }),
    issued_on: DateOnly,
  },
  strict,
);

export const Vehicle = Type.Object(
  {
    /** At least one of VIN, body and chassis number. */
    vin: Type.Optional(Type.String({ format: 'vin' })),
    body_number: Type.Optional(Type.String({ format: 'frame-number' })),
    chassis_number: Type.Optional(Type.String({ format: 'frame-number' })),
    /** Needed with an STS. */
    plate: Type.Optional(Type.String({ format: 'plate' })),
    category: Type.Union([
      Type.Literal('A'),
      Type.Literal('B'),
      Type.Literal('C'),
      Type.Literal('D'),
      Type.Literal('E'),
    ]),
    brand: Name,
    model: Name,
    year: Type.Integer({ minimum: 1950, maximum: 2100 }),
    /** Power in horsepower, or in kilowatts, or in both where they agree. */
    power_hp: Type.Optional(Power),
    power_kw: Type.Optional(Power),
    document: VehicleDocument,
    /** The other papers that the owner has. */
    further_documents: Type.Optional(Type.Array(VehicleDocument, { maxItems: 2 })),
    trailer: Type.Optional(Type.Boolean()),
    /** Lorries: up to 16 t or above. */
    max_mass_kg: Type.Optional(Type.Integer({ minimum: 100, maximum: 200_000 })),
    /** Buses: up to 16 seats or above. */
    passenger_seats: Type.Optional(Type.Integer({ minimum: 1, maximum: 300 })),
    regular_route: Type.Optional(Type.Boolean()),
  },
  strict,
);
