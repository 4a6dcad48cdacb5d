/**
 * The fields of the form, in the order they are shown. A field is named by the JSON Pointer of its member in the
 * application: so a fault of the server names its field, and no second list maps one to the other.
 */
import {
  cyrillicSpelling,
  digitsSpelling,
  emailSpelling,
  frameSpelling,
  latinSpelling,
  phoneSpelling,
  plainSpelling,
  subdivisionSpelling,
  upperSpelling,
} from '@osago/contracts/application-normalise';
import { number, ticked } from './normalise.ts';
import type { Texts } from './texts.ts';

export type FieldInput = 'text' | 'digits' | 'decimal' | 'date' | 'tel' | 'email' | 'select' | 'switch';

export interface Field {
  /** From the section the field is in. */
  path: string;
  label: keyof Texts['labels'];
  input: FieldInput;
  /** From what was typed to what is sent. */
  normalise: (typed: string) => string | number | boolean;
  optional?: true;
  /** Part of an object that is left out as a whole while all of its fields are empty. */
  rare?: true;
  hint?: keyof Texts['hints'];
  options?: readonly string[];
  /** Only asked of vehicles of these categories. */
  categories?: readonly string[];
  width?: 'half' | 'full';
  /** What browsers fill in by themselves; only for the person at the keyboard. */
  autoComplete?: string;
}

type Rest = Omit<Field, 'path' | 'label' | 'input' | 'normalise'>;
type Spelling = Field['normalise'];

const text = (path: string, label: Field['label'], rest: Rest = {}, normalise: Spelling = plainSpelling): Field => ({
  path,
  label,
  input: 'text',
  normalise,
  ...rest,
});
const numeric = (path: string, label: Field['label'], rest: Rest = {}): Field => ({
  ...text(path, label, rest, digitsSpelling),
  input: 'digits',
});
const decimal = (path: string, label: Field['label'], rest: Rest = {}): Field => ({
  ...text(path, label, rest, number),
  input: 'decimal',
});
const date = (path: string, label: Field['label'], rest: Rest = {}): Field => ({
  ...text(path, label, rest),
  input: 'date',
});
const select = (path: string, label: Field['label'], options: readonly string[], rest: Rest = {}): Field => ({
  ...text(path, label, { options, ...rest }),
  input: 'select',
});

export const VEHICLE: readonly Field[] = [
  text('/vin', 'vin', { optional: true, hint: 'vin', width: 'half' }, latinSpelling),
  text('/plate', 'plate', { optional: true, hint: 'plate' }, cyrillicSpelling),
  select('/category', 'category', ['A', 'B', 'C', 'D', 'E']),
  text('/brand', 'brand'),
  text('/model', 'model'),
  { ...numeric('/year', 'year'), normalise: number },
  decimal('/power_hp', 'power_hp', { optional: true, hint: 'power' }),
  decimal('/power_kw', 'power_kw', { optional: true }),
  { ...numeric('/max_mass_kg', 'max_mass_kg', { optional: true, categories: ['C'], hint: 'max_mass_kg' }), normalise: number },
  { ...numeric('/passenger_seats', 'passenger_seats', { optional: true, categories: ['D'] }), normalise: number },
  select('/document/type', 'document_type', ['sts', 'pts', 'epts']),
  text('/document/series', 'document_series', { optional: true, hint: 'document_series' }, cyrillicSpelling),
  text('/document/number', 'document_number', {}, digitsSpelling),
  date('/document/issued_on', 'document_issued_on'),
  { ...text('/trailer', 'trailer', { optional: true, width: 'half' }, ticked), input: 'switch' },
  { ...text('/regular_route', 'regular_route', { optional: true, width: 'half', categories: ['D'] }, ticked), input: 'switch' },
];

/** An electronic passport has no series. */
export const SERIES_OF_PAPER = '/vehicle/document/series';
export const TYPE_OF_PAPER = '/vehicle/document/type';

/** Rare: for vehicles without a VIN. */
export const VEHICLE_WITHOUT_VIN: readonly Field[] = [
  text('/body_number', 'body_number', { optional: true, width: 'half' }, frameSpelling),
  text('/chassis_number', 'chassis_number', { optional: true, width: 'half' }, frameSpelling),
];

const NAMES: readonly Field[] = [
  text('/last_name', 'last_name'),
  text('/first_name', 'first_name'),
  text('/middle_name', 'middle_name', { optional: true }),
  date('/birth_date', 'birth_date'),
];

const ADDRESS: readonly Field[] = [
  numeric('/address/region', 'region', { hint: 'region' }),
  text('/address/town', 'town', { optional: true }),
  text('/address/text', 'address', { hint: 'address', width: 'half' }),
];

/** Where a person lives, when that is not the registered address: some insurers ask for it. */
export const RESIDENCE: readonly Field[] = [
  { ...numeric('/residence_address/region', 'region', { hint: 'region' }), rare: true },
  text('/residence_address/town', 'town', { rare: true, optional: true }),
  text('/residence_address/text', 'residence', { rare: true, hint: 'address', width: 'half' }),
];

export const PERSON: readonly Field[] = [
  ...NAMES,
  numeric('/passport/series', 'passport_series'),
  numeric('/passport/number', 'passport_number'),
  date('/passport/issued_on', 'passport_issued_on'),
  text('/passport/subdivision', 'subdivision', { optional: true, hint: 'subdivision' }, subdivisionSpelling),
  text('/passport/issuer', 'issuer', { optional: true, width: 'full' }),
  ...ADDRESS,
];

