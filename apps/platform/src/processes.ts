/** Starts our own programs under the Node that runs this one, and asks whether they are ready. */
import { join } from 'node:path';
import { type Child, type Children, PartError, type Step, untilReady } from '@osago/local-parts';
import type { AppSpec } from './apps.ts';

/** A catch-up over a full log on a small machine; a pod that needs longer does not come up. */
const READY_TIMEOUT_MS = 180_000;
const PROBE_TIMEOUT_MS = 3000;
/** Above the time that the apps give themselves (apps.ts). */
const GRACE_MS = 10_000;

/** Type stripping is stable enough for us; the second is harmless and kafkajs's; the third is that of the Dockerfile. */
const NODE_FLAGS = [
  '--disable-warning=ExperimentalWarning',
  '--disable-warning=TimeoutNegativeWarning',
  '--max-semi-space-size=64',
];

export interface Launch {
  root: string;
  children: Children;
  /** What the programs inherit. */
  env: Readonly<Record<string, string | undefined>>;
}

export const spawnApp = ({ root, children, env }: Launch, { name, main, env: own }: AppSpec): Child =>
  children.spawn({
    name,
    command: process.execPath,
    args: [...NODE_FLAGS, join(root, main)],
    env: { ...env, ...own },
    cwd: root,
    ipc: true,
    graceMs: GRACE_MS,
  });

/** Throws {@link PartError} with the last lines of its log. */
export const untilAppReady = (child: Child, { name, readyUrl }: AppSpec): Promise<void> =>
  untilReady(child, {
    what: name,
    timeoutMs: READY_TIMEOUT_MS,
    probe: async () => {
      const answer = await fetch(readyUrl, { signal: AbortSignal.timeout(PROBE_TIMEOUT_MS) });
      await answer.body?.cancel();
      return answer.ok;
    },
  });

export interface Task {
  /** Of its log, and of the step. */
  name: string;
  main: string;
  args?: readonly string[];
  env: Readonly<Record<string, string>>;
}

/** Runs a program to its end. Throws {@link PartError} with its last lines when that is not a success. */
export const runTask = async ({ root, children, env }: Launch, task: Task, step: Step): Promise<void> => {
  await step(task.name, async () => {
    const child = children.spawn({
      name: task.name.replaceAll(' ', '-'),
      command: process.execPath,
      args: [...NODE_FLAGS, join(root, task.main), ...(task.args ?? [])],
      env: { ...env, ...task.env },
      cwd: root,
      graceMs: GRACE_MS,
    });
    const { code, signal } = await child.ended;
    if (code === 0) return;
    const why = signal ?? `code ${code}`;
    throw new PartError([`The step "${task.name}" failed (${why}):`, ...child.lastLines(10)].join('\n  '));
  });
};
