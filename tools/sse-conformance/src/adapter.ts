/**
 * What only you know about your server. Every member but `open` is optional: a check that needs one that is not there is
 * reported as not offered.
 */
import type { SseEvent } from './sse-parser.ts';

export interface Target {
  url: string;
  headers?: Readonly<Record<string, string>>;
}

/** What a reader knows: of each thing, the version it has seen. A thing may be a whole log. */
export type Versions = Readonly<Record<string, number>>;

export interface Facts {
  /** A snapshot replaces what the reader knows; a change goes on from it. */
  as: 'snapshot' | 'change';
  versions: Versions;
}

export interface Adapter {
  /** A stream to read: a fresh one each time where streams end. */
  open(): Promise<Target> | Target;

  /** What an event tells; undefined where it tells nothing (heartbeats, goodbyes, the end). */
  read?(event: SseEvent): Facts | undefined;
  /** Makes a change that readers of the target must see, or waits for one; false when none can come any more. */
  makeChange?(target: Target): Promise<unknown>;
  /** What a reader must know by now at least. */
  truth?(target: Target): Promise<Versions>;
  /** True where each version of a thing is sent, so that one left out is a gap. Without it, only being behind is. */
  sendsEveryVersion?: boolean;

  /** The same stream on the other replicas. */
  replicas?(target: Target): Promise<readonly Target[]> | readonly Target[];
  /** How many streams the server believes to be open. */
  openStreams?(): Promise<number>;

  /** Brings the stream of the target to its end; resolves when the server has taken that. */
  finish?(target: Target): Promise<void>;
  /** True for the event that says that this was all. */
  isTerminal?(event: SseEvent): boolean;

  slowReader?: {
    /** Sends about a megabyte to every reader of the target; resolves to how many bytes each must get at least. */
    flood(target: Target): Promise<number>;
    /** How long the server may keep a reader that takes nothing. */
    withinMs: number;
  };
  /** Brings the server to where it sends newcomers to the target away; `undo` takes that back. */
  shed?(): Promise<{ target: Target; undo(): Promise<void> }>;
  /** Begins the drain of the server of the target (SIGTERM). It is the last thing that is asked. */
  drain?(target: Target): Promise<void>;

  /** After the last check. */
  close?(): Promise<void>;
}

/** What an adapter file exports as default: the adapter, or what makes it of the `--url`. */
export type AdapterExport = Adapter | ((url: string) => Adapter | Promise<Adapter>);
