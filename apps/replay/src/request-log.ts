/** Everything that the log has of one request, read from one partition number. */
import { type EventBus, partitionFor } from '@osago/event-bus';
import { TOPICS } from '@osago/contracts';
import { byTime, decodeRecord, type LoggedEvent } from './logged-event.ts';
import { CLOCKS_DIFFER_MS, lanesByPartition, readLanes, type Reading, type Window } from './reading.ts';

/** Where a request lives and since when, from who knows it: the database, where there is one. */
export interface RequestPlace {
  readonly partition: number;
  readonly acceptedAtMs: number;
}

export interface RequestLogDeps extends Reading {
  readonly bus: EventBus;
  readonly findPlace: (requestId: string) => Promise<RequestPlace | undefined>;
}

export interface RequestLog {
  readonly partition: number;
  /** In the order in which they were written. */
  readonly events: readonly LoggedEvent[];
  readonly recordsRead: number;
}

export const readRequest = async (
  { bus, findPlace, ...reading }: RequestLogDeps,
  requestId: string,
  { partition, ...window }: Window & { readonly partition?: number | undefined },
): Promise<RequestLog> => {
  const place = await findPlace(requestId);
  const at = partition ?? place?.partition ?? partitionFor(requestId, await bus.partitions(TOPICS.requests));
  const fromMs = Math.max(window.fromMs, place === undefined ? 0 : place.acceptedAtMs - CLOCKS_DIFFER_MS);
  const lanes = await lanesByPartition(bus, { ...window, fromMs }, at);
  const events: LoggedEvent[] = [];
  let recordsRead = 0;
  await readLanes(reading, lanes, {
    onRecords: (records) => {
      recordsRead += records.length;
      for (const record of records) {
        // The key begins with the request's id: what is not ours is not even parsed.
        if (!record.key.startsWith(requestId)) continue;
        const decoded = decodeRecord(record);
        if (decoded.ok) events.push(decoded.logged);
      }
    },
  });
  return { partition: at, events: events.sort(byTime), recordsRead };
};
