/**
 * People write the same thing in many ways; what is checked, compared and sent on has one. One pure function for the
 * server and for the page; it changes the spelling of members it knows and nothing else, never throws, and a second
 * time changes nothing. No import of a schema, so the page does not load the library of schemas for it.
 */

/** Letters that look the same in both alphabets (GOST R 50577-2018). */
const LATIN = 'ABEKMHOPCTYX';
const CYRILLIC = 'АВЕКМНОРСТУХ';

const swap = (text: string, from: string, to: string): string =>
  text.replaceAll(/./gu, (character) => to[from.indexOf(character)] ?? character);

const compactUpper = (written: string): string => written.replaceAll(/[\s-]/g, '').toUpperCase();

/** One space between words, none around them. */
export const plainSpelling = (written: string): string => written.trim().replaceAll(/\s+/g, ' ');

/** «45 15» is 4515. */
export const digitsSpelling = (written: string): string => written.replaceAll(/[\s-]/g, '');

/** VIN and numbers of body and chassis are written in Latin letters. */
export const latinSpelling = (written: string): string => swap(compactUpper(written), CYRILLIC, LATIN);

/** Body and chassis numbers may hold hyphens. */
export const frameSpelling = (written: string): string =>
  swap(written.replaceAll(/\s/g, '').toUpperCase(), CYRILLIC, LATIN);

/** Plates and series are written in Cyrillic letters: «a 123 bc 77» is «А123ВС77». */
export const cyrillicSpelling = (written: string): string => swap(compactUpper(written), LATIN, CYRILLIC);

/** «770001» is 770-001. */
export const subdivisionSpelling = (written: string): string => {
  const digits = digitsSpelling(written);
  return /^\d{6}$/.test(digits) ? `${digits.slice(0, 3)}-${digits.slice(3)}` : written.trim();
};

/** «+7 (916) 123-45-67», «8 916 1234567» and «916 1234567» are 79161234567. What holds a letter is no phone. */
export const phoneSpelling = (written: string): string => {
  if (/[^\d\s()+.-]/.test(written)) return written;
  const number = written.replaceAll(/\D/g, '');
  if (written.trim().startsWith('+')) return number;
  if (number.length === 10) return `7${number}`;
  return number.length === 11 && number.startsWith('8') ? `7${number.slice(1)}` : number;
};

/** Of papers of other countries, whose letters are their own. */
export const upperSpelling = (written: string): string => plainSpelling(written).toUpperCase();

/** The part before the @ belongs to the provider; the domain has no case. */
export const emailSpelling = (written: string): string => {
  const [name, domain, ...more] = written.trim().split('@');
  return name === undefined || domain === undefined || more.length > 0 ? written.trim() : `${name}@${domain.toLowerCase()}`;
};

type Spelling = (written: string) => string;
interface Spellings {
  readonly [member: string]: Spelling | Spellings;
}

const PAPER: Spellings = { series: cyrillicSpelling, number: digitsSpelling };
const NAMES: Spellings = { last_name: plainSpelling, first_name: plainSpelling, middle_name: plainSpelling };
const ADDRESS: Spellings = { region: digitsSpelling, town: plainSpelling, text: plainSpelling, kladr: digitsSpelling };
const PARTY: Spellings = {
  ...NAMES,
  name: plainSpelling,
  inn: digitsSpelling,
  ogrn: digitsSpelling,
  kpp: latinSpelling,
  passport: { series: digitsSpelling, number: digitsSpelling, issuer: plainSpelling, subdivision: subdivisionSpelling },
  address: ADDRESS,
  residence_address: ADDRESS,
};

/** By member; the elements of a list share the spellings of the list. */
const APPLICATION: Spellings = {
  vehicle: {
    vin: latinSpelling,
    body_number: frameSpelling,
    chassis_number: frameSpelling,
    plate: cyrillicSpelling,
    brand: plainSpelling,
    model: plainSpelling,
    document: PAPER,
    further_documents: PAPER,
  },
  owner: PARTY,
  policyholder: PARTY,
  drivers: {
    ...NAMES,
    licence: PAPER,
    previous_licence: { ...NAMES, ...PAPER },
    foreign_licence: { number: upperSpelling, country: upperSpelling },
  },
  prolongation: { policy_series: cyrillicSpelling, policy_number: digitsSpelling },
  contacts: { phone: phoneSpelling, email: emailSpelling },
};

const spelled = (value: unknown, spellings: Spelling | Spellings): unknown => {
  if (typeof spellings === 'function') return typeof value === 'string' ? spellings(value) : value;
  // A list in a list is no list of ours, and may be as deep as the body allows.
  if (Array.isArray(value)) return value.map((element) => (Array.isArray(element) ? element : spelled(element, spellings)));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([member, inner]: [string, unknown]) => {
      const inside = Object.hasOwn(spellings, member) ? spellings[member] : undefined;
      return [member, inside === undefined ? inner : spelled(inner, inside)];
    }),
  );
};

/** The application, or whatever stands in its place, in its one spelling; what makes no sense is left as it is. */
export const normaliseApplication = (value: unknown): unknown => spelled(value, APPLICATION);
