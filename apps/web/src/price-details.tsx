/** How a price is made: base rate, coefficients, extras, total. */
import type { Quote } from '@osago/contracts';
import { formatFactor, formatMoney } from './format.ts';
import type { Price } from './quote-words.ts';
import type { Texts } from './texts.ts';

interface Props {
  texts: Texts;
  quote: Quote;
  price: Price;
}

/** In the order of the law's formula. */
const FACTORS = ['kt', 'kbm', 'kvs', 'ko', 'km', 'ks'] as const;

export const PriceDetails = ({ texts, quote, price }: Props) => {
  const { coefficients, base_rate_kopecks: baseRateKopecks, extras = [] } = quote;
  const money = (kopecks: number): string => formatMoney(texts.locale, kopecks);
  const mandatory = extras.filter((extra) => extra.mandatory);
  const optional = extras.filter((extra) => !extra.mandatory);
  if (coefficients === undefined && baseRateKopecks === undefined && extras.length === 0) return null;
  return (
    <details className="price-details">
      <summary>{texts.price.details}</summary>
      <dl>
        {baseRateKopecks !== undefined && <Line term={texts.price.baseRate} value={money(baseRateKopecks)} />}
        {coefficients &&
          FACTORS.map((factor) => (
            <Line
              key={factor}
              term={texts.price.symbols[factor]}
              note={texts.price.coefficients[factor]}
              value={`× ${formatFactor(texts.locale, coefficients[factor])}`}
            />
          ))}
        <Line term={texts.price.premium} value={money(price.premiumKopecks)} isSum />
        {mandatory.map(({ name, premium_kopecks }) => (
          <Line key={name} term={name} note={texts.price.extra} value={`+ ${money(premium_kopecks)}`} />
        ))}
        {mandatory.length > 0 && <Line term={texts.price.total} value={money(price.totalKopecks)} isSum />}
        {optional.map(({ name, premium_kopecks }) => (
          <Line key={name} term={name} note={texts.price.optionalExtra} value={`+ ${money(premium_kopecks)}`} />
        ))}
      </dl>
    </details>
  );
};

const Line = ({ term, note, value, isSum = false }: { term: string; note?: string; value: string; isSum?: boolean }) => (
  <div className={isSum ? 'sum' : undefined}>
    <dt>
      {term} {note !== undefined && <small>{note}</small>}
    </dt>
    <dd>{value}</dd>
  </div>
);
