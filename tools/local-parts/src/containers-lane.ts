/** The lane `npm run test:containers`: whether it can run, and which infra tests are not in it. */
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Engine, NO_ENGINE } from './containers.ts';

/** What starts a part of the test's own, as a process of this machine. */
const STARTS_ITS_OWN = /\b(startKafka|startPostgres|startRedis|ownRedis|ownCluster|kafkaJars)\b/;

/**
 * Infra tests that start, stop, freeze or kill parts of their own, as processes of this machine: containers on an engine
 * that may run elsewhere cannot stand in for them. Paths from the root, with slashes, in order.
 */
export const localOnly = (root: string): string[] =>
  globSync('{apps,libs,tools}/*/src/**/*.infra.test.ts', { cwd: root })
    .filter((file) => STARTS_ITS_OWN.test(readFileSync(join(root, file), 'utf8')))
    .map((file) => file.replaceAll('\\', '/'))
    .sort();

export const whatIsLeftOut = (files: readonly string[]): string =>
  [
    '── not in this lane, but in npm run test:infra: tests that stop or kill parts of their own',
    ...files.map((file) => `   ${file}`),
  ].join('\n');

/** Whether the lane can run; says what it leaves out, or why it cannot. */
export const beginLane = async (
  engine: Pick<Engine, 'greet'>,
  leftOut: readonly string[],
  { say, complain }: { say: (text: string) => void; complain: (text: string) => void },
): Promise<boolean> => {
  try {
    await engine.greet();
  } catch {
    complain(NO_ENGINE);
    return false;
  }
  say(whatIsLeftOut(leftOut));
  return true;
};
