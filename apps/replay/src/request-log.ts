/** Everything that the log has of one request, read from one partition number. */
import { type EventBus, partitionFor } from '@osago/event-bus';
import { TOPICS } from '@osago/contracts';
import { byTime, decodeRecord, type LoggedEvent } from './logged-event.ts';
import { lanesByPartition, type LogReader, sizeOf, type Window } from './log-reader.ts';
import type { Progress } from './progress.ts';

/** Where a request lives and since when, from who knows it: the database, where there is one. */
export interface RequestPlace {
  readonly partition: number;
  readonly acceptedAtMs: number;
}

export interface RequestLogDeps {
  readonly bus: EventBus;
  readonly reader: LogReader;
  readonly progress: Progress;
  readonly signal: AbortSignal;
  readonly findPlace: (requestId: string) => Promise<RequestPlace | undefined>;
}

export interface RequestLog {
  readonly partition: number;
  /** In the order in which they were written. */
  readonly events: readonly LoggedEvent[];
  readonly recordsRead: number;
}

/** The clocks of the database and of the broker may differ by so much. */
const CLOCKS_DIFFER_MS = 60_000;

export const readRequest = async (
  { bus, reader, progress, signal, findPlace }: RequestLogDeps,
  requestId: string,
  { partition, ...window }: Window & { readonly partition?: number | undefined },
): Promise<RequestLog> => {
  const place = await findPlace(requestId);
  const at = partition ?? place?.partition ?? partitionFor(requestId, await bus.partitions(TOPICS.requests));
  const fromMs = Math.max(window.fromMs, place === undefined ? 0 : place.acceptedAtMs - CLOCKS_DIFFER_MS);
  const lanes = await lanesByPartition(bus, { ...window, fromMs }, at);
  const events: LoggedEvent[] = [];
  let recordsRead = 0;
  progress.begin(sizeOf(lanes));
  await reader.read(
    lanes,
    {
      onRecords: (records) => {
        recordsRead += records.length;
        progress.advance(records.length);
        for (const record of records) {
          // The key begins with the request's id: what is not ours is not even parsed.
          if (!record.key.startsWith(requestId)) continue;
          const decoded = decodeRecord(record);
          if (decoded.ok) events.push(decoded.logged);
        }
      },
    },
    signal,
  );
  progress.end();
  return { partition: at, events: events.sort(byTime), recordsRead };
};
