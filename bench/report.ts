/** What every bench prints and keeps: a row a metric, ours beside the floor of the same run, and whether the goal is met. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';

export interface Row {
  metric: string;
  unit: string;
  ours: number;
  floor?: number;
  /** Of the rounds' values of ours: (largest − smallest) ÷ median. */
  spread?: number;
  /** Undefined: reported, not judged. */
  goal?: { text: string; met: boolean };
}

const OUT = join(import.meta.dirname, 'out');

export const median = (values: readonly number[]): number => quantile(values, 0.5);

/** The value below which the share `q` of them lies; NaN of none. */
export const quantile = (values: readonly number[], q: number): number => {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? Number.NaN;
};

export const spreadOf = (values: readonly number[]): number =>
  (Math.max(...values) - Math.min(...values)) / median(values);

const short = (value: number | undefined): string => {
  if (value === undefined) return '';
  if (value >= 1_000) return value.toFixed(0);
  return value >= 10 ? value.toFixed(1) : value.toFixed(2);
};

/** Prints the table, writes `bench/out/<name>.json` and, unless `isQuick`, sets the exit code by the goals. */
export const report = (name: string, rows: readonly Row[], { isQuick }: { isQuick: boolean }): void => {
  const ratioOf = ({ ours, floor }: Row): number | undefined => (floor === undefined ? undefined : ours / floor);
  const lines = rows.map((row) => [
    row.metric,
    row.unit,
    short(row.ours),
    short(row.floor),
    short(ratioOf(row)),
    row.spread === undefined ? '' : `${(row.spread * 100).toFixed(0)} %`,
    row.goal?.text ?? '',
    row.goal === undefined ? '' : row.goal.met ? 'met' : 'MISSED',
  ]);
  const all = [['metric', 'unit', 'ours', 'floor', 'ratio', 'spread', 'goal', ''], ...lines];
  const widths = all[0]?.map((_, at) => Math.max(...all.map((line) => line[at]?.length ?? 0))) ?? [];
  for (const line of all) {
    process.stdout.write(`${line.map((cell, at) => (at === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[at] ?? 0))).join('  ')}\n`);
  }
  mkdirSync(OUT, { recursive: true });
  const kept = rows.map(({ metric, unit, ours, floor, goal, ...rest }) => ({
    metric, unit, ours, floor, ratio: ratioOf({ metric, unit, ours, ...(floor !== undefined && { floor }) }),
    goal: goal?.text, met: goal?.met, ...rest,
  }));
  const result = { name, at: new Date().toISOString(), node: process.version, cpus: cpus().length, quick: isQuick, rows: kept };
  writeFileSync(join(OUT, `${name}.json`), `${JSON.stringify(result, undefined, 2)}\n`);
  if (!isQuick && rows.some(({ goal }) => goal?.met === false)) process.exitCode = 1;
};
