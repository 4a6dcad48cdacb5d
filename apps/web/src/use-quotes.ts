/** The quotes of a request as state, for as long as the component is on the screen. */
import { CONNECTING, openQuoteStream, type QuoteView } from '@osago/quote-stream';
import { useEffect, useState } from 'react';

export const useQuotes = (requestId: string): QuoteView => {
  const [view, setView] = useState(CONNECTING);
  useEffect(() => {
    const stream = openQuoteStream({ requestId }, setView);
    return () => stream.close();
  }, [requestId]);
  return view;
};
