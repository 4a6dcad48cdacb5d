/** The application for OSAGO: what a person fills in, what insurers are sent. Unknown members are faults, so a typing
 *  mistake in a partner's client is seen at once. Holds personal data: on the log and in Postgres only sealed. */
import { type Static, Type } from '@sinclair/typebox';
import { DateOnly, Uuid } from './formats.ts';

const strict = { additionalProperties: false } as const;
const text = (minLength: number, maxLength: number) =>
  Type.String({ format: 'plain-text', minLength, maxLength });
const Name = text(1, 80);

export const VehicleDocument = Type.Object(
  {
    type: Type.Union([Type.Literal('sts'), Type.Literal('pts'), Type.Literal('epts')]),
    series: Type.Optional(text(1, 4)),
    number: text(4, 15),
    issued_on: DateOnly,
  },
  strict,
);

export const Vehicle = Type.Object(
  {
    vin: Type.Optional(Type.String({ format: 'vin' })),
    body_number: Type.Optional(text(4, 20)),
    chassis_number: Type.Optional(text(4, 20)),
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
    power_hp: Type.Number({ minimum: 1, maximum: 2_000 }),
    document: VehicleDocument,
  },
  strict,
);

export const Passport = Type.Object(
  {
    series: Type.String({ format: 'passport-series' }),
    number: Type.String({ format: 'passport-number' }),
    issued_on: DateOnly,
  },
  strict,
);

export const Address = Type.Object(
  {
    /** Chooses the territory coefficient KT. */
    region: Type.String({ format: 'region-code' }),
    text: text(5, 300),
  },
  strict,
);

const personMembers = {
  last_name: Name,
  first_name: Name,
  middle_name: Type.Optional(Name),
  birth_date: DateOnly,
};

export const Person = Type.Object(
  { ...personMembers, passport: Passport, address: Address },
  strict,
);

export const Licence = Type.Object(
  {
    series: Type.String({ format: 'licence-series' }),
    number: Type.String({ format: 'licence-number' }),
    issued_on: DateOnly,
    /** The day the driver's experience counts from; may lie before `issued_on` of a renewed licence. */
    experience_from: DateOnly,
  },
  strict,
);

export const Driver = Type.Object({ ...personMembers, licence: Licence }, strict);

export const Consent = Type.Object(
  {
    version: text(1, 40),
    text_sha256: Type.String({ format: 'sha256' }),
  },
  strict,
);

const applicationMembers = {
  vehicle: Vehicle,
  owner: Person,
  policyholder: Person,
  unlimited_drivers: Type.Boolean(),
  /** Empty exactly when `unlimited_drivers`. Ten: more than any paper form holds. */
  drivers: Type.Array(Driver, { maxItems: 10 }),
  purpose: Type.Union([Type.Literal('personal'), Type.Literal('taxi')]),
  /** Months of use inside the year of the policy: the coefficient KS. */
  period: Type.Object({ months: Type.Integer({ minimum: 3, maximum: 12 }) }, strict),
  /** Left out: the earliest day the rules allow. */
  policy_start_date: Type.Optional(DateOnly),
  contacts: Type.Object(
    { phone: Type.String({ format: 'phone' }), email: Type.String({ format: 'email', maxLength: 120 }) },
    strict,
  ),
  consents: Type.Array(Consent, { minItems: 1, maxItems: 20 }),
};

export const Application = Type.Object(applicationMembers, { ...strict, $id: 'Application' });
export type Application = Static<typeof Application>;

/** The body of `POST /requests`: the application, and the caller's own `request_id` where it makes one. */
export const PostRequestBody = Type.Object(
  { request_id: Type.Optional(Uuid), ...applicationMembers },
  { ...strict, $id: 'PostRequestBody' },
);
export type PostRequestBody = Static<typeof PostRequestBody>;

/** What pricing and analysts need of an application, without a word that names a person. */
export const TariffAttributes = Type.Object(
  {
    category: Vehicle.properties.category,
    power_hp: Vehicle.properties.power_hp,
    year: Vehicle.properties.year,
    purpose: applicationMembers.purpose,
    region: Address.properties.region,
    months: Type.Integer(),
    policy_start_date: DateOnly,
    unlimited_drivers: Type.Boolean(),
    drivers: Type.Array(Type.Object({ age: Type.Integer(), experience_years: Type.Integer() })),
  },
  { $id: 'TariffAttributes' },
);
export type TariffAttributes = Static<typeof TariffAttributes>;
