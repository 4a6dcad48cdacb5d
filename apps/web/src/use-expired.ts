/** Whose quote does not hold any more; grows by itself at the moment of each. */
import type { Quote } from '@osago/contracts';
import { useEffect, useState } from 'react';
import { expiredInsurers, nextExpiryMs } from './expiry.ts';

/** A timer counts no further than about 24 days; a quote holds for one. */
const TIMER_MS_MAX = 86_400_000;

export const useExpired = (quotes: readonly Quote[], clockOffsetMs: number): ReadonlySet<string> => {
  const [seenMs, setSeenMs] = useState(() => Date.now());
  const nextMs = nextExpiryMs(quotes, seenMs + clockOffsetMs) - clockOffsetMs;
  useEffect(() => {
    if (!Number.isFinite(nextMs)) return;
    // Counted from now: what is on the screen for long must not make a quote hold longer.
    const leftMs = Math.max(nextMs - Date.now(), 0);
    const timer = setTimeout(() => setSeenMs(Date.now()), Math.min(leftMs, TIMER_MS_MAX));
    return () => clearTimeout(timer);
  }, [nextMs, seenMs]);
  return expiredInsurers(quotes, seenMs + clockOffsetMs);
};
