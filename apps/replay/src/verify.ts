/** The oracle over topics and database. It reads the log from the window's begin to its end, then asks the database. */
import { TOPICS } from '@osago/contracts';
import type { EventBus } from '@osago/event-bus';
import type { Clock } from '@osago/service-kit';
import type { Database } from './database.ts';
import type { LoggedEvent } from './logged-event.ts';
import { lanesByPartition, readLanes, type Reading, type Window } from './reading.ts';
import { archiveViolations, missingOnLog } from './verify-archive.ts';
import { VerifyLane } from './verify-lane.ts';
import { historyOf, type Violation, violationsOf } from './verify-rules.ts';

export interface VerifyDeps extends Reading {
  readonly bus: EventBus;
  /** Undefined: topics only. */
  readonly database: Pick<Database, 'acceptedIn' | 'requests'> | undefined;
  readonly clock: Clock;
}

export interface Verified {
  readonly records: number;
  readonly requests: number;
  readonly repeated: number;
  readonly violations: readonly Violation[];
}

/** Postgres and the broker have clocks of their own: requests so near to an end of the window are not missed in it. */
const EDGE_MS = 60_000;

/** When the submitted record was written; undefined while it is not among the events. */
const submittedAtMs = (events: readonly LoggedEvent[]): number | undefined =>
  events.find(({ event }) => event.type === 'osago.request.submitted.v1')?.timestampMs;

export const verify = async (deps: VerifyDeps, window: Window): Promise<Verified> => {
  const { bus, database, clock } = deps;
  const toMs = window.toMs ?? Infinity;
  const violations: Violation[] = [];
  // One by one: of a log of somebody else every record is one, and a call takes no more than some ten thousand arguments.
  const found = (more: readonly Violation[]): void => more.forEach((violation) => violations.push(violation));
  const partitions = new Map<string, number>();
  const strays: LoggedEvent[] = [];
  const firstWrittenMs = new Map<number, number>();
  let [records, requests, repeated] = [0, 0, 0];
  const readToEndAtMs = clock.nowMs();
  const lanes = await lanesByPartition(bus, { fromMs: window.fromMs });
  let lane = new VerifyLane();

  const endLane = async (): Promise<void> => {
    const ended = lane;
    lane = new VerifyLane();
    found(ended.violations);
    repeated += ended.repeated;
    const histories = ended.requests().flatMap(([requestId, events]) => {
      const atMs = submittedAtMs(events);
      if (atMs === undefined) {
        strays.push(...events);
        return [];
      }
      partitions.set(requestId, events[0]?.partition ?? 0);
      const history = atMs < toMs ? historyOf(requestId, events) : undefined;
      return history === undefined ? [] : [history];
    });
    requests += histories.length;
    found(histories.flatMap((history) => violationsOf(history, readToEndAtMs)));
    if (database === undefined) return;
    const archived = new Map(
      (await database.requests(histories.map(({ request_id }) => request_id))).map((row) => [row.request_id, row]),
    );
    found(histories.flatMap((history) => archiveViolations(history, archived.get(history.request_id), readToEndAtMs)));
  };

  await readLanes(deps, lanes, {
    onRecords: (batch) => {
      records += batch.length;
      for (const record of batch) {
        if (record.topic === TOPICS.requests && !firstWrittenMs.has(record.partition)) {
          firstWrittenMs.set(record.partition, record.timestampMs);
        }
        lane.add(record);
      }
    },
    onLaneEnd: endLane,
  });
  found(strayViolations(strays, partitions));
  if (database !== undefined) {
    const beganMs = await retentionBeganMs(bus, firstWrittenMs);
    const untilMs = window.toMs === undefined ? readToEndAtMs : Math.min(window.toMs, readToEndAtMs) - EDGE_MS;
    const accepted = await database.acceptedIn(Math.max(window.fromMs, beganMs) + EDGE_MS, untilMs);
    const missing = accepted.filter((requestId) => !partitions.has(requestId));
    found((await database.requests(missing)).flatMap((row) => missingOnLog(row, readToEndAtMs)));
  }
  return { records, requests, repeated, violations };
};

/** Since when the log is whole: what retention has taken away is not missing. */
const retentionBeganMs = async (bus: EventBus, firstWrittenMs: ReadonlyMap<number, number>): Promise<number> => {
  const starts = await bus.startOffsets(TOPICS.requests);
  const cut = starts.flatMap((start, partition) => (start > 0n ? [firstWrittenMs.get(partition) ?? 0] : []));
  return Math.max(0, ...cut);
};

/** Events without their request beside them: of an older request, or on a wrong partition. */
const strayViolations = (strays: readonly LoggedEvent[], partitions: ReadonlyMap<string, number>): Violation[] =>
  strays.flatMap(({ topic, partition, offset, event }) => {
    const { request_id } = event.data;
    const home = partitions.get(request_id);
    if (home === undefined) return [];
    const says = `its request is on partition ${home}`;
    return [{ rule: 'one-partition' as const, request_id, place: `${topic}-${partition}-${offset}`, says }];
  });
