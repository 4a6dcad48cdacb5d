/** Says clearly that there is nothing to see here, and what can be done. */
import { PageLink } from './page-link.tsx';
import type { Texts } from './texts.ts';
import type { Go } from './use-path.ts';

interface Props {
  texts: Texts;
  go: Go;
  heading: string;
  note: string;
}

export const RefusedPage = ({ texts, go, heading, note }: Props) => (
  <section className="panel refused" data-testid="refused">
    <h1 tabIndex={-1}>{heading}</h1>
    <p>{note}</p>
    <PageLink to="/" go={go} className="button">
      {texts.quotes.newRequest}
    </PageLink>
  </section>
);
