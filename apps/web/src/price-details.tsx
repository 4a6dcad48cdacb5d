/** How a price is made: base rate, coefficients, extras, total. */
import type { Coefficients, DriverCoefficients, Quote } from '@osago/contracts';
import { Fragment } from 'react';
import { formatFactor, formatMoney } from './format.ts';
import type { Price } from './quote-words.ts';
import type { Texts } from './texts.ts';

interface Props {
  texts: Texts;
  quote: Quote;
  price: Price;
}

/** In the order of the law's formula. */
const FACTORS = ['kt', 'kbm', 'kvs', 'ko', 'km', 'ks', 'kp'] as const;
type Factor = (typeof FACTORS)[number];

const factorsOf = (coefficients: Coefficients): [Factor, number][] =>
  FACTORS.flatMap((factor): [Factor, number][] => {
    const value = coefficients[factor];
    return value === undefined ? [] : [[factor, value]];
  });

/** Each driver has these; the largest counts. */
const isOfDrivers = (factor: Factor): factor is 'kbm' | 'kvs' => factor === 'kbm' || factor === 'kvs';

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
          factorsOf(coefficients).map(([factor, value]) => (
            <Fragment key={factor}>
              <Line
                term={texts.price.symbols[factor]}
                note={texts.price.coefficients[factor]}
                value={`× ${formatFactor(texts.locale, value)}`}
              />
              {isOfDrivers(factor) && <DriverLines texts={texts} drivers={quote.drivers} factor={factor} />}
            </Fragment>
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

interface DriverLinesProps {
  texts: Texts;
  drivers: readonly DriverCoefficients[] | undefined;
  factor: 'kbm' | 'kvs';
}

/** One driver is the whole list: there is nothing to tell apart. */
const DriverLines = ({ texts, drivers = [], factor }: DriverLinesProps) =>
  drivers.length < 2
    ? null
    : drivers.map((driver) => {
        const value = driver[factor];
        return value === undefined ? null : (
          <div key={driver.driver} className="of-driver" data-testid="driver-factor">
            <dt>{texts.form.driver(driver.driver + 1)}</dt>
            <dd>{formatFactor(texts.locale, value)}</dd>
          </div>
        );
      });

const Line = ({ term, note, value, isSum = false }: { term: string; note?: string; value: string; isSum?: boolean }) => (
  <div className={isSum ? 'sum' : undefined}>
    <dt>
      {term} {note !== undefined && <small>{note}</small>}
    </dt>
    <dd>{value}</dd>
  </div>
);
