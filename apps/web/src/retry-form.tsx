/** Asks one insurer again: as it was, or with the fields that it wants. */
import type { Fault, Quote } from '@osago/contracts';
import { type SubmitEvent, useState } from 'react';
import type { PlacedField } from './application-fields.ts';
import { faultWords } from './fault-words.ts';
import { fieldId, FormField } from './form-field.tsx';
import { changesOf, isInVain, leftEmpty, missingFields } from './missing-fields.ts';
import type { RequestAccess } from './post-request.ts';
import { problemWords } from './problem-words.ts';
import { type Restart, type Retried, retryQuote } from './quote-retry.ts';
import type { Texts } from './texts.ts';

interface Props {
  texts: Texts;
  access: RequestAccess;
  quote: Quote;
  onRestart: (restart: Restart) => void;
}

type Failed = Exclude<Retried, { kind: 'accepted' }>;

const needed = ({ pointer }: PlacedField): Fault => ({ pointer, code: 'required', detail: '' });

export const RetryForm = ({ texts, access, quote, onRestart }: Props) => {
  const [values, setValues] = useState<Readonly<Record<string, string>>>({});
  const [isSending, setSending] = useState(false);
  const [failed, setFailed] = useState<Failed>();
  const { fields } = missingFields(quote);
  const idPrefix = `${quote.insurer_id}-`;
  const faults = failed?.kind === 'faults' ? failed.faults : [];
  const elsewhere = faults.filter(({ pointer }) => !fields.some((field) => field.pointer === pointer));

  /** What has just been corrected is not called wrong any more. */
  const type = (pointer: string, typed: string): void => {
    setValues({ ...values, [pointer]: typed });
    if (failed?.kind === 'faults') setFailed({ kind: 'faults', faults: failed.faults.filter((fault) => fault.pointer !== pointer) });
  };

  const send = async (): Promise<void> => {
    setSending(true);
    const target = { ...access, insurerId: quote.insurer_id, attempt: quote.attempt };
    const retried = await retryQuote(target, changesOf(fields, values), (url, init) => fetch(url, init));
    setSending(false);
    if (retried.kind === 'accepted') return onRestart(retried.restart);
    setFailed(retried);
  };

  const submit = (event: SubmitEvent): void => {
    event.preventDefault();
    if (isSending) return;
    const [first, ...others] = leftEmpty(fields, values);
    if (first === undefined) return void send();
    setFailed({ kind: 'faults', faults: [first, ...others].map(needed) });
    document.getElementById(idPrefix + fieldId(first.pointer))?.focus();
  };

  if (isInVain(quote)) return <p className="note">{texts.quotes.inVain}</p>;

  return (
    <form className="retry" noValidate onSubmit={submit} aria-busy={isSending} data-testid="retry-form">
      {fields.map((field) => (
        <FormField
          key={field.pointer}
          texts={texts}
          field={field}
          value={values[field.pointer] ?? ''}
          faults={faultsAt(faults, field.pointer)}
          idPrefix={idPrefix}
          onType={(typed) => type(field.pointer, typed)}
        />
      ))}
      <p className="problem" role="alert" data-testid="retry-problem">
        {[failedWords(texts, failed), ...elsewhere.map((fault) => faultWords(texts, fault))].filter(Boolean).join('. ')}
      </p>
      <button type="submit" className="quiet" disabled={isSending} data-testid="retry">
        {isSending ? texts.form.sending : texts.quotes.retry}
      </button>
    </form>
  );
};

const faultsAt = (faults: readonly Fault[], at: string): readonly Fault[] | undefined => {
  const found = faults.filter(({ pointer }) => pointer === at);
  return found.length === 0 ? undefined : found;
};

const failedWords = (texts: Texts, failed: Failed | undefined): string | undefined => {
  if (failed === undefined) return undefined;
  return failed.kind === 'changed' ? texts.quotes.retryChanged : problemWords(texts, failed);
};
