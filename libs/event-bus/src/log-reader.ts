/**
 * Bounded reading, beside the bus, whose tail takes every partition of a topic and has no end: given ranges of single
 * partitions, each from an offset to an offset, once, in order. Nothing is committed.
 */
import type { LogRecord, TopicPartition } from './event-bus.ts';

export interface PartitionRange extends TopicPartition {
  readonly from: bigint;
  /** Not included. */
  readonly to: bigint;
}

/**
 * Ranges of different partitions, read side by side; a lane begins when the former is through. A partition may be in several
 * lanes, each time further on.
 */
export type Lane = readonly PartitionRange[];

export interface ReadHandlers {
  /** Records of one partition, in order. The next ones come after it resolves. */
  onRecords(records: readonly LogRecord[]): void | Promise<void>;
  onLaneEnd?(lane: number): void | Promise<void>;
}

/** Rejects with an EventBusError when the broker cannot be read; resolves early when `signal` aborts. */
export interface LogReader {
  read(lanes: readonly Lane[], handlers: ReadHandlers, signal: AbortSignal): Promise<void>;
}
