/** The requests of this browser, newest first, each a link to its quotes. */
import type { HistoryItem } from '@osago/contracts';
import { useCallback, useEffect, useState } from 'react';
import { formatMoment, formatMoney } from './format.ts';
import { type HistoryPart, readHistory } from './history.ts';
import { PageLink } from './page-link.tsx';
import { problemWords } from './problem-words.ts';
import { quotesPath } from './route.ts';
import type { Texts } from './texts.ts';
import type { Go } from './use-path.ts';

interface Props {
  texts: Texts;
  go: Go;
}

type Failed = Exclude<HistoryPart, { kind: 'part' }>;

const NOTHING: readonly HistoryItem[] = [];

export const HistoryPage = ({ texts, go }: Props) => {
  const [requests, setRequests] = useState(NOTHING);
  const [nextCursor, setNextCursor] = useState<string>();
  const [failed, setFailed] = useState<Failed>();
  const [isReading, setReading] = useState(true);

  const read = useCallback(async (cursor: string | undefined): Promise<void> => {
    setReading(true);
    const part = await readHistory(cursor, (url, init) => fetch(url, init));
    setReading(false);
    if (part.kind !== 'part') return setFailed(part);
    setFailed(undefined);
    setRequests((shown) => (cursor === undefined ? part.requests : [...shown, ...part.requests]));
    setNextCursor(part.nextCursor);
  }, []);
  useEffect(() => void read(undefined), [read]);

  const isEmpty = requests.length === 0 && !isReading && failed === undefined;
  return (
    <section className="history" aria-busy={isReading} data-testid="history">
      <div className="history-head">
        <h1 tabIndex={-1}>{texts.history.heading}</h1>
        <PageLink to="/" go={go} className="button small">
          {texts.quotes.newRequest}
        </PageLink>
      </div>
      {isEmpty && <p className="panel muted">{texts.history.empty}</p>}
      <ul>
        {requests.map((item) => (
          <li key={item.request_id}>
            <Entry texts={texts} go={go} item={item} />
          </li>
        ))}
      </ul>
      {isReading && <p className="muted">{texts.history.reading}</p>}
      {failed && !isReading && (
        <p className="problem" role="alert" data-testid="history-problem">
          {problemWords(texts, failed)}
        </p>
      )}
      {!isReading && (failed !== undefined || nextCursor !== undefined) && (
        <button type="button" className="quiet" data-testid="history-more" onClick={() => void read(nextCursor)}>
          {failed ? texts.history.again : texts.history.more}
        </button>
      )}
    </section>
  );
};

const Entry = ({ texts, go, item }: Props & { item: HistoryItem }) => {
  const { accepted_at, best_total_kopecks: bestKopecks, counts, progress, request_id, status } = item;
  return (
    <PageLink to={quotesPath(request_id)} go={go} className="entry panel" testId="history-entry">
      <span className="entry-when">
        <b>{formatMoment(texts.locale, accepted_at)}</b>
        <span className="chip" data-status={status}>
          {texts.request[status]}
        </span>
      </span>
      <span className="entry-price">
        {bestKopecks === undefined ? (
          <span className="muted">{texts.history.noPrice}</span>
        ) : (
          <b>{texts.history.from(formatMoney(texts.locale, bestKopecks))}</b>
        )}
        <span className="muted">{texts.history.quoted(counts['quoted'] ?? 0, progress.total)}</span>
      </span>
    </PageLink>
  );
};
