/** A long window as short ones: what is held of one can be let go before the next. */
import type { EventBus, Lane } from '@osago/event-bus';
import { lanesByPartition, sizeOf, type Window } from './reading.ts';

export interface TimeSlice {
  readonly lanes: readonly Lane[];
  /** All records that were written before have been read with it, and with those before it. */
  readonly readUntilMs: number;
}

export interface Slicing {
  /** The end of a window that has none. */
  readonly nowMs: number;
  readonly recordsMax: number;
  readonly partition?: number | undefined;
}

/** A slice is not cut further, however much was written in it. */
const SLICE_MS_MIN = 60_000;

/** In the order of time, each with no more than about `recordsMax` records; halved where it has more. */
export const timeSlices = async (bus: EventBus, window: Window, slicing: Slicing): Promise<TimeSlice[]> => {
  const lanes = await lanesByPartition(bus, window, slicing.partition);
  const size = sizeOf(lanes);
  if (size === 0) return [];
  const endMs = Math.min(window.toMs ?? slicing.nowMs, slicing.nowMs);
  if (size <= slicing.recordsMax || endMs - window.fromMs < SLICE_MS_MIN) {
    return [{ lanes, readUntilMs: window.toMs ?? Infinity }];
  }
  const middleMs = Math.floor((window.fromMs + endMs) / 2);
  return [
    ...(await timeSlices(bus, { fromMs: window.fromMs, toMs: middleMs }, slicing)),
    ...(await timeSlices(bus, { fromMs: middleMs, toMs: window.toMs }, slicing)),
  ];
};
