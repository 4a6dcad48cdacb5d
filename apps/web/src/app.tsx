/** The frame of the page: which view, in which language. What was typed outlives a look at the quotes. */
import { useEffect, useRef, useState } from 'react';
import { AttemptKey, randomUuid } from './attempt-key.ts';
import { FormPage } from './form-page.tsx';
import { HistoryPage } from './history-page.tsx';
import { PageLink } from './page-link.tsx';
import { QuotesPage } from './quotes-page.tsx';
import { RefusedPage } from './refused-page.tsx';
import { HISTORY_PATH, quotesPath, routeOf } from './route.ts';
import { sampleDraft } from './sample-draft.ts';
import { type Language, rememberedLanguage, rememberLanguage, TEXTS } from './texts.ts';
import { usePath } from './use-path.ts';

const LANGUAGES = { ru: 'Русский', en: 'English' } as const satisfies Record<Language, string>;

export const App = () => {
  const { path, go } = usePath();
  const [language, setLanguage] = useState(() => rememberedLanguage(() => localStorage));
  const [draft, setDraft] = useState(sampleDraft);
  const [attempt] = useState(() => new AttemptKey(randomUuid));
  const [duplicate, setDuplicate] = useState<string>();
  const texts = TEXTS[language];
  const route = routeOf(path);

  useEffect(() => {
    document.documentElement.lang = language;
    const heading = { quotes: texts.quotes.heading, history: texts.history.heading, form: '', unknown: '' }[route.view];
    document.title = heading === '' ? texts.title : `${heading} · ${texts.title}`;
  }, [language, route.view, texts]);
  useFocusOnNewView(path);

  const speak = (chosen: Language): void => {
    rememberLanguage(() => localStorage, chosen);
    setLanguage(chosen);
  };

  return (
    <>
      <header className="top">
        <PageLink to="/" go={go} className="brand" label={texts.home}>
          <Shield /> {texts.title}
        </PageLink>
        <PageLink to={HISTORY_PATH} go={go} className="to-history" label={texts.history.heading} testId="to-history">
          {texts.history.link}
        </PageLink>
        <div className="languages" role="group" aria-label={texts.language}>
          {(['ru', 'en'] as const).map((each) => (
            <button
              key={each}
              type="button"
              lang={each}
              aria-pressed={each === language}
              aria-label={LANGUAGES[each]}
              data-testid={`language-${each}`}
              onClick={() => speak(each)}
            >
              {each.toUpperCase()}
            </button>
          ))}
        </div>
      </header>
      <main>
        {route.view === 'form' && (
          <FormPage
            texts={texts}
            language={language}
            draft={draft}
            attempt={attempt}
            onDraft={setDraft}
            onAccepted={(requestId, isDuplicate) => {
              setDuplicate(isDuplicate ? requestId : undefined);
              go(quotesPath(requestId));
            }}
          />
        )}
        {route.view === 'quotes' && (
          <QuotesPage
            key={route.requestId}
            texts={texts}
            requestId={route.requestId}
            isDuplicate={route.requestId === duplicate}
            go={go}
          />
        )}
        {route.view === 'history' && <HistoryPage texts={texts} go={go} />}
        {route.view === 'unknown' && (
          <RefusedPage texts={texts} go={go} heading={texts.refused.noPage} note={texts.refused.noPageNote} />
        )}
      </main>
    </>
  );
};

/** A screen reader follows to the new view as it would after a page load. */
const useFocusOnNewView = (path: string): void => {
  const shown = useRef(path);
  useEffect(() => {
    if (shown.current === path) return;
    shown.current = path;
    window.scrollTo(0, 0);
    document.querySelector('h1')?.focus();
  }, [path]);
};

const Shield = () => (
  <svg viewBox="0 0 24 24" aria-hidden="true">
    <path d="M12 2.6 20 5.6v6.2c0 4.9-3.3 8.4-8 9.8-4.7-1.4-8-4.9-8-9.8V5.6z" />
    <path d="m8.3 12 2.7 2.7 4.800-5.200" />
  </svg>
);
