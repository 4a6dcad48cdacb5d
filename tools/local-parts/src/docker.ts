/** Parts from the root's `docker-compose.yml`, for machines that have Docker and lack what a local process needs. */
import { run } from './run.ts';
import { PartError } from './part-error.ts';

export type ComposeService = 'postgres' | 'kafka' | 'redis';

/** An engine that is not there answers at once; one that hangs must not hold the start. */
const ASK_TIMEOUT_MS = 10_000;

/** Images are pulled the first time. */
const UP_TIMEOUT_MS = 600_000;
const STOP_TIMEOUT_MS = 60_000;

export const hasDocker = async (): Promise<boolean> =>
  (await run('docker', ['info', '--format', '{{.ServerVersion}}'], { timeoutMs: ASK_TIMEOUT_MS })).code === 0;

/** Resolves when the service is healthy. */
export const composeUp = async (root: string, service: ComposeService): Promise<void> => {
  const { code, output } = await run('docker', ['compose', 'up', '-d', '--wait', service], {
    timeoutMs: UP_TIMEOUT_MS,
    cwd: root,
  });
  if (code === 0) return;
  const last = output.trim().split('\n').at(-1) ?? '';
  throw new PartError(`Docker could not start ${service}: ${last}`);
};

export const composeStop = async (root: string, service: ComposeService): Promise<void> => {
  await run('docker', ['compose', 'stop', service], { timeoutMs: STOP_TIMEOUT_MS, cwd: root });
};
