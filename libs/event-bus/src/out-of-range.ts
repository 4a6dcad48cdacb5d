/** What it means that a log does not have the record that is read next, and where reading goes on. */
import { type Log, pause } from '@osago/service-kit';
import type { Questions } from './client-event-bus.ts';
import { EventBusError, type TopicPartition } from './event-bus.ts';

/** A leader that is behind for a moment is asked again after this time. */
const AGAIN_MS = 250;

export interface OutOfRange {
  readonly at: TopicPartition;
  /** What the broker does not have. */
  readonly next: bigint;
  /** The records below `next` were read in this tenure; else `next` is what the group has committed. */
  readonly wasRead: boolean;
}

/**
 * Resolves with the offset at which reading goes on, after an alarm in the log where records were lost. Rejects when the
 * log is shorter than what was read, for it was made anew: who has read the old one must not go on as if it had not.
 */
export const whereToGoOn = async (
  { questions, log }: { questions: Questions; log: Log },
  { at: { topic, partition }, next, wasRead }: OutOfRange,
): Promise<bigint> => {
  const [starts, ends] = await Promise.all([questions.startOffsets(topic), questions.endOffsets(topic)]);
  const [start = 0n, end = 0n] = [starts[partition], ends[partition]];
  const fields = { topic, partition, offset: String(next) };
  if (next < start) {
    log.error({ ...fields, count: Number(start - next) }, 'what is read next is no longer in the log: records were lost unread');
    return start;
  }
  if (next <= end) {
    await pause(AGAIN_MS, new AbortController().signal);
    return next;
  }
  if (wasRead) {
    throw new EventBusError(`the log of ${topic}/${partition} is shorter than what was read`, { retriable: false });
  }
  log.error(fields, 'the committed offset is beyond the log: it is read from its beginning');
  return start;
};
