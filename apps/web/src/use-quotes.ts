/** The quotes of a request as state, for as long as the component is on the screen. */
import { CONNECTING, openQuoteStream, type QuoteStreamHandle, type QuoteView, type Restart } from '@osago/quote-stream';
import { useCallback, useEffect, useMemo, useRef, useState } from 'react';
import { findToken } from './history.ts';
import type { RequestAccess } from './post-request.ts';

export interface LiveQuotes {
  view: QuoteView;
  /** To be called with the reply to a retry. */
  restart: (reply: Restart) => void;
  access: RequestAccess;
}

const isWithoutAccess = (view: QuoteView): boolean => view.phase === 'lost' && view.refusal === 'no-access';

export const useQuotes = (requestId: string): LiveQuotes => {
  const [view, setView] = useState(CONNECTING);
  const [accessToken, setAccessToken] = useState<string>();
  const handle = useRef<QuoteStreamHandle>(undefined);
  const access = useMemo(
    () => ({ requestId, ...(accessToken !== undefined && { accessToken }) }),
    [accessToken, requestId],
  );
  useEffect(() => {
    let isShown = true;
    const show = (next: QuoteView): void => {
      // The cookie of an older request is over, but its browser has its token in the history.
      if (!isWithoutAccess(next) || access.accessToken !== undefined) return setView(next);
      void findToken(requestId, (url, init) => fetch(url, init)).then((token) => {
        if (!isShown) return;
        if (token === undefined) setView(next);
        else setAccessToken(token);
      });
    };
    const stream = openQuoteStream(access, show);
    handle.current = stream;
    return () => {
      isShown = false;
      stream.close();
    };
  }, [access, requestId]);
  const restart = useCallback((reply: Restart) => handle.current?.restart(reply), []);
  return { view, restart, access };
};
