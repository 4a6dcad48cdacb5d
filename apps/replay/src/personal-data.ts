/**
 * Finds and masks what looks like personal data in free text: quotes and errors must hold none. Shapes as in
 * libs/contracts/src/formats.ts; masks leave just enough for two people to agree that they mean the same record.
 */
export type PersonalKind = 'phone' | 'vin' | 'passport' | 'e-mail';

interface Shape {
  readonly kind: PersonalKind;
  readonly pattern: RegExp;
  /** Quick, and true for every text that the pattern finds something in. */
  readonly hint: RegExp;
  readonly mask: (found: string) => string;
}

const digitsOf = (text: string): string => text.replaceAll(/\D/g, '');

const SHAPES: readonly Shape[] = [
  {
    kind: 'e-mail',
    pattern: /[\p{L}\d._%+-]+@[\p{L}\d-]+(?:\.[\p{L}\d-]+)+/gu,
    hint: /@/,
    mask: (found) => `${found.slice(0, 1)}***@***`,
  },
  {
    // Seventeen of the letters and digits that a VIN may have, with both: an id of digits only is none.
    kind: 'vin',
    pattern: /(?<![A-Z\d-])(?=[A-Z\d]*[A-Z])(?=[A-Z\d]*\d{4})[A-HJ-NPR-Z\d]{17}(?![A-Z\d-])/g,
    hint: /[A-Z\d]{17}/,
    mask: (found) => `${found.slice(0, 3)}**********${found.slice(-4)}`,
  },
  {
    kind: 'phone',
    pattern: /(?<![\w.-])(?:\+7|7|8)[\s(-]{0,2}\d{3}[\s)-]{0,2}\d{3}[\s-]?\d{2}[\s-]?\d{2}(?![\w-])/g,
    hint: /[78][\s(-]{0,2}\d{3}[\s)-]{0,2}\d{3}[\s-]?\d\d/,
    mask: (found) => `+7${digitsOf(found).slice(1, 4)}***${digitsOf(found).slice(-4)}`,
  },
  {
    kind: 'passport',
    pattern: /(?<![\w.-])\d{2}\s?\d{2}\s(?:№\s?)?\d{6}(?![\w-])|(?<=(?:паспорт|passport)\D{0,12})\d{10}(?!\w)/giu,
    hint: /\d{2}\s(?:№\s?)?\d{6}|(?:паспорт|passport)/iu,
    mask: (found) => `${digitsOf(found).slice(0, 2)}** ****${digitsOf(found).slice(-2)}`,
  },
];

export interface PersonalFind {
  readonly kind: PersonalKind;
  /** Where in the value, as a JSON Pointer. */
  readonly pointer: string;
  readonly masked: string;
}

export const maskText = (text: string): string =>
  SHAPES.reduce(
    (masked, { hint, pattern, mask }) => (hint.test(masked) ? masked.replace(pattern, (found) => mask(found)) : masked),
    text,
  );

/**
 * False where a text surely holds none; it may be JSON as it was written. Most records end here. An escape could hide what
 * stands beside it from the shapes.
 */
export const mayHoldPersonalData = (text: string): boolean =>
  text.includes('\\') || SHAPES.some(({ hint, pattern }) => hint.test(text) && text.search(pattern) >= 0);

/** Every string of a value, its member names included: an insurer may have put anything anywhere. */
export const findPersonalData = (value: unknown, pointer = ''): PersonalFind[] => {
  if (typeof value === 'string') {
    return SHAPES.flatMap(({ kind, pattern, mask }) =>
      [...value.matchAll(pattern)].map(([found]) => ({ kind, pointer, masked: mask(found) })),
    );
  }
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, member]) => [
    ...findPersonalData(name, `${pointer}/${name}`),
    ...findPersonalData(member, `${pointer}/${name}`),
  ]);
};
