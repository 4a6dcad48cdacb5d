/** What every part has in common. */
import type { Children, Ended } from './child.ts';

/** Shows work that takes a while; the default shows nothing. */
export type Step = <T>(title: string, work: () => Promise<T>) => Promise<T>;

export interface PartOptions {
  /** Starts the process and ends it when this one dies. */
  children: Children;
  /** The checkout: fetched binaries are kept in its `.platform/parts`. */
  root: string;
  /** The part's data goes into a folder of it and is found there at the next start. */
  dataDir: string;
  /** To come back at the address it had; any free one otherwise. */
  port?: number;
  /** Fast to start and careless of power cuts: for tests. */
  fast?: boolean;
  step?: Step;
}

/** A part that runs as a process of ours. */
export interface LocalPart {
  readonly name: string;
  readonly port: number;
  readonly pid: number | undefined;
  /** Resolves when the process is gone, for whatever reason. */
  readonly ended: Promise<Ended>;
  /** Orderly; its data stay. */
  stop(): Promise<void>;
  /** kill -9, for tests of crashes. */
  kill(): void;
}

export const showNothing: Step = (_title, work) => work();
