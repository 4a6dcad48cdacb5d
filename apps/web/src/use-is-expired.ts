/** Whether a quote still holds; turns true by itself at its moment. */
import type { Quote } from '@osago/contracts';
import { useEffect, useState } from 'react';

/** A timer counts no further than about 24 days; a quote holds for one. */
const TIMER_MS_MAX = 86_400_000;

export const useIsExpired = ({ status, valid_until }: Quote, clockOffsetMs: number): boolean => {
  const [nowMs, setNowMs] = useState(() => Date.now());
  const untilMs = status === 'quoted' ? Date.parse(valid_until ?? '') - clockOffsetMs : Number.NaN;
  useEffect(() => {
    const leftMs = untilMs - nowMs;
    if (!(leftMs > 0)) return;
    const timer = setTimeout(() => setNowMs(Date.now()), Math.min(leftMs, TIMER_MS_MAX));
    return () => clearTimeout(timer);
  }, [untilMs, nowMs]);
  return untilMs <= nowMs;
};
