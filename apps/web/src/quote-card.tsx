/** One insurer, from the first wait to its outcome. */
import type { Quote } from '@osago/contracts';
import { formatMoment, formatMoney, moneyParts } from './format.ts';
import { mayRetry, missingFields } from './missing-fields.ts';
import type { RequestAccess } from './post-request.ts';
import { PriceDetails } from './price-details.tsx';
import { memberWords, type Price, priceOf, reasonWords } from './quote-words.ts';
import type { Restart } from './quote-retry.ts';
import { RetryForm } from './retry-form.tsx';
import type { Texts } from './texts.ts';

interface Props {
  texts: Texts;
  quote: Quote;
  access: RequestAccess;
  /** Its price does not hold any more. */
  isExpired: boolean;
  /** The estimated price, where the quoted one is another. */
  wasKopecks: number | undefined;
  onRestart: (restart: Restart) => void;
  isCheapest: boolean;
  /** The request is finished: what is cheapest now stays so. */
  isOver: boolean;
}

export const QuoteCard = (props: Props) => {
  const { texts, quote, access, isCheapest, isExpired, onRestart } = props;
  const price = quote.status === 'quoted' || quote.status === 'estimated' ? priceOf(quote) : undefined;
  return (
    <li
      className="card panel"
      data-testid="card"
      data-insurer={quote.insurer_id}
      data-status={quote.status}
      data-final={quote.final}
      data-cheapest={isCheapest}
      data-expired={isExpired}
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
        <PriceWords texts={texts} quote={quote} price={price} isExpired={isExpired} />
      )}
      {mayRetry(quote) && (
        <RetryForm
          // Another attempt begins with empty fields.
          key={quote.attempt}
          texts={texts}
          access={access}
          quote={quote}
          onRestart={onRestart}
        />
      )}
      <Badges {...props} />
      {price && <PriceDetails texts={texts} quote={quote} price={price} />}
    </li>
  );
};

interface PriceWordsProps {
  texts: Texts;
  quote: Quote;
  price: Price;
  isExpired: boolean;
}

const PriceWords = ({ texts, quote, price, isExpired }: PriceWordsProps) => (
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
        validityWords(texts, formatMoment(texts.locale, quote.valid_until), isExpired)}
    </p>
    <MandatoryExtras texts={texts} quote={quote} />
  </>
);

/** The price above is with them: who compares prices must see it without opening anything. */
const MandatoryExtras = ({ texts, quote: { extras = [] } }: { texts: Texts; quote: Quote }) => {
  const mandatory = extras.filter((extra) => extra.mandatory);
  if (mandatory.length === 0) return null;
  const names = mandatory.map(({ name, premium_kopecks }) => `${name}, ${formatMoney(texts.locale, premium_kopecks)}`);
  return (
    <p className="note" data-testid="mandatory-extras">
      {texts.price.withExtras(names.join('; '))}
    </p>
  );
};

const validityWords = ({ price }: Texts, moment: string, isExpired: boolean): string =>
  isExpired ? price.expired(moment) : price.validUntil(moment);

const NoPrice = ({ texts, quote }: { texts: Texts; quote: Quote }) => {
  if (!quote.final) {
    return (
      <>
        <p className="price-to-come" aria-hidden="true" />
        <p className="note">{texts.statusNote[quote.status]}</p>
      </>
    );
  }
  const { unknown } = missingFields(quote);
  return (
    <>
      <p className="outcome">{texts.statusNote[quote.status]}</p>
      <p className="note" data-testid="reason">
        {reasonWords(texts, quote)}
      </p>
      {unknown.length > 0 && (
        <div className="note">
          {texts.price.missing}
          <ul>
            {unknown.map((pointer) => (
              <li key={pointer}>{memberWords(texts, pointer)}</li>
            ))}
          </ul>
        </div>
      )}
    </>
  );
};

const Badges = ({ texts, quote, isCheapest, isOver, wasKopecks, isExpired }: Props) => {
  const { cheapest, cheapestSoFar, late, pool, cachedAt } = texts.price;
  return (
    <ul className="badges">
      {isExpired && (
        <li className="warn" data-testid="expired">
          {texts.price.expiredBadge}
        </li>
      )}
      {wasKopecks !== undefined && (
        <li className="warn" data-testid="price-changed" data-was-kopecks={wasKopecks}>
          {texts.price.changed(formatMoney(texts.locale, wasKopecks))}
        </li>
      )}
      {isCheapest && (
        <li className="good" data-testid="cheapest">
          {isOver ? cheapest : cheapestSoFar}
        </li>
      )}
      {quote.late && <li data-testid="late">{late}</li>}
      {quote.pool && <li data-testid="pool">{pool}</li>}
      {quote.prolongation && <li data-testid="prolongation">{texts.price.prolongation}</li>}
      {quote.prolongation_from_other && <li data-testid="prolongation">{texts.price.prolongationFromOther}</li>}
      {quote.cached_at !== undefined && <li>{cachedAt(formatMoment(texts.locale, quote.cached_at))}</li>}
    </ul>
  );
};
