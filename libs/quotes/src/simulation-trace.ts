/** What happened in one simulated life of a request, for the laws to judge and for a person to read. */
import type { LegEvent } from '@osago/contracts';
import type { RunEffect, RunInput, RunState } from './run-state.ts';
import type { LogRecord } from './simulation-events.ts';

/** `fence` names the executor. */
export type Entry =
  | { kind: 'started'; atMs: number; fence: number; run: RunState; effects: readonly RunEffect[] }
  | { kind: 'resumed'; atMs: number; fence: number; run: RunState; effects: readonly RunEffect[] }
  | { kind: 'stepped'; atMs: number; fence: number; input: RunInput; effects: readonly RunEffect[]; wasOver: boolean }
  | { kind: 'crashed' | 'lease-lost' | 'stopped'; atMs: number; fence: number }
  | { kind: 'publish-failed'; atMs: number; fence: number; event: LegEvent }
  | { kind: 'recorded'; atMs: number; record: LogRecord };

export interface Trace {
  readonly seed: number | string;
  readonly entries: readonly Entry[];
  /** The run as it was stored last. */
  readonly stored: RunState;
  readonly endedAtMs: number;
}

export const entriesOf = <K extends Entry['kind']>(
  { entries }: Trace,
  kind: K,
): Extract<Entry, { kind: K }>[] =>
  entries.filter((entry): entry is Extract<Entry, { kind: K }> => entry.kind === kind);

/** One line an entry, for the eye. */
export const toldTrace = ({ entries }: Trace, sinceMs: number): string[] =>
  entries.map(({ atMs, kind, ...rest }) => `${atMs - sinceMs} ${kind} ${JSON.stringify(rest)}`);
