/**
 * One frame for the commands: exit code 0 done, 1 an error in one sentence, 2 something would be done and `--yes` is
 * missing. Nothing that they print holds data of a person: places, ids, reasons, counts.
 */
import { UsageError } from './arguments.ts';

export const EXIT = { done: 0, failed: 1, notMeant: 2 } as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

export const say = (line: string): void => void process.stdout.write(`${line}\n`);
export const complain = (line: string): void => void process.stderr.write(`${line}\n`);
export const sayJson = (value: unknown): void => say(JSON.stringify(value, undefined, 2));

/** Columns as wide as their widest cell, the last one as long as it is. */
export const tableOf = (heading: readonly string[], rows: readonly (readonly string[])[]): string[] => {
  const lines = [heading, ...rows];
  const widths = heading.map((_, at) => Math.max(...lines.map((line) => line[at]?.length ?? 0)));
  return lines.map((line) => line.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join('  ').trimEnd());
};

export const runCommand = async (usage: string, run: () => Promise<ExitCode>): Promise<void> => {
  try {
    process.exitCode = await run();
  } catch (error) {
    complain(sentenceOf(error));
    if (error instanceof UsageError) complain(usage);
    process.exitCode = EXIT.failed;
  }
};

/** An error of several connections has no message of its own. */
const sentenceOf = (error: unknown): string => {
  if (error instanceof AggregateError && error.message === '') return sentenceOf(error.errors[0]);
  return error instanceof Error ? error.message : String(error);
};
