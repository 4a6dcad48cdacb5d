/** Runs the checks one after the other, and never lets one end the others. */
import type { Adapter } from './adapter.ts';
import { type Check, failed, type Finding, type Outcome } from './check.ts';
import { CHECKS } from './checks/all.ts';
import { Context, DEFAULT_LIMITS, type Limits } from './context.ts';

export interface CheckResult {
  name: string;
  /** `not reached`: a check that it rests on has failed. */
  outcome: Outcome | 'not reached';
  seen: string;
  why: string;
  ms: number;
}

export interface SuiteOptions {
  url: string;
  adapter?: Adapter | undefined;
  /** Names of checks; none means all. */
  only?: readonly string[];
  skip?: readonly string[];
  limits?: Partial<Limits>;
  onResult?: (result: CheckResult) => void;
}

/** Without an answer nothing else can be said. */
const FIRST = 'status';

const find = async (check: Check, context: Context): Promise<Finding> => {
  try {
    return await check.run(context);
  } catch (error) {
    return failed(error instanceof Error ? error.message : String(error));
  } finally {
    context.closeOpen();
  }
};

const missing = ({ name, after = [] }: Check, results: readonly CheckResult[]): string | undefined => {
  const needs = name === FIRST ? [] : [FIRST, ...after];
  return results.find((result) => needs.includes(result.name) && ['failed', 'not reached'].includes(result.outcome))?.name;
};

export const unknownNames = (names: readonly string[]): string[] =>
  names.filter((name) => !CHECKS.some((check) => check.name === name));

export const runSuite = async (options: SuiteOptions): Promise<CheckResult[]> => {
  const { url, adapter, only = [], skip = [], limits = {}, onResult } = options;
  const context = new Context({ url, ...(adapter && { adapter }) }, { ...DEFAULT_LIMITS, ...limits });
  const results: CheckResult[] = [];
  const chosen = CHECKS.filter(({ name }) => (only.length === 0 || only.includes(name)) && !skip.includes(name));
  try {
    for (const check of chosen) {
      const startedMs = performance.now();
      const blockedBy = missing(check, results);
      const finding =
        blockedBy === undefined
          ? await find(check, context)
          : { outcome: 'not reached' as const, seen: `rests on ${blockedBy}` };
      const ms = Math.round(performance.now() - startedMs);
      const result: CheckResult = { name: check.name, ...finding, why: check.why, ms };
      results.push(result);
      onResult?.(result);
    }
  } finally {
    await context.close();
  }
  return results;
};

/** What is not offered is no fault, and no pass either. */
export const isConformant = (results: readonly CheckResult[]): boolean =>
  results.every(({ outcome }) => outcome === 'passed' || outcome === 'not offered') &&
  results.some(({ outcome }) => outcome === 'passed');
