/** Which Java there is. */
import { join } from 'node:path';
import { run } from './run.ts';

/** What a broker of the 4.x line needs. */
export const JAVA_OLDEST = 17;

/** A cold JVM on a busy machine. */
const ASK_TIMEOUT_MS = 60_000;

export interface Java {
  command: string;
  major: number;
}

/** "17.0.15" → 17, "1.8.0_402" → 8. */
export const majorOf = (versionOutput: string): number | undefined => {
  const found = /version "(?:1\.)?(\d+)/.exec(versionOutput);
  return found ? Number(found[1]) : undefined;
};

/** That of `JAVA_HOME`, else the one on the path; undefined when there is none that answers. */
export const findJava = async (javaHome: string | undefined): Promise<Java | undefined> => {
  const command = javaHome ? join(javaHome, 'bin', 'java') : 'java';
  const { code, output } = await run(command, ['-version'], { timeoutMs: ASK_TIMEOUT_MS });
  const major = code === 0 ? majorOf(output) : undefined;
  return major === undefined ? undefined : { command, major };
};
