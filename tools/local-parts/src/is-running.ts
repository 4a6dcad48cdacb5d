import { existsSync, readFileSync } from 'node:fs';

/**
 * Whether the process is there and has not ended. One that has ended keeps its number until its parent asks how; in a
 * container whose first process never asks, an orphan keeps it for ever.
 */
export const isRunning = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    // Without /proc there is nothing more to know.
    return !existsSync('/proc/self/stat') || !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
};
