/**
 * How this pod stands to what a reader has seen. A cursor of another epoch or request, an unreadable one and one beyond
 * the log's end count as none; any other is waited for, so that no reader is ever shown less than it has seen. Only its
 * offsets wait for the feed: its revision is met from Postgres, where every command was before anybody saw it.
 */
import { REQUEST_TOPICS } from '@osago/contracts';
import type { EventBus } from '@osago/event-bus';
import { type Cursor, decodeCursor, hasSeen, type RequestState } from '@osago/quotes';
import type { Clock, Log } from '@osago/service-kit';
import { PostgresAwayError } from './postgres-away.ts';
import type { QuotesBodies } from './quotes-body.ts';
import type { RequestReader } from './request-reader.ts';
import type { Showcase, Shown } from './showcase.ts';
import { waitFor } from './wait.ts';

/** A feed that is further behind than this is not worth waiting for. */
export const BEHIND_WAIT_MS = 2_000;

export type Standing = { kind: 'none' } | { kind: 'seen' | 'behind'; cursor: Cursor };

export interface ResumeDeps {
  bus: Pick<EventBus, 'endOffsets'>;
  bodies: QuotesBodies;
  reader: Pick<RequestReader, 'read'>;
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

/** Adds what Postgres knows to the showcase. False when it cannot be asked: then what the feed brings has to do. */
const askPostgres = async ({ reader, log }: ResumeDeps, requestId: string, cursor: Cursor): Promise<boolean> => {
  try {
    await reader.read(requestId, cursor);
    return true;
  } catch (error) {
    if (!(error instanceof PostgresAwayError)) throw error;
    log.debug({ error, request_id: requestId }, 'Postgres is away while a reader comes back');
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
  const held = (): RequestState | undefined => deps.showcase.get(requestId)?.state;
  if (hasSeen(held(), cursor)) return { kind: 'seen', cursor };
  const isBelow = (): boolean => (held()?.revision ?? 0) < cursor.revision;
  // A revision that Postgres does not know was never given to anybody.
  if (isBelow() && (await askPostgres(deps, requestId, cursor)) && isBelow()) return { kind: 'none' };
  const until = ({ state }: Shown): boolean => hasSeen(state, cursor);
  if (await waitFor(deps, requestId, { until, forMs: BEHIND_WAIT_MS, signal })) return { kind: 'seen', cursor };
  // The feed does not come back to what only the archive has of an older request.
  await askPostgres(deps, requestId, cursor);
  if (hasSeen(held(), cursor)) return { kind: 'seen', cursor };
  return (await isBeyondTheLog(deps, cursor)) ? { kind: 'none' } : { kind: 'behind', cursor };
};
