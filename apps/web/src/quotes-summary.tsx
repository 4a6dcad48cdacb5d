/** How far the request is: who answered, how long it can last, how it ended, and the state of the connection. */
import { hasEnded, type QuoteView, type QuoteViewBody } from '@osago/quote-stream';
import { CancelButton } from './cancel-button.tsx';
import { formatMoney } from './format.ts';
import { PageLink } from './page-link.tsx';
import type { RequestAccess } from './post-request.ts';
import { priceOf } from './quote-words.ts';
import type { Texts } from './texts.ts';
import type { Go } from './use-path.ts';
import { useIsLatePossible } from './use-is-late-possible.ts';
import { useSecondsLeft } from './use-seconds-left.ts';

interface Props {
  texts: Texts;
  access: RequestAccess;
  view: QuoteView;
  cheapest: ReadonlySet<string>;
  go: Go;
  /** Opens the form that asks everybody again. */
  onRepeat: () => void;
}

export const QuotesSummary = ({ texts, access, view, cheapest, go, onRepeat }: Props) => {
  const { body, phase } = view;
  const isOver = body !== undefined && hasEnded(body);
  return (
    <section className="summary panel" data-phase={phase} data-testid="summary">
      <div className="summary-head">
        <h1 tabIndex={-1}>{texts.quotes.heading}</h1>
        {isOver && (
          <div className="summary-ways">
            <button type="button" className="quiet" data-testid="repeat" onClick={onRepeat}>
              {texts.repeat.open}
            </button>
            <PageLink to="/" go={go} className="button small">
              {texts.quotes.newRequest}
            </PageLink>
          </div>
        )}
        {body && !isOver && <CancelButton texts={texts} access={access} />}
      </div>
      {body ? <Progress texts={texts} view={view} body={body} /> : <p className="muted">{texts.quotes.asking}</p>}
      <div role="status">{isOver && <End texts={texts} view={view} body={body} cheapest={cheapest} />}</div>
      {body && phase === 'connecting' && (
        <p className="connection" data-testid="connection">
          {texts.quotes.restoring}
        </p>
      )}
      {body && phase === 'polling' && (
        <p className="connection calm" data-testid="connection">
          {texts.quotes.polling}
        </p>
      )}
      {body?.feed === 'stale' && !isOver && <p className="connection">{texts.quotes.stale}</p>}
    </section>
  );
};

const SecondsLeft = ({ texts, view }: { texts: Texts; view: QuoteView }) => {
  const seconds = useSecondsLeft(view);
  return (
    <p className="seconds" role="timer" data-testid="seconds-left" data-seconds={seconds}>
      {seconds > 0 ? texts.quotes.secondsLeft(seconds) : texts.quotes.lastSeconds}
    </p>
  );
};

const Progress = ({ texts, view, body }: { texts: Texts; view: QuoteView; body: QuoteViewBody }) => {
  const { answered, total } = body.progress;
  const words = texts.quotes.progress(answered, total);
  return (
    <div className="progress">
      <div className="progress-words">
        <p>
          {texts.quotes.progressLabel}: <b data-testid="progress">{words}</b>
        </p>
        {!hasEnded(body) && <SecondsLeft texts={texts} view={view} />}
      </div>
      <progress max={total} value={answered} aria-label={texts.quotes.progressLabel} aria-valuetext={words} />
    </div>
  );
};

interface EndProps extends Pick<Props, 'texts' | 'view' | 'cheapest'> {
  body: QuoteViewBody;
}

const End = ({ texts, view, body, cheapest }: EndProps) => {
  const { status } = body;
  const isLatePossible = useIsLatePossible(view);
  return (
    <>
      <p className="request-status" data-testid="request-status" data-status={status}>
        <b>{texts.request[status]}.</b> {texts.requestNote[status]}
      </p>
      <Best texts={texts} body={body} cheapest={cheapest} />
      {isLatePossible && <p className="muted">{texts.quotes.lateNote}</p>}
    </>
  );
};

const Best = ({ texts, body, cheapest }: Omit<EndProps, 'view'>) => {
  const best = body.quotes.filter(({ insurer_id }) => cheapest.has(insurer_id));
  const price = best[0] && priceOf(best[0]);
  if (price === undefined) return null;
  const names = best.map(({ name }) => name).join(', ');
  return <p className="best">{texts.quotes.best(formatMoney(texts.locale, price.totalKopecks), names)}</p>;
};
