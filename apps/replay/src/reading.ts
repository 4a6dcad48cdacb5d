/** Windows of time as ranges of partitions, read to their end. */
import type { EventBus, Lane, LogReader, PartitionRange, ReadHandlers } from '@osago/event-bus';
import { REQUEST_TOPICS } from '@osago/contracts';
import type { Progress } from './progress.ts';
import { StoppedError } from './replay-error.ts';

export interface Reading {
  readonly reader: LogReader;
  readonly progress: Progress;
  readonly signal: AbortSignal;
}

/** Reads to the end, and shows how far it is. Throws {@link StoppedError} when it is stopped before: half is no answer. */
export const readLanes = async (
  { reader, progress, signal }: Reading,
  lanes: readonly Lane[],
  handlers: ReadHandlers,
): Promise<void> => {
  progress.begin(sizeOf(lanes));
  const onRecords: ReadHandlers['onRecords'] = (records) => {
    progress.advance(records.length);
    return handlers.onRecords(records);
  };
  try {
    await reader.read(lanes, { ...handlers, onRecords }, signal);
  } finally {
    progress.end();
  }
  if (signal.aborted) throw new StoppedError();
};

/** The clocks of the database, which dates requests, and of the broker, which dates records, may differ by so much. */
export const CLOCKS_DIFFER_MS = 60_000;

export interface Window {
  readonly fromMs: number;
  /** Not included; undefined: the end of the log as it is now. */
  readonly toMs?: number | undefined;
}

export const sizeOf = (lanes: readonly Lane[]): number =>
  lanes.flat().reduce((records, { from, to }) => records + Number(to - from), 0);

/** The ranges of one topic in a window of time, by partition; empty ones are left out. */
export const rangesOf = async (bus: EventBus, topic: string, { fromMs, toMs }: Window): Promise<PartitionRange[]> => {
  // The end is asked first, so that nothing between the two questions makes a range that goes backwards.
  const ends = await bus.endOffsets(topic);
  const starts = await (fromMs > 0 ? bus.offsetsAt(topic, fromMs) : bus.startOffsets(topic));
  const upTo = toMs === undefined ? ends : await bus.offsetsAt(topic, toMs);
  return ends.flatMap((end, partition) => {
    const from = starts[partition] ?? end;
    const wanted = upTo[partition] ?? end;
    const to = wanted < end ? wanted : end;
    return from < to ? [{ topic, partition, from, to }] : [];
  });
};

/** One lane for each partition number, with its ranges in the three topics: all that is known of its requests. */
export const lanesByPartition = async (
  bus: EventBus,
  window: Window,
  only?: number,
): Promise<Lane[]> => {
  const ranges = (await Promise.all(REQUEST_TOPICS.map((topic) => rangesOf(bus, topic, window)))).flat();
  const lanes = Map.groupBy(ranges, ({ partition }) => partition);
  return [...lanes]
    .filter(([partition]) => only === undefined || partition === only)
    .sort(([a], [b]) => a - b)
    .map(([, lane]) => lane);
};
