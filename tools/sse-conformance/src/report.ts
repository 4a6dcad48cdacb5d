/** The results for a person: a line for each check, and for each that failed why that matters. */
import { type CheckResult, isConformant } from './suite.ts';

const MARKS: Record<CheckResult['outcome'], string> = {
  passed: 'passed',
  failed: 'FAILED',
  'not offered': 'not offered',
  'not reached': 'not reached',
};

const NAME_WIDTH = 20;
const MARK_WIDTH = 13;

/** Values of the server may hold anything; a report is one line each. */
const oneLine = (text: string): string => text.replace(/\p{Cc}/gu, '?');

export const HEADING = `${'check'.padEnd(NAME_WIDTH)}${'result'.padEnd(MARK_WIDTH)}what was seen\n`;

export const resultLines = ({ name, outcome, seen, why }: CheckResult): string => {
  const line = `${name.padEnd(NAME_WIDTH)}${MARKS[outcome].padEnd(MARK_WIDTH)}${oneLine(seen)}\n`;
  return outcome === 'failed' ? `${line}${' '.repeat(NAME_WIDTH)}${'why'.padEnd(MARK_WIDTH)}${why}\n` : line;
};

export const summary = (results: readonly CheckResult[]): string => {
  const count = (outcome: CheckResult['outcome']): number => results.filter((result) => result.outcome === outcome).length;
  const parts = Object.keys(MARKS).map((outcome) => `${count(outcome as CheckResult['outcome'])} ${outcome}`);
  return `\n${parts.join(', ')}: ${isConformant(results) ? 'conformant as far as offered' : 'not conformant'}\n`;
};

export const asJson = (url: string, results: readonly CheckResult[]): string =>
  `${JSON.stringify({ url, conformant: isConformant(results), checks: results }, undefined, 2)}\n`;
