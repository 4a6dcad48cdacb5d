/**
 * The fields of the form, in the order they are shown. A field is named by the JSON Pointer of its member in the
 * application: so a fault of the server names its field, and no second list maps one to the other.
 */
import { digits, latinUpper, number, phone, plate, plain, series } from './normalise.ts';
import type { Texts } from './texts.ts';

export type FieldInput = 'text' | 'digits' | 'decimal' | 'date' | 'tel' | 'email' | 'select';

export interface Field {
  /** From the section the field is in. */
  path: string;
  label: keyof Texts['labels'];
  input: FieldInput;
  /** From what was typed to what is sent. */
  normalise: (typed: string) => string | number;
  optional?: true;
  hint?: keyof Texts['hints'];
  options?: readonly string[];
  width?: 'half' | 'full';
  /** What browsers fill in by themselves; only for the person at the keyboard. */
  autoComplete?: string;
}

type Rest = Omit<Field, 'path' | 'label' | 'input' | 'normalise'>;

const text = (path: string, label: Field['label'], rest: Rest = {}, normalise: Field['normalise'] = plain): Field => ({
  path,
  label,
  input: 'text',
  normalise,
  ...rest,
});
const numeric = (path: string, label: Field['label'], rest: Rest = {}): Field => ({
  ...text(path, label, rest, digits),
  input: 'digits',
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
  text('/vin', 'vin', { optional: true, hint: 'vin', width: 'half' }, latinUpper),
  text('/plate', 'plate', { optional: true, hint: 'plate' }, plate),
  select('/category', 'category', ['A', 'B', 'C', 'D', 'E']),
  text('/brand', 'brand'),
  text('/model', 'model'),
  { ...numeric('/year', 'year'), normalise: number },
  { ...numeric('/power_hp', 'power_hp'), input: 'decimal', normalise: number },
  select('/document/type', 'document_type', ['sts', 'pts', 'epts']),
  text('/document/series', 'document_series', { optional: true, hint: 'document_series' }, series),
  text('/document/number', 'document_number', {}, series),
  date('/document/issued_on', 'document_issued_on'),
];

/** Rare: for vehicles without a VIN. */
export const VEHICLE_WITHOUT_VIN: readonly Field[] = [
  text('/body_number', 'body_number', { optional: true, width: 'half' }, latinUpper),
  text('/chassis_number', 'chassis_number', { optional: true, width: 'half' }, latinUpper),
];

const NAMES: readonly Field[] = [
  text('/last_name', 'last_name'),
  text('/first_name', 'first_name'),
  text('/middle_name', 'middle_name', { optional: true }),
  date('/birth_date', 'birth_date'),
];

export const PERSON: readonly Field[] = [
  ...NAMES,
  numeric('/passport/series', 'passport_series'),
  numeric('/passport/number', 'passport_number'),
  date('/passport/issued_on', 'passport_issued_on'),
  numeric('/address/region', 'region', { hint: 'region' }),
  text('/address/text', 'address', { hint: 'address', width: 'full' }),
];

export const DRIVER: readonly Field[] = [
  ...NAMES,
  text('/licence/series', 'licence_series', { hint: 'licence_series' }, series),
  numeric('/licence/number', 'licence_number'),
  date('/licence/issued_on', 'licence_issued_on'),
  date('/licence/experience_from', 'experience_from'),
];

/** Months of use inside the year of the policy: what the coefficient KS is defined for. */
const MONTHS = Array.from({ length: 10 }, (_, index) => String(index + 3));

export const POLICY: readonly Field[] = [
  select('/purpose', 'purpose', ['personal', 'taxi']),
  { ...select('/period/months', 'months', MONTHS), normalise: number },
  date('/policy_start_date', 'policy_start_date', { optional: true, hint: 'policy_start_date', width: 'half' }),
];

export const CONTACTS: readonly Field[] = [
  {
    ...text('/phone', 'phone', { hint: 'phone', width: 'half', autoComplete: 'tel' }, phone),
    input: 'tel',
  },
  { ...text('/email', 'email', { width: 'half', autoComplete: 'email' }), input: 'email' },
];

export interface PlacedField extends Field {
  /** JSON Pointer from the root of the application. */
  pointer: string;
}

export const placed = (fields: readonly Field[], section: string): PlacedField[] =>
  fields.map((field) => ({ ...field, pointer: section + field.path }));
