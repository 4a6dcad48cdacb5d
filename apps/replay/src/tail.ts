/** Follows the topics live: what happens from now on, as it is written. */
import { isLegEvent, REQUEST_TOPICS } from '@osago/contracts';
import type { EventBus } from '@osago/event-bus';
import type { Filters } from './arguments.ts';
import { type DecodedRecord, decodeRecord, type LoggedEvent, placeOf } from './logged-event.ts';

export interface TailFilters extends Filters {
  readonly requestId?: string | undefined;
}

export const isFollowed = ({ event }: LoggedEvent, { insurer, status, requestId }: TailFilters): boolean => {
  if (requestId !== undefined && event.data.request_id !== requestId) return false;
  if (insurer !== undefined && !('insurer_id' in event.data && event.data.insurer_id === insurer)) return false;
  return status === undefined || (isLegEvent(event) && event.data.status === status);
};

/** Resolves after `signal` aborted. What is no event of ours is shown when nothing is filtered. */
export const followTopics = async (
  bus: EventBus,
  { filters, fromMs, signal }: { filters: TailFilters; fromMs: number; signal: AbortSignal },
  onRecord: (decoded: DecodedRecord) => void,
): Promise<void> => {
  const isFiltered = Object.values(filters).some((filter) => filter !== undefined);
  const tail = bus.tail({ topics: REQUEST_TOPICS, fromMs, groupPrefix: 'osago-replay-tail' }, (record) => {
    const decoded = decodeRecord(record);
    if (decoded.ok ? isFollowed(decoded.logged, filters) : !isFiltered) onRecord(decoded);
  });
  await tail.run(signal);
};

export const tailLine = (decoded: DecodedRecord): string => {
  if (!decoded.ok) return `${placeOf(decoded.record)}  no event of ours: ${decoded.reason}`;
  const { event, timestampMs } = decoded.logged;
  const place = placeOf(decoded.logged).replace('osago.', '').replace('.v1', '');
  const { request_id } = event.data;
  const says = isLegEvent(event)
    ? [event.data.insurer_id, event.data.status, event.data.late && 'late', event.data.reason?.code].filter(Boolean).join(' ')
    : event.type.split('.').slice(1, -1).join(' ');
  return `${new Date(timestampMs).toISOString()}  ${place.padEnd(16)}  ${request_id}  ${says}`;
};

/** One event for programs; the sealed application is left out here too. */
export const tailJson = (decoded: DecodedRecord): string => {
  if (!decoded.ok) return JSON.stringify({ place: placeOf(decoded.record), fault: decoded.reason });
  const { event } = decoded.logged;
  const data: Record<string, unknown> = { ...event.data };
  delete data['application_sealed'];
  return JSON.stringify({ place: placeOf(decoded.logged), ...event, data });
};
