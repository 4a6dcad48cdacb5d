/** Whether an insurer quoted another price than it had estimated. Nobody is to be surprised by it at the payment. */
import type { Quote } from '@osago/contracts';

/** By insurer and attempt: a retry starts anew. */
export type Estimates = Readonly<Record<string, number>>;

const keyOf = ({ attempt, insurer_id }: Quote): string => `${insurer_id}:${attempt}`;

/** What was seen on the screen, for servers that do not repeat the estimate with the quote. The same object without news. */
export const withEstimates = (known: Estimates, quotes: readonly Quote[]): Estimates => {
  const news = quotes.flatMap((quote): [string, number][] => {
    const { premium_kopecks, status } = quote;
    const isNews = status === 'estimated' && premium_kopecks !== undefined && known[keyOf(quote)] !== premium_kopecks;
    return isNews ? [[keyOf(quote), premium_kopecks]] : [];
  });
  return news.length === 0 ? known : { ...known, ...Object.fromEntries(news) };
};

/** The estimated price in kopecks, where the quoted one is another. */
export const changedFrom = (quote: Quote, known: Estimates): number | undefined => {
  if (quote.status !== 'quoted' || quote.premium_kopecks === undefined) return undefined;
  const estimated = quote.estimated_premium_kopecks ?? known[keyOf(quote)];
  return estimated === quote.premium_kopecks ? undefined : estimated;
};
