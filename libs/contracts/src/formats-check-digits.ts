/** Numbers that carry a check digit. Published algorithms: Federal Tax Service (INN, OGRN), ISO 3779 and FMVSS 115 (VIN). */

const digitsOf = (text: string): number[] => Array.from(text, Number);

const INN_WEIGHTS = [2, 4, 10, 3, 5, 9, 4, 6, 8] as const;

/** Ten digits of a legal entity, the last of which follows from the others. */
export const hasInnCheckDigit = (inn: string): boolean => {
  if (!/^(?!0{10})\d{10}$/.test(inn)) return false;
  const digits = digitsOf(inn);
  const sum = INN_WEIGHTS.reduce<number>((total, weight, at) => total + weight * (digits[at] ?? 0), 0);
  return (sum % 11) % 10 === digits[9];
};

/** Thirteen digits of a legal entity: the first twelve modulo 11, and of that the last digit. */
export const hasOgrnCheckDigit = (ogrn: string): boolean =>
  /^[15]\d{12}$/.test(ogrn) && (Number(ogrn.slice(0, 12)) % 11) % 10 === Number(ogrn[12]);

/** What each letter of a VIN counts. I, O and Q do not occur. */
const VIN_VALUES: Readonly<Record<string, number>> = {
  A: 1, B: 2, C: 3, D: 4, E: 5, F: 6, G: 7, H: 8, J: 1, K: 2, L: 3, M: 4, N: 5, P: 7, R: 9,
  S: 2, T: 3, U: 4, V: 5, W: 6, X: 7, Y: 8, Z: 9,
};
const VIN_WEIGHTS = [8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2] as const;

/** Binding in North America only: in Russia and Europe a VIN without it is as good, so this is no more than a hint. */
export const hasVinCheckDigit = (vin: string): boolean => {
  const sum = VIN_WEIGHTS.reduce<number>((total, weight, at) => {
    const character = vin[at] ?? '';
    return total + weight * (VIN_VALUES[character] ?? Number(character));
  }, 0);
  return vin[8] === (sum % 11 === 10 ? 'X' : String(sum % 11));
};