export const COMPANY: readonly Field[] = [
  text('/name', 'company_name', { width: 'half' }),
  numeric('/inn', 'inn'),
  numeric('/ogrn', 'ogrn'),
  text('/kpp', 'kpp', { optional: true }, latinSpelling),
  ...ADDRESS.map((field): Field => (field.width === 'half' ? { ...field, width: 'full' } : field)),
];

export const DRIVER: readonly Field[] = [
  ...NAMES,
  text('/licence/series', 'licence_series', { hint: 'licence_series' }, cyrillicSpelling),
  numeric('/licence/number', 'licence_number'),
  date('/licence/issued_on', 'licence_issued_on'),
  date('/licence/experience_from', 'experience_from'),
];

/** Finds the claims history of a driver whose licence or name has changed. */
export const PREVIOUS_LICENCE: readonly Field[] = [
  text('/previous_licence/series', 'licence_series', { rare: true, hint: 'licence_series' }, cyrillicSpelling),
  { ...numeric('/previous_licence/number', 'licence_number'), rare: true },
  date('/previous_licence/issued_on', 'licence_issued_on', { rare: true, optional: true }),
  text('/previous_licence/last_name', 'previous_last_name', { rare: true, optional: true }),
];

/** In the place of the Russian one. */
export const FOREIGN_LICENCE: readonly Field[] = [
  text('/foreign_licence/number', 'licence_number', { rare: true }, upperSpelling),
  text('/foreign_licence/country', 'country', { rare: true, optional: true, hint: 'country' }, upperSpelling),
  date('/foreign_licence/issued_on', 'licence_issued_on', { rare: true }),
  date('/foreign_licence/experience_from', 'experience_from', { rare: true }),
];

/** Months of use inside the year of the policy: what the coefficient KS is defined for. */
const MONTHS = Array.from({ length: 10 }, (_, index) => String(index + 3));

export const POLICY: readonly Field[] = [
  select('/purpose', 'purpose', ['personal', 'taxi']),
  { ...select('/period/months', 'months', MONTHS), normalise: number },
  date('/policy_start_date', 'policy_start_date', { optional: true, hint: 'policy_start_date', width: 'half' }),
];

/** The days of use, where they are less than the year: as many stretches as the contract takes. */
export const USAGE: readonly Field[] = [0, 1, 2].flatMap((index) => [
  date(`/period/intervals/${index}/from`, 'used_from', { rare: true }),
  date(`/period/intervals/${index}/to`, 'used_to', { rare: true }),
]);

/** A policy of days or weeks. */
export const SHORT_TERM: readonly Field[] = [
  { ...select('/short_term/reason', 'short_reason', ['', 'foreign_registration', 'transit']), rare: true, width: 'half' },
  { ...numeric('/short_term/days', 'short_days'), normalise: number, rare: true },
];

/** Its options are the insurers that are asked: the one that issued the policy may renew it. */
export const INSURER_OF_POLICY = '/prolongation/insurer_id';

export const PROLONGATION: readonly Field[] = [
  text('/prolongation/policy_series', 'policy_series', { rare: true, hint: 'policy_series' }, cyrillicSpelling),
  { ...numeric('/prolongation/policy_number', 'policy_number'), rare: true },
  { ...select(INSURER_OF_POLICY, 'policy_insurer', ['']), rare: true, optional: true },
  date('/prolongation/ends_on', 'policy_ends_on', { rare: true, optional: true }),
];

export const CONTACTS: readonly Field[] = [
  {
    ...text('/phone', 'phone', { hint: 'phone', width: 'half', autoComplete: 'tel' }, phoneSpelling),
    input: 'tel',
  },
  { ...text('/email', 'email', { width: 'half', autoComplete: 'email' }, emailSpelling), input: 'email' },
];

export interface PlacedField extends Field {
  /** JSON Pointer from the root of the application. */
  pointer: string;
}

export const placed = (fields: readonly Field[], section: string): PlacedField[] =>
  fields.map((field) => ({ ...field, pointer: section + field.path }));

/** Every section of the form, whether it is on the screen or not; the last takes what no other does. */
export const SECTIONS = [
  { pattern: /^\/vehicle(?=\/|$)/, title: 'vehicle', fields: [...VEHICLE, ...VEHICLE_WITHOUT_VIN] },
  { pattern: /^\/owner(?=\/|$)/, title: 'owner', fields: [...PERSON, ...RESIDENCE, ...COMPANY] },
  { pattern: /^\/policyholder(?=\/|$)/, title: 'policyholder', fields: [...PERSON, ...RESIDENCE, ...COMPANY] },
  { pattern: /^\/drivers(?:\/(\d+))?(?=\/|$)/, title: 'drivers', fields: [...DRIVER, ...FOREIGN_LICENCE, ...PREVIOUS_LICENCE] },
  { pattern: /^\/contacts(?=\/|$)/, title: 'contacts', fields: CONTACTS },
  { pattern: /^/, title: undefined, fields: [...POLICY, ...USAGE, ...SHORT_TERM, ...PROLONGATION] },
] as const;

/** The field with that pointer, or those of the object with that pointer; none for what the form does not know. */
export const fieldsAt = (pointer: string): PlacedField[] => {
  const section = SECTIONS.find(({ pattern }) => pattern.test(pointer));
  const at = section?.pattern.exec(pointer)?.[0];
  if (section === undefined || at === undefined || pointer === '' || pointer === '/drivers') return [];
  const path = pointer.slice(at.length);
  const fields: readonly Field[] = section.fields;
  return placed(
    fields.filter((field) => field.path === path || (path !== '' && field.path.startsWith(`${path}/`))),
    at,
  );
};
