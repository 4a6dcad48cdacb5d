/** Asks every insurer again with a few things changed, without typing the whole application anew. */
import { API_PREFIX } from '@osago/quote-stream';
import { type SubmitEvent, useEffect, useRef, useState } from 'react';
import { AttemptKey, randomUuid } from './attempt-key.ts';
import { faultWords } from './fault-words.ts';
import { FormField } from './form-field.tsx';
import { NO_FAULTS, placeFaults } from './place-faults.ts';
import { postRequest, type Refused, type RequestAccess } from './post-request.ts';
import { problemWords } from './problem-words.ts';
import { readRepeatable, type Repeatable, repeatBody } from './repeat.ts';
import type { Texts } from './texts.ts';

interface Props {
  texts: Texts;
  access: RequestAccess;
  onAccepted: (requestId: string) => void;
  onClose: () => void;
}

const NOTHING_TYPED: Readonly<Record<string, string>> = {};

export const RepeatForm = ({ texts, access, onAccepted, onClose }: Props) => {
  const [attempt] = useState(() => new AttemptKey(randomUuid));
  const [repeatable, setRepeatable] = useState<Repeatable>();
  const [typed, setTyped] = useState(NOTHING_TYPED);
  const [refused, setRefused] = useState<Refused>();
  const [isSending, setSending] = useState(false);
  const heading = useRef<HTMLHeadingElement>(null);
  const { accessToken, requestId } = access;

  useEffect(() => {
    heading.current?.focus();
    let isShown = true;
    const target = { requestId, ...(accessToken !== undefined && { accessToken }) };
    void readRepeatable(target, (url, init) => fetch(url, init)).then((read) => {
      if (!isShown) return;
      if (read.kind === 'read') setRepeatable(read.repeatable);
      else setRefused(read);
    });
    return () => {
      isShown = false;
    };
  }, [accessToken, requestId]);

  const values = { ...repeatable?.values, ...typed };
  const send = async (shown: Repeatable): Promise<void> => {
    setSending(true);
    const body = repeatBody(requestId, shown, values);
    const key = attempt.keyFor(body);
    const posted = await postRequest(`${API_PREFIX}/requests`, body, key, (url, init) => fetch(url, init));
    setSending(false);
    if (posted.kind !== 'accepted') return setRefused(posted);
    attempt.arrived(body);
    onAccepted(posted.requestId);
  };

  const submit = (event: SubmitEvent): void => {
    event.preventDefault();
    if (!isSending && repeatable) void send(repeatable);
  };

  const shown = (repeatable?.fields ?? []).map(({ pointer }) => pointer);
  const { byField, unplaced } = refused?.kind === 'faults' ? placeFaults(refused.faults, shown, false) : NO_FAULTS;
  const problem = [refused && problemWords(texts, refused), ...unplaced.map((fault) => faultWords(texts, fault))];
  return (
    <form className="repeat panel" noValidate onSubmit={submit} aria-busy={isSending} data-testid="repeat-form">
      <h2 tabIndex={-1} ref={heading}>
        {texts.repeat.heading}
      </h2>
      <p className="muted">
        {repeatable?.vehicle && <b>{repeatable.vehicle}. </b>}
        {texts.repeat.note}
      </p>
      {repeatable && (
        <div className="fields">
          {repeatable.fields.map((field) => (
            <FormField
              key={field.pointer}
              texts={texts}
              field={field}
              value={values[field.pointer] ?? ''}
              faults={byField.get(field.pointer)}
              idPrefix="repeat-"
              onType={(text) => setTyped({ ...typed, [field.pointer]: text })}
            />
          ))}
        </div>
      )}
      <p className="problem" role="alert" data-testid="repeat-problem">
        {problem.filter(Boolean).join('. ')}
      </p>
      <div className="repeat-buttons">
        <button type="submit" className="button small" disabled={isSending || !repeatable} data-testid="repeat-send">
          {isSending ? texts.form.sending : texts.repeat.send}
        </button>
        <button type="button" className="quiet" onClick={onClose}>
          {texts.repeat.close}
        </button>
      </div>
    </form>
  );
};
