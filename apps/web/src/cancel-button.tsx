/** Calls the whole request off. The stream says what became of it. */
import { useState } from 'react';
import type { RequestAccess } from './post-request.ts';
import { problemWords } from './problem-words.ts';
import { type Cancelled, cancelRequest } from './quote-retry.ts';
import type { Texts } from './texts.ts';

export const CancelButton = ({ texts, access }: { texts: Texts; access: RequestAccess }) => {
  const [isSending, setSending] = useState(false);
  const [result, setResult] = useState<Cancelled>();

  const cancel = async (): Promise<void> => {
    setSending(true);
    setResult(await cancelRequest(access, (url, init) => fetch(url, init)));
    setSending(false);
  };

  // Accepted: it stays so until the stream says `cancelled`, and the button goes with it.
  const isOnItsWay = isSending || result?.kind === 'accepted';
  return (
    <>
      <button
        type="button"
        className="quiet"
        data-testid="cancel"
        disabled={isOnItsWay}
        onClick={() => void cancel()}
      >
        {isOnItsWay ? texts.quotes.cancelling : texts.quotes.cancel}
      </button>
      {result !== undefined && result.kind !== 'accepted' && (
        <p className="problem" role="alert" data-testid="cancel-problem">
          {problemWords(texts, result)}
        </p>
      )}
    </>
  );
};
