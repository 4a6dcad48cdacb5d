/** Counts down while the request goes on. */
import { hasEnded, type QuoteView } from '@osago/quote-stream';
import { useEffect, useState } from 'react';
import { secondsLeft } from './seconds-left.ts';

/** Four looks a second, so that no shown second is much longer than the others. */
const LOOK_MS = 250;

export const useSecondsLeft = (view: QuoteView): number => {
  const [nowMs, setNowMs] = useState(() => Date.now());
  const isCounting = view.body !== undefined && !hasEnded(view.body);
  useEffect(() => {
    if (!isCounting) return;
    const timer = setInterval(() => setNowMs(Date.now()), LOOK_MS);
    return () => clearInterval(timer);
  }, [isCounting]);
  return secondsLeft(view, nowMs);
};
