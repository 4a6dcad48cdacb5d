/** Whether somebody may still answer late; turns false by itself when the time for it is over. */
import { mayAnswerLate, type QuoteView } from '@osago/quote-stream';
import { useEffect, useState } from 'react';

export const useIsLatePossible = (view: QuoteView): boolean => {
  const [nowMs, setNowMs] = useState(() => Date.now());
  const lateUntilMs = Date.parse(view.body?.late_until ?? '') - view.clockOffsetMs;
  useEffect(() => {
    const leftMs = lateUntilMs - Date.now();
    if (!(leftMs > 0)) return;
    const timer = setTimeout(() => setNowMs(Date.now()), leftMs);
    return () => clearTimeout(timer);
  }, [lateUntilMs]);
  return mayAnswerLate(view, nowMs);
};
