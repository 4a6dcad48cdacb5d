/** Who owns and who insures a vehicle: a person, or a legal entity. */
import { Type } from '@sinclair/typebox';
import { DateOnly, Uuid } from './formats.ts';

const strict = { additionalProperties: false } as const;
const text = (minLength: number, maxLength: number) =>
  Type.String({ format: 'plain-text', minLength, maxLength });
export const PersonName = text(1, 80);

export const Passport = Type.Object(
  {
    series: Type.String({ format: 'passport-series' }),
    number: Type.String({ format: 'passport-number' }),
    issued_on: DateOnly,
    issuer: Type.Optional(text(3, 200)),
    subdivision: Type.Optional(Type.String({ format: 'subdivision' })),
  },
  strict,
);

export const Address = Type.Object(
  {
    /** Region and town choose the territory coefficient KT; without a town, or with one that the tariff does not name, the region. */
    region: Type.String({ format: 'region-code' }),
    town: Type.Optional(text(2, 80)),
    text: text(5, 300),
    /** Codes of the place, the street or the house in the state's classifiers. */
    kladr: Type.Optional(Type.String({ format: 'kladr' })),
    fias: Type.Optional(Uuid),
  },
  strict,
);

export const namesOfPerson = {
  last_name: PersonName,
  first_name: PersonName,
  middle_name: Type.Optional(PersonName),
  birth_date: DateOnly,
};

export const Person = Type.Object(
  {
    kind: Type.Optional(Type.Literal('person')),
    ...namesOfPerson,
    passport: Passport,
    /** Of the registration: KT follows it. */
    address: Address,
    residence_address: Type.Optional(Address),
  },
  strict,
);

export const LegalEntity = Type.Object(
  {
    kind: Type.Literal('legal_entity'),
    name: text(2, 200),
    inn: Type.String({ format: 'inn' }),
    ogrn: Type.String({ format: 'ogrn' }),
    kpp: Type.Optional(Type.String({ format: 'kpp' })),
    address: Address,
  },
  strict,
);

/** `kind` tells them apart, so that a fault is one of the party that was meant; left out, it is a person. */
export const Party = Type.Union([Person, LegalEntity]);
