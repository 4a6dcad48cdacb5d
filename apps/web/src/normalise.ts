/** People type the same thing in many ways; what is sent has one. What makes no sense is left for the server to name. */

/** Letters of a plate that look the same in both alphabets (GOST R 50577-2018). */
const LATIN = 'ABEKMHOPCTYX';
const CYRILLIC = 'АВЕКМНОРСТУХ';

const swap = (text: string, from: string, to: string): string =>
  text.replaceAll(/./gu, (character) => to[from.indexOf(character)] ?? character);

const compactUpper = (typed: string): string => typed.replaceAll(/[\s-]/g, '').toUpperCase();

export const plain = (typed: string): string => typed.trim().replaceAll(/\s+/g, ' ');

/** «45 15» is 4515. */
export const digits = (typed: string): string => typed.replaceAll(/[\s-]/g, '');

/** VIN, body and chassis numbers are written in Latin letters. */
export const latinUpper = (typed: string): string => swap(compactUpper(typed), CYRILLIC, LATIN);

/** A plate is written in Cyrillic letters: «a 123 bc 77» is «А123ВС77». */
export const plate = (typed: string): string => swap(compactUpper(typed), LATIN, CYRILLIC);

/** Series of documents, too. */
export const series = plate;

/** «+7 (916) 123-45-67», «8 916 1234567» and «916 1234567» are 79161234567. */
export const phone = (typed: string): string => {
  const number = typed.replaceAll(/\D/g, '');
  if (typed.trim().startsWith('+')) return number;
  if (number.length === 10) return `7${number}`;
  return number.length === 11 && number.startsWith('8') ? `7${number.slice(1)}` : number;
};

/** With a decimal comma as well; what is no number stays text, so that the server names it. */
export const number = (typed: string): number | string => {
  const text = typed.replaceAll(/\s/g, '').replace(',', '.');
  return /^\d+(\.\d+)?$/.test(text) ? Number(text) : typed;
};
