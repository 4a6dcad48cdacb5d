/** A rule joins members of an application. It runs only where the members it reads have no fault of their own. */
import type { Application, Fault, FaultCode } from '@osago/contracts';
import type { RuleSettings } from './rule-settings.ts';

export type Report = (pointer: string, code: FaultCode, params?: Fault['params']) => void;

export interface Rule {
  /** JSON Pointers. */
  reads: readonly string[];
  check: (report: Report) => void;
}

/** What rules look at. */
export interface Examined {
  application: Application;
  /** The day in Moscow, `YYYY-MM-DD`. */
  today: string;
  settings: RuleSettings;
}

export const notLater = (date: string | undefined, limit: string, pointer: string): Rule => ({
  reads: [pointer],
  check: (report) => {
    if (date !== undefined && date > limit) report(pointer, 'in_future');
  },
});
