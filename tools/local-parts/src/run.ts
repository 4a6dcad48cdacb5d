/** Runs a command to its end and keeps what it printed; for questions like `java -version`. */
import { spawn } from 'node:child_process';

export interface Ran {
  /** Undefined when it could not be started, or was killed. */
  code: number | undefined;
  output: string;
}

/** Never rejects. The command is killed after `timeoutMs`. */
export const run = (
  command: string,
  args: readonly string[],
  { timeoutMs, cwd }: { timeoutMs: number; cwd?: string },
): Promise<Ran> =>
  new Promise((resolve) => {
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], ...(cwd && { cwd }) });
    // Not spawn's own option: its timer outlives a command that could not be started.
    const killer = setTimeout(() => child.kill('SIGKILL'), timeoutMs);
    let output = '';
    const end = (ran: Ran): void => {
      clearTimeout(killer);
      resolve(ran);
    };
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
    child.once('error', (error) => end({ code: undefined, output: error.message }));
    child.once('close', (code) => end({ code: code ?? undefined, output }));
  });
