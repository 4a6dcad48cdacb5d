/** The application for OSAGO: what a person fills in, what insurers are sent. Unknown members are faults, so a typing
 *  mistake in a partner's client is seen at once. Holds personal data: on the log and in Postgres only sealed. */
import { type Static, Type } from '@sinclair/typebox';
import { LegalEntity, Party, Person } from './application-parties.ts';
import { Driver } from './application-drivers.ts';
import { Vehicle } from './application-vehicle.ts';
import { DateOnly, InsurerId, Timestamp, Uuid } from './formats.ts';

export { LegalEntity, Person, Driver, Vehicle };
export { Address, Passport } from './application-parties.ts';
export { ForeignLicence, Licence, PreviousLicence } from './application-drivers.ts';
export { VehicleDocument } from './application-vehicle.ts';

const strict = { additionalProperties: false } as const;

export const Consent = Type.Object(
  {
    version: Type.String({ format: 'plain-text', minLength: 1, maxLength: 40 }),
    /** Of the very words that were shown. */
    text_sha256: Type.String({ format: 'sha256' }),
    /** When the tick was set. */
    given_at: Type.Optional(Timestamp),
  },
  strict,
);

/** The vehicle is used on these days only, the first and the last included. */
export const UsageInterval = Type.Object({ from: DateOnly, to: DateOnly }, strict);

export const Period = Type.Object(
  {
    /** Months of use inside the year of the policy: the coefficient KS. */
    months: Type.Integer({ minimum: 3, maximum: 12 }),
    /** Which days; together they make `months`. */
    intervals: Type.Optional(Type.Array(UsageInterval, { minItems: 1, maxItems: 3 })),
  },
  strict,
);

/** A policy of days or weeks, priced by KP: a vehicle registered abroad, or on its way to the registration. */
export const ShortTerm = Type.Object(
  {
    reason: Type.Union([Type.Literal('foreign_registration'), Type.Literal('transit')]),
    days: Type.Integer({ minimum: 5, maximum: 366 }),
  },
  strict,
);

/** The policy that this one follows. The insurer that issued it may renew it, another one takes it over. */
export const Prolongation = Type.Object(
  {
    policy_series: Type.String({ format: 'policy-series' }),
    policy_number: Type.String({ format: 'policy-number' }),
    /** Who issued it, where it is one of the panel. */
    insurer_id: Type.Optional(InsurerId),
    ends_on: Type.Optional(DateOnly),
  },
  strict,
);

const applicationMembers = {
  vehicle: Vehicle,
  owner: Party,
  policyholder: Party,
  unlimited_drivers: Type.Boolean(),
  /** Empty exactly when `unlimited_drivers`. Ten: more than any paper form holds. */
  drivers: Type.Array(Driver, { maxItems: 10 }),
  purpose: Type.Union([Type.Literal('personal'), Type.Literal('taxi')]),
  period: Period,
  short_term: Type.Optional(ShortTerm),
  prolongation: Type.Optional(Prolongation),
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
export type Person = Static<typeof Person>;
export type LegalEntity = Static<typeof LegalEntity>;
export type Driver = Static<typeof Driver>;
export type Vehicle = Static<typeof Vehicle>;

/** The body of `POST /requests`: the application, and the caller's own `request_id` where it makes one. */
export const PostRequestBody = Type.Object(
  { request_id: Type.Optional(Uuid), ...applicationMembers },
  { ...strict, $id: 'PostRequestBody' },
);
export type PostRequestBody = Static<typeof PostRequestBody>;

/** What a base rate is set for: the rows of directive 7204-У. */
export const VEHICLE_KINDS = [
  'motorcycle',
  'car',
  'car-of-legal-entity',
  'taxi',
  'truck',
  'heavy-truck',
  'minibus',
  'bus',
  'route-bus',
  'trolleybus',
  'tram',
  'tractor',
] as const;
export type VehicleKind = (typeof VEHICLE_KINDS)[number];
export const VehicleKind = Type.Union(VEHICLE_KINDS.map((kind) => Type.Literal(kind)));

/** What pricing and analysts need of an application, without a word that names a person. */
export const TariffAttributes = Type.Object(
  {
    category: Vehicle.properties.category,
    power_hp: Type.Number({ minimum: 1, maximum: 2_000 }),
    year: Vehicle.properties.year,
    purpose: applicationMembers.purpose,
    region: Person.properties.address.properties.region,
    /** Only one that the tariff names; all others are their region's. */
    town: Type.Optional(Person.properties.address.properties.town),
    months: Type.Integer(),
    policy_start_date: DateOnly,
    unlimited_drivers: Type.Boolean(),
    drivers: Type.Array(Type.Object({ age: Type.Integer(), experience_years: Type.Integer() })),
    /** Absent: the kind that follows from category and purpose, of a private owner. */
    vehicle_kind: Type.Optional(VehicleKind),
    legal_entity: Type.Optional(Type.Boolean()),
    /** Days of a policy that is priced by KP. */
    short_term_days: Type.Optional(Type.Integer({ minimum: 5, maximum: 366 })),
  },
  { $id: 'TariffAttributes' },
);
export type TariffAttributes = Static<typeof TariffAttributes>;
