/** The parent's end of `reaper-process.mjs`: what is told here is ended or removed when this process is gone. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { Socket } from 'node:net';

export interface Reaper {
  readonly pid: number | undefined;
  started(pid: number): void;
  ended(pid: number): void;
  /** The folder is removed at the end, whatever the end is. */
  remove(folder: string): void;
  /** Ends what is left and removes the folders. */
  close(): Promise<void>;
}

/** `graceMs`: from TERM to KILL for what is left when this process dies. */
export const startReaper = (graceMs: number): Reaper => {
  const reaper = spawn(process.execPath, [join(import.meta.dirname, 'reaper-process.mjs'), String(graceMs)], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
    cwd: '/',
  });
  const exited = once(reaper, 'exit');
  exited.catch(() => undefined);
  const pipe = reaper.stdin;
  // A reaper that was killed by hand must not take the platform with it.
  pipe.on('error', () => undefined);
  reaper.unref();
  if (pipe instanceof Socket) pipe.unref();
  const tell = (line: string): void => void pipe.write(`${line}\n`);
  return {
    pid: reaper.pid,
    started: (pid) => tell(`start ${pid}`),
    ended: (pid) => tell(`end ${pid}`),
    remove: (folder) => tell(`remove ${folder}`),
    close: async () => {
      reaper.ref();
      pipe.end();
      await exited;
    },
  };
};
