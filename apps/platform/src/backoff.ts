/** How long to wait before what has died is started again: as Kubernetes does, only sooner. */

const FIRST_MS = 500;
const LAST_MS = 10_000;

/** Who ran that long did not die of its start; the next pause is short again. */
const STEADY_MS = 30_000;

/** `formerMs`: the pause before the run that has just ended after `ranMs`; undefined when there was none. */
export const pauseBeforeRestart = (formerMs: number | undefined, ranMs: number): number =>
  formerMs === undefined || ranMs >= STEADY_MS ? FIRST_MS : Math.min(formerMs * 2, LAST_MS);
