/** The quotes of a request as state, for as long as the component is on the screen. */
import { CONNECTING, openQuoteStream, type QuoteStreamHandle, type QuoteView, type Restart } from '@osago/quote-stream';
import { useCallback, useEffect, useRef, useState } from 'react';

export interface LiveQuotes {
  view: QuoteView;
  /** To be called with the reply to a retry. */
  restart: (reply: Restart) => void;
}

export const useQuotes = (requestId: string): LiveQuotes => {
  const [view, setView] = useState(CONNECTING);
  const handle = useRef<QuoteStreamHandle>(undefined);
  useEffect(() => {
    const stream = openQuoteStream({ requestId }, setView);
    handle.current = stream;
    return () => stream.close();
  }, [requestId]);
  const restart = useCallback((reply: Restart) => handle.current?.restart(reply), []);
  return { view, restart };
};
