/** Waits for a request on this pod to reach a state, by change or by clock, with a bound. */
import { nextClockChangeMs, view } from '@osago/quotes';
import type { Clock } from '@osago/service-kit';
import type { Showcase, Shown } from './showcase.ts';

export interface WaitOptions {
  until: (shown: Shown) => boolean;
  forMs: number;
  /** Aborts when the client has gone. */
  signal: AbortSignal;
}

/** True when `until` came to hold in time. False at once when the request is not shown here, perhaps not any more. */
export const waitFor = (
  { showcase, clock }: { showcase: Showcase; clock: Clock },
  requestId: string,
  { until, forMs, signal }: WaitOptions,
): Promise<boolean> =>
  new Promise((resolve) => {
    if (showcase.get(requestId) === undefined) return resolve(false);
    const endMs = clock.nowMs() + forMs;
    let timer: NodeJS.Timeout | undefined;
    const end = (reached: boolean): void => {
      clearTimeout(timer);
      unwatch();
      signal.removeEventListener('abort', onAbort);
      resolve(reached);
    };
    const onAbort = (): void => {
      end(false);
    };
    const look = (): void => {
      clearTimeout(timer);
      const shown = showcase.get(requestId);
      if (shown !== undefined && until(shown)) {
        end(true);
        return;
      }
      const nowMs = clock.nowMs();
      if (nowMs >= endMs || signal.aborted) {
        end(false);
        return;
      }
      const clockMs = shown && nextClockChangeMs(view(shown.state, nowMs));
      timer = setTimeout(look, Math.max(1, Math.min(endMs, clockMs ?? endMs) - nowMs));
    };
    const unwatch = showcase.watch(requestId, look);
    signal.addEventListener('abort', onAbort, { once: true });
    look();
  });
