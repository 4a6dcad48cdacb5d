/**
 * How this pod stands to what a reader has seen. A cursor of another epoch or request, an unreadable one and one beyond
 * the log's end count as none; any other is waited for, so that no reader is ever shown less than it has seen.
 */
import { REQUEST_TOPICS } from '@osago/contracts';
import type { EventBus } from '@osago/event-bus';
import { type Cursor, decodeCursor, hasSeen } from '@osago/quotes';
import type { Clock, Log } from '@osago/service-kit';
import type { QuotesBodies } from './quotes-body.ts';
import type { Showcase } from './showcase.ts';
import { waitFor } from './wait.ts';

/** A feed that is further behind than this is not worth waiting for. */
export const BEHIND_WAIT_MS = 2_000;

export type Standing = { kind: 'none' } | { kind: 'seen' | 'behind'; cursor: Cursor };

export interface ResumeDeps {
  bus: Pick<EventBus, 'endOffsets'>;
  bodies: QuotesBodies;
  showcase: Showcase;
  clock: Clock;
  log: Log;
}

/** Such a record was never written: the cursor is made up, or the log is another. */
const isBeyondTheLog = async ({ bus, log }: ResumeDeps, { offsets, partition }: Cursor): Promise<boolean> => {
  try {
    const ends = await Promise.all(REQUEST_TOPICS.map((topic) => bus.endOffsets(topic)));
    return ends.some((end, at) => BigInt(offsets[at] ?? -1) >= (end[partition] ?? 0n));
  } catch (error) {
    log.debug({ error }, 'the end of the log is not known: the broker is away');
    return false;
  }
};

/** The request must be in the showcase. */
export const standingTo = async (
  deps: ResumeDeps,
  requestId: string,
  text: string,
  signal: AbortSignal,
): Promise<Standing> => {
  const cursor = decodeCursor(text);
  if (!deps.bodies.isCurrent(cursor, requestId)) return { kind: 'none' };
  const isSeen = await waitFor(deps, requestId, {
    until: ({ state }) => hasSeen(state, cursor),
    forMs: BEHIND_WAIT_MS,
    signal,
  });
  if (isSeen) return { kind: 'seen', cursor };
  return (await isBeyondTheLog(deps, cursor)) ? { kind: 'none' } : { kind: 'behind', cursor };
};
