/** Money and moments, as people of that language write them. */

export interface MoneyPart {
  kind: 'whole' | 'kopecks' | 'currency';
  text: string;
}

const roubles = (locale: string, kopecks: number): Intl.NumberFormat =>
  new Intl.NumberFormat(locale, {
    style: 'currency',
    currency: 'RUB',
    currencyDisplay: 'narrowSymbol',
    // Kopecks are shown where there are any.
    minimumFractionDigits: kopecks % 100 === 0 ? 0 : 2,
  });

export const formatMoney = (locale: string, kopecks: number): string =>
  roubles(locale, kopecks).format(kopecks / 100);

/** The same text in parts, so that kopecks can be drawn smaller. */
export const moneyParts = (locale: string, kopecks: number): MoneyPart[] => {
  const parts: MoneyPart[] = [];
  for (const { type, value } of roubles(locale, kopecks).formatToParts(kopecks / 100)) {
    const kind = moneyKind(type);
    const last = parts.at(-1);
    if (last?.kind === kind) last.text += value;
    else parts.push({ kind, text: value });
  }
  return parts;
};

const moneyKind = (type: Intl.NumberFormatPartTypes): MoneyPart['kind'] => {
  if (type === 'decimal' || type === 'fraction') return 'kopecks';
  return type === 'integer' || type === 'group' ? 'whole' : 'currency';
};

export const formatFactor = (locale: string, factor: number): string =>
  new Intl.NumberFormat(locale, { maximumFractionDigits: 4 }).format(factor);

const DAY = { day: 'numeric', month: 'long' } as const;
const TIME = { hour: '2-digit', minute: '2-digit' } as const;

/** In the time zone of whoever looks, unless one is given. */
export const formatMoment = (locale: string, moment: string, timeZone?: string): string =>
  new Intl.DateTimeFormat(locale, { ...DAY, ...TIME, ...(timeZone !== undefined && { timeZone }) }).format(
    new Date(moment),
  );
