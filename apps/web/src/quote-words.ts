/** What is said about quotes: which is cheapest, what has just arrived, why there is no price, what is missing. */
import type { Quote } from '@osago/contracts';
import { SECTIONS } from './application-fields.ts';
import { formatMoney } from './format.ts';
import type { Texts } from './texts.ts';

export interface Price {
  premiumKopecks: number;
  /** What is paid: the premium and the extras that come with it. */
  totalKopecks: number;
}

export const priceOf = ({ premium_kopecks, total_kopecks, extras = [] }: Quote): Price | undefined => {
  if (premium_kopecks === undefined) return undefined;
  const mandatory = extras.filter((extra) => extra.mandatory);
  const sum = mandatory.reduce((kopecks, extra) => kopecks + extra.premium_kopecks, premium_kopecks);
  return { premiumKopecks: premium_kopecks, totalKopecks: total_kopecks ?? sum };
};

/** By what is paid in the end, among quotes that still hold. Nothing is cheapest of one. */
export const cheapestInsurers = (quotes: readonly Quote[], expired: ReadonlySet<string>): ReadonlySet<string> => {
  const offers = quotes.flatMap((quote) => {
    const price = quote.status === 'quoted' && !expired.has(quote.insurer_id) ? priceOf(quote) : undefined;
    return price === undefined ? [] : [{ insurerId: quote.insurer_id, kopecks: price.totalKopecks }];
  });
  if (offers.length < 2) return new Set();
  const lowest = Math.min(...offers.map(({ kopecks }) => kopecks));
  return new Set(offers.filter(({ kopecks }) => kopecks === lowest).map(({ insurerId }) => insurerId));
};

/** Quotes that say something new to a person: a price or an outcome. */
export const arrivals = (before: readonly Quote[], now: readonly Quote[]): Quote[] =>
  now.filter((quote) => {
    const shown = before.find(({ insurer_id }) => insurer_id === quote.insurer_id);
    const isNews = quote.final || quote.status === 'estimated';
    return isNews && (shown?.status !== quote.status || shown.attempt !== quote.attempt || shown.late !== quote.late);
  });

/** One line about a quote, as it is read out. */
export const outcomeWords = (texts: Texts, quote: Quote): string => {
  const price = priceOf(quote);
  const status = texts.status[quote.status];
  return price === undefined ? status : `${status}, ${formatMoney(texts.locale, price.totalKopecks)}`;
};

/** Whether words are in the language of the page, by their letters: insurers write in Russian, engineers in English. */
const isSpokenHere = ({ code }: Texts, words: string): boolean => /[а-яё]/i.test(words) === (code === 'ru');

/**
 * A refusal is told in the insurer's own words where the page speaks their language; a failure in ours, for its words are
 * meant for engineers. A refusal in another language says more than nothing; a code is said to be one.
 */
export const reasonWords = (texts: Texts, { status, reason }: Quote): string | undefined => {
  if (reason === undefined) return undefined;
  const { code, message } = reason;
  const ours = texts.reasons[code];
  const isTheirs = status === 'declined' || status === 'needs_data';
  const theirs = message !== undefined && isSpokenHere(texts, message) ? message : undefined;
  const last = (isTheirs ? message : undefined) ?? texts.quotes.reasonCode(code);
  return (isTheirs ? (theirs ?? ours) : (ours ?? theirs)) ?? last;
};

const OBJECTS = [
  'document', 'passport', 'address', 'residence_address', 'licence', 'foreign_licence', 'previous_licence', 'prolongation', 'short_term',
] as const;

/** `/drivers/0/licence/number` in words. What the form does not know is shown as the insurer wrote it. */
export const memberWords = (texts: Texts, pointer: string): string => {
  for (const { pattern, title, fields } of SECTIONS) {
    const match = pattern.exec(pointer);
    if (match === null) continue;
    const path = pointer.slice(match[0].length);
    const object = OBJECTS.find((name) => path === `/${name}`);
    const label = object ?? fields.find((field) => field.path === path)?.label;
    const [, index] = match;
    const section = title === undefined ? undefined : texts.form.sections[title];
    const where = index === undefined ? section : texts.form.driver(Number(index) + 1);
    if (label === undefined) return path === '' && where !== undefined ? where : pointer;
    return where === undefined ? texts.labels[label] : `${where}: ${lowerFirst(texts.labels[label])}`;
  }
  return pointer;
};

/** Abbreviations keep their capitals. */
const lowerFirst = (words: string): string =>
  /^\p{Lu}{2}/u.test(words) ? words : words.charAt(0).toLowerCase() + words.slice(1);
