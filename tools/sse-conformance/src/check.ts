/** What a check is, and what it may find. */
import type { Context } from './context.ts';

export type Outcome = 'passed' | 'failed' | 'not offered';

export interface Finding {
  outcome: Outcome;
  /** What was seen, in one line. */
  seen: string;
}

export interface Check {
  name: string;
  /** One line: what goes wrong for people where it fails. */
  why: string;
  /** Checks without which this one says nothing: when one has failed it is not reached. */
  after?: readonly string[];
  run(context: Context): Promise<Finding>;
}

export const passed = (seen: string): Finding => ({ outcome: 'passed', seen });
export const failed = (seen: string): Finding => ({ outcome: 'failed', seen });
export const notOffered = (seen: string): Finding => ({ outcome: 'not offered', seen });

/** The first fault counts. */
export const verdict = (faults: readonly string[], seen: string): Finding =>
  faults[0] === undefined ? passed(seen) : failed(faults.slice(0, 3).join('; '));

/** For values of the server in a report of one line each. */
export const quoted = (text: string): string => {
  const short = text.length > 60 ? `${text.slice(0, 57)}...` : text;
  return JSON.stringify(short);
};
