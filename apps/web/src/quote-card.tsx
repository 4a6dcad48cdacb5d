/** One insurer, from the first wait to its outcome. */
import type { Quote } from '@osago/contracts';
import { formatMoment, moneyParts } from './format.ts';
import { PriceDetails } from './price-details.tsx';
import { memberWords, type Price, priceOf, reasonWords } from './quote-words.ts';
import type { Texts } from './texts.ts';

interface Props {
  texts: Texts;
  quote: Quote;
  isCheapest: boolean;
  /** The request is finished: what is cheapest now stays so. */
  isOver: boolean;
}

export const QuoteCard = ({ texts, quote, isCheapest, isOver }: Props) => {
  const price = quote.status === 'quoted' || quote.status === 'estimated' ? priceOf(quote) : undefined;
  return (
    <li
      className="card panel"
      data-testid="card"
      data-insurer={quote.insurer_id}
      data-status={quote.status}
      data-final={quote.final}
      data-cheapest={isCheapest}
      aria-busy={!quote.final}
    >
      <div className="card-head">
        <span className="monogram" aria-hidden="true">
          {quote.name.slice(0, 1)}
        </span>
        <div>
          <h2>{quote.name}</h2>
          <span className="chip">{texts.status[quote.status]}</span>
        </div>
      </div>
      {price === undefined ? (
        <NoPrice texts={texts} quote={quote} />
      ) : (
        <PriceWords texts={texts} quote={quote} price={price} />
      )}
      <Badges texts={texts} quote={quote} isCheapest={isCheapest} isOver={isOver} />
      {price && <PriceDetails texts={texts} quote={quote} price={price} />}
    </li>
  );
};

const PriceWords = ({ texts, quote, price }: { texts: Texts; quote: Quote; price: Price }) => (
  <>
    <p
      className="price"
      data-testid="price"
      data-premium-kopecks={price.premiumKopecks}
      data-total-kopecks={price.totalKopecks}
    >
      {quote.status === 'estimated' && '≈ '}
      {moneyParts(texts.locale, price.totalKopecks).map(({ kind, text }) => (
        <span key={kind} className={kind}>
          {text}
        </span>
      ))}
    </p>
    <p className="note">
      {quote.status === 'estimated' && texts.statusNote.estimated}
      {quote.status === 'quoted' &&
        quote.valid_until !== undefined &&
        texts.price.validUntil(formatMoment(texts.locale, quote.valid_until))}
    </p>
  </>
);

const NoPrice = ({ texts, quote }: { texts: Texts; quote: Quote }) => {
  if (!quote.final) {
    return (
      <>
        <p className="price-to-come" aria-hidden="true" />
        <p className="note">{texts.statusNote[quote.status]}</p>
      </>
    );
  }
  const { missing_fields: missing = [] } = quote;
  return (
    <>
      <p className="outcome">{texts.statusNote[quote.status]}</p>
      <p className="note" data-testid="reason">
        {reasonWords(texts, quote)}
      </p>
      {missing.length > 0 && (
        <div className="note">
          {texts.price.missing}
          <ul>
            {missing.map((pointer) => (
              <li key={pointer}>{memberWords(texts, pointer)}</li>
            ))}
          </ul>
        </div>
      )}
    </>
  );
};

const Badges = ({ texts, quote, isCheapest, isOver }: Props) => {
  const { cheapest, cheapestSoFar, late, pool, cachedAt } = texts.price;
  return (
    <ul className="badges">
      {isCheapest && (
        <li className="good" data-testid="cheapest">
          {isOver ? cheapest : cheapestSoFar}
        </li>
      )}
      {quote.late && <li data-testid="late">{late}</li>}
      {quote.pool && <li data-testid="pool">{pool}</li>}
      {quote.cached_at !== undefined && <li>{cachedAt(formatMoment(texts.locale, quote.cached_at))}</li>}
    </ul>
  );
};
