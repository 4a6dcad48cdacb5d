/** The rules between the log and Postgres. */
import { isDeepStrictEqual } from 'node:util';
import { REQUEST_TOPICS } from '@osago/contracts';
import type { ArchivedRequest } from './database.ts';
import { placeOf } from './logged-event.ts';
import type { RequestHistory, Violation } from './verify-rules.ts';

/** The archive writes five times a second; a database may be away for some seconds. */
const ARCHIVE_SLACK_MS = 15_000;
/** The relay sends at once, and looks again every second. */
const PUBLISH_SLACK_MS = 15_000;

/** `nowMs` is when the log was read to its end; the database is asked after. */
export const archiveViolations = (
  history: RequestHistory,
  archived: ArchivedRequest | undefined,
  nowMs: number,
): Violation[] => {
  const { request_id, events, state } = history;
  const first = events[0];
  if (archived === undefined) {
    const place = first && { place: placeOf(first) };
    const says = 'it is on the log, and the database has no such request';
    return [{ rule: 'one-request-record', request_id, ...place, says }];
  }
  const found: Violation[] = [];
  if (first !== undefined && archived.partition !== first.partition) {
    const says = `the database says partition ${archived.partition}`;
    found.push({ rule: 'one-partition', request_id, place: placeOf(first), says });
  }
  const held = archived.offsets ?? [-1n, -1n, -1n];
  const isMoving = state.offsets.some((offset, at) => BigInt(offset) < (held[at] ?? -1n));
  const newestMs = Math.max(...events.map(({ timestampMs }) => timestampMs));
  // It went on after we read the log, or the archive may still be about to write.
  if (isMoving || nowMs - newestMs < ARCHIVE_SLACK_MS) return found;
  REQUEST_TOPICS.forEach((topic, at) => {
    const onLog = BigInt(state.offsets[at] ?? -1);
    if (onLog === (held[at] ?? -1n)) return;
    const place = placeOf({ topic, partition: archived.partition, offset: onLog });
    found.push({ rule: 'archive', request_id, place, says: `the archive has seen ${topic} up to ${held[at]} only` });
  });
  return [...found, ...legViolations(history, archived)];
};

const legViolations = ({ request_id, events, state }: RequestHistory, archived: ArchivedRequest): Violation[] => {
  const insurers = new Set([...Object.keys(state.legs), ...archived.legs.map(({ insurer_id }) => insurer_id)]);
  return [...insurers].flatMap((insurer_id): Violation[] => {
    const onLog = state.legs[insurer_id];
    const inArchive = archived.legs.find((leg) => leg.insurer_id === insurer_id);
    const logged = events.find(({ event }) => event.id === (onLog?.id ?? inArchive?.event_id));
    if (onLog !== undefined && inArchive !== undefined && isDeepStrictEqual(logged?.event, inArchive.event)) return [];
    const says = `${insurer_id}: the log has ${onLog?.id ?? 'nothing'}, the archive ${inArchive?.event_id ?? 'nothing'}`;
    const note = onLog?.id === inArchive?.event_id ? `${says}, with another content` : says;
    return [{ rule: 'archive', request_id, ...(logged && { place: placeOf(logged) }), says: note }];
  });
};

/** An accepted request that the log does not have; those that wait in the outbox are to come. */
export const missingOnLog = (archived: ArchivedRequest, nowMs: number): Violation[] => {
  if (archived.unpublished > 0 || nowMs - archived.acceptedAtMs < PUBLISH_SLACK_MS) return [];
  const { request_id, partition } = archived;
  return [{ rule: 'one-request-record', request_id, says: `accepted, and not on the log (partition ${partition})` }];
};
