/**
 * The application. Nothing is checked here: the server names every fault at once, and each is shown beside its field.
 * Until an answer came, sending the same application again is the same attempt and makes no second request.
 */
import { API_PREFIX } from '@osago/quote-stream';
import { type SubmitEvent, useEffect, useRef, useState } from 'react';
import { applicationOf, type Draft, EMPTY_DRAFT, shownPointers } from './application-draft.ts';
import type { AttemptKey } from './attempt-key.ts';
import { consentsOf } from './consent.ts';
import { faultWords } from './fault-words.ts';
import { FormSections } from './form-sections.tsx';
import { fieldId } from './form-field.tsx';
import { firstFaulty, NO_FAULTS, placeFaults, withoutFaultsUnder } from './place-faults.ts';
import { postRequest, type Refused } from './post-request.ts';
import { problemWords } from './problem-words.ts';
import { sampleDraft } from './sample-draft.ts';
import type { Language, Texts } from './texts.ts';
import { useInsurers } from './use-insurers.ts';

interface Props {
  texts: Texts;
  language: Language;
  draft: Draft;
  onDraft: (draft: Draft) => void;
  /** Outlives the form, so that the same application sent again is known. */
  attempt: AttemptKey;
  onAccepted: (requestId: string, isDuplicate: boolean) => void;
}

export const FormPage = ({ texts, language, draft, attempt, onDraft, onAccepted }: Props) => {
  const [isSending, setSending] = useState(false);
  const [refused, setRefused] = useState<Refused>();
  const [faults, setFaults] = useState(NO_FAULTS);
  const insurers = useInsurers();
  const summary = useRef<HTMLDivElement>(null);
  const shown = shownPointers(draft);

  const send = async (): Promise<void> => {
    setSending(true);
    const body = JSON.stringify(applicationOf(draft, consentsOf(draft.agreed, language, draft.agreedAt)));
    const url = `${API_PREFIX}/requests`;
    const posted = await postRequest(url, body, attempt.keyFor(body), (to, init) => fetch(to, init));
    setSending(false);
    if (posted.kind === 'accepted') {
      attempt.arrived(body);
      return onAccepted(posted.requestId, posted.isDuplicate);
    }
    setRefused(posted);
    setFaults(posted.kind === 'faults' ? placeFaults(posted.faults, shown, draft.sameAsOwner) : NO_FAULTS);
  };

  const submit = (event: SubmitEvent): void => {
    event.preventDefault();
    if (!isSending) void send();
  };

  const start = (next: Draft): void => {
    setRefused(undefined);
    setFaults(NO_FAULTS);
    onDraft(next);
  };

  /** What has just been corrected is not called wrong any more. */
  const change = (next: Draft, pointer: string): void => {
    setFaults(withoutFaultsUnder(faults, pointer));
    onDraft(next);
  };

  useEffect(() => {
    if (refused?.kind !== 'faults') return;
    const first = firstFaulty(faults, shown);
    const target = first === undefined ? summary.current : document.getElementById(fieldId(first));
    target?.focus();
    // Only an answer moves the focus; `faults` and `shown` also change while the person types.
  }, [refused]);

  const faultCount = faults.byField.size + faults.unplaced.length;
  return (
    <form className="application" noValidate onSubmit={submit} aria-busy={isSending}>
      <div className="hero">
        <h1 tabIndex={-1}>{texts.form.heading}</h1>
        <p className="lead">{texts.form.lead}</p>
        <p className="sample">
          <span>{draft.isSample ? texts.form.sample : texts.form.own}</span>
          <button type="button" className="quiet" data-testid="sample" onClick={() => start(sampleDraft())}>
            {texts.form.anotherSample}
          </button>
          <button type="button" className="quiet" data-testid="clear" onClick={() => start(EMPTY_DRAFT)}>
            {texts.form.clear}
          </button>
        </p>
      </div>
      {faults.unplaced.length > 0 && (
        <div className="unplaced" role="alert" tabIndex={-1} ref={summary} data-testid="unplaced-faults">
          <p>{texts.unplacedFaults}</p>
          <ul>
            {faults.unplaced.map((fault) => (
              <li key={`${fault.pointer} ${fault.code}`}>{faultWords(texts, fault)}</li>
            ))}
          </ul>
        </div>
      )}
      <FormSections
        texts={texts}
        language={language}
        draft={draft}
        faults={faults}
        insurers={insurers}
        onChange={change}
      />
      <div className="send">
        <p className="problem" role="alert" data-testid="problem">
          {faultCount > 0 ? texts.faultsSummary(faultCount) : refused && problemWords(texts, refused)}
        </p>
        <button type="submit" className="button" disabled={isSending} data-testid="submit">
          {isSending ? texts.form.sending : texts.form.submit}
        </button>
      </div>
    </form>
  );
};
