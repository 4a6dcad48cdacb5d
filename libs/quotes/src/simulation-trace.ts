/** What happened in one simulated life of a request, for the laws to judge and for a person to read. */
import type { LegEvent } from '@osago/contracts';
import type { LegRun, RunEffect, RunInput, RunState } from './run-state.ts';
import type { LogRecord } from './simulation-events.ts';

/** An executor of a pod: `fence` names it, together with its pod. */
interface By {
  pod: string;
  fence: number;
}

export type Entry =
  /** A pod drives the run from now on: a new one, one of its own record, or one that another holder left. */
  | ({ kind: 'began'; atMs: number; how: 'owner' | 'heir'; run: RunState; effects: readonly RunEffect[] } & By)
  | ({ kind: 'stepped'; atMs: number; input: RunInput; effects: readonly RunEffect[]; wasOver: boolean } & By)
  /** Redis has taken these legs. */
  | ({ kind: 'stored'; atMs: number; legs: readonly LegRun[] } & By)
  | ({ kind: 'superseded'; atMs: number } & By)
  | ({ kind: 'dropped'; atMs: number } & By)
  | ({ kind: 'publish-failed'; atMs: number; event: LegEvent } & By)
  | { kind: 'crashed'; atMs: number; pod: string }
  | { kind: 'paused'; atMs: number; pod: string; untilMs: number }
  | { kind: 'left'; atMs: number; pod: string }
  | { kind: 'joined'; atMs: number; pod: string }
  | { kind: 'owns'; atMs: number; pod: string }
  | { kind: 'redis'; atMs: number; what: 'flushed' | 'failed over' | 'away' | 'back' | 'reply lost' }
  | { kind: 'recorded'; atMs: number; record: LogRecord }
  /** The command stands on the log for the aggregator. */
  | { kind: 'published'; atMs: number; revision: number }
  /** The owner needs the record of this command no more. */
  | { kind: 'done'; atMs: number; pod: string; revision: number };

export interface Trace {
  readonly seed: number | string;
  readonly entries: readonly Entry[];
  /** The legs as Redis has them in the end. */
  readonly stored: readonly LegRun[];
  /** Revisions of the commands whose records are not committed in the end. */
  readonly uncommitted: readonly number[];
  readonly endedAtMs: number;
  /** Moments at which a pod could have died. */
  readonly steps: number;
}

export const entriesOf = <K extends Entry['kind']>(
  { entries }: Trace,
  kind: K,
): Extract<Entry, { kind: K }>[] =>
  entries.filter((entry): entry is Extract<Entry, { kind: K }> => entry.kind === kind);

/** One line an entry, for the eye. */
export const toldTrace = ({ entries }: Trace, sinceMs: number): string[] =>
  entries.map(({ atMs, kind, ...rest }) => `${atMs - sinceMs} ${kind} ${JSON.stringify(rest)}`);
