/** Who drives, and since when. */
import { Type } from '@sinclair/typebox';
import { namesOfPerson, PersonName } from './application-parties.ts';
import { DateOnly } from './formats.ts';

const strict = { additionalProperties: false } as const;

/** The day the driver's experience counts from; may lie before `issued_on` of a renewed licence. */
const experience_from = DateOnly;

export const Licence = Type.Object(
  {
    series: Type.String({ format: 'licence-series' }),
    number: Type.String({ format: 'licence-number' }),
    issued_on: DateOnly,
    experience_from,
  },
  strict,
);

/** Of another country, where there is no Russian one. */
export const ForeignLicence = Type.Object(
  {
    number: Type.String({ format: 'foreign-number' }),
    country: Type.Optional(Type.String({ format: 'country-code' })),
    issued_on: DateOnly,
    experience_from,
  },
  strict,
);

/** Finds the claims history of a driver whose licence or name has changed. */
export const PreviousLicence = Type.Object(
  {
    series: Type.String({ format: 'licence-series' }),
    number: Type.String({ format: 'licence-number' }),
    issued_on: Type.Optional(DateOnly),
    /** The name that it was issued to, where it was another. */
    last_name: Type.Optional(PersonName),
    first_name: Type.Optional(PersonName),
    middle_name: Type.Optional(PersonName),
  },
  strict,
);

export const Driver = Type.Object(
  {
    ...namesOfPerson,
    /** Left out only with a `foreign_licence`. */
    licence: Type.Optional(Licence),
    foreign_licence: Type.Optional(ForeignLicence),
    previous_licence: Type.Optional(PreviousLicence),
  },
  strict,
);
