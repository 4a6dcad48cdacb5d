/** The quotes of one request, in the panel's order from the first moment to the last: nothing jumps. */
import type { QuoteView } from '@osago/quote-stream';
import { useState } from 'react';
import { changedFrom } from './price-change.ts';
import { QuoteCard } from './quote-card.tsx';
import { cheapestInsurers } from './quote-words.ts';
import { QuotesSummary } from './quotes-summary.tsx';
import { RefusedPage } from './refused-page.tsx';
import { RepeatForm } from './repeat-form.tsx';
import { quotesPath } from './route.ts';
import type { Texts } from './texts.ts';
import { useAnnouncement } from './use-announcement.ts';
import { useEstimates } from './use-estimates.ts';
import { useExpired } from './use-expired.ts';
import type { Go } from './use-path.ts';
import { useQuotes } from './use-quotes.ts';

interface Props {
  texts: Texts;
  requestId: string;
  /** It was sent before, and is shown instead of a second one like it. */
  isDuplicate: boolean;
  go: Go;
}

const NO_QUOTES: never[] = [];

export const QuotesPage = ({ texts, requestId, isDuplicate, go }: Props) => {
  const { view, restart, access } = useQuotes(requestId);
  const [isRepeating, setRepeating] = useState(false);
  const quotes = view.body?.quotes ?? NO_QUOTES;
  const expired = useExpired(quotes, view.clockOffsetMs);
  const estimates = useEstimates(quotes);
  const announcement = useAnnouncement(texts, quotes);
  if (view.phase === 'lost') return <Refused texts={texts} go={go} refusal={view.refusal} />;
  const cheapest = cheapestInsurers(quotes, expired);
  const isOver = view.body !== undefined && view.body.status !== 'in_progress';
  return (
    <>
      <QuotesSummary texts={texts} access={access} view={view} cheapest={cheapest} go={go} onRepeat={() => setRepeating(true)} />
      {isDuplicate && !isOver && (
        <p className="told panel" role="status" data-testid="duplicate">
          {texts.quotes.duplicate}
        </p>
      )}
      {isRepeating && (
        <RepeatForm
          texts={texts}
          access={access}
          onAccepted={(repeatedAs) => go(quotesPath(repeatedAs))}
          onClose={() => setRepeating(false)}
        />
      )}
      <p className="unseen" aria-live="polite" data-testid="announcement">
        {announcement}
      </p>
      <ul className="cards">
        {quotes.map((quote) => (
          <QuoteCard
            key={quote.insurer_id}
            texts={texts}
            quote={quote}
            access={access}
            isExpired={expired.has(quote.insurer_id)}
            wasKopecks={changedFrom(quote, estimates)}
            onRestart={restart}
            isCheapest={cheapest.has(quote.insurer_id)}
            isOver={isOver}
          />
        ))}
      </ul>
      <p className="request-number">{texts.quotes.number(requestId)}</p>
    </>
  );
};

type Refusal = Extract<QuoteView, { phase: 'lost' }>['refusal'];

const Refused = ({ texts, go, refusal }: { texts: Texts; go: Go; refusal: Refusal }) => {
  const { noAccess, noAccessNote, notFound, notFoundNote } = texts.refused;
  return refusal === 'no-access' ? (
    <RefusedPage texts={texts} go={go} heading={noAccess} note={noAccessNote} />
  ) : (
    <RefusedPage texts={texts} go={go} heading={notFound} note={notFoundNote} />
  );
};
