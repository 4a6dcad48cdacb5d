/**
 * Processes that belong to this one. Each has a process group of its own, so a Ctrl-C in the terminal reaches only
 * this process, which stops them in its own order. What they print goes to `<logDir>/<name>.log`.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { type Reaper, startReaper } from './reaper.ts';

export interface ChildSpec {
  /** Also the name of its log file. */
  name: string;
  command: string;
  args: readonly string[];
  env?: Readonly<Record<string, string | undefined>>;
  cwd?: string;
  /** Another user to run as; only root can. */
  user?: { uid: number; gid: number } | undefined;
  /** A channel whose end tells the child that its parent is gone. */
  ipc?: boolean;
  /** How it is asked to stop; SIGTERM unless told otherwise. */
  stopSignal?: NodeJS.Signals;
  /** From the request to stop until it is killed. */
  graceMs: number;
}

export interface Ended {
  code: number | null;
  signal: NodeJS.Signals | null;
  /** Why it could not be started at all. */
  error?: Error;
}

export interface Child {
  readonly name: string;
  /** Undefined when it could not be started at all. */
  readonly pid: number | undefined;
  /** Never rejects. */
  readonly ended: Promise<Ended>;
  readonly logFile: string;
  /** The end of its log, without blank lines. */
  lastLines(count: number): string[];
  /** Asks it to stop, kills it after its grace, resolves when it is gone. */
  stop(): Promise<void>;
  kill(): void;
}

/** From TERM to KILL when the parent died: a broker with much to flush takes under two seconds. */
const ORPHAN_GRACE_MS = 5000;

export interface ChildrenOptions {
  logDir: string;
  orphanGraceMs?: number;
}

export class Children {
  readonly #logDir: string;
  readonly #reaper: Reaper;
  readonly #running = new Set<Child>();
  readonly #named = new Set<string>();
  #closed = false;

  constructor({ logDir, orphanGraceMs = ORPHAN_GRACE_MS }: ChildrenOptions) {
    mkdirSync(logDir, { recursive: true });
    this.#logDir = logDir;
    this.#reaper = startReaper(orphanGraceMs);
  }

  /** The process that ends the children when this one dies; as long as it lives, some of them may. */
  get reaperPid(): number | undefined {
    return this.#reaper.pid;
  }

  /** Never throws for the child's sake: one that cannot be started has `ended` at once. */
  spawn(spec: ChildSpec): Child {
    const logFile = join(this.#logDir, `${spec.name}.log`);
    const started = this.#start(spec, logFile);
    const { pid } = started;
    if (pid !== undefined) this.#reaper.started(pid);
    const ended = new Promise<Ended>((resolve) => {
      started.once('exit', (code, signal) => resolve({ code, signal }));
      started.on('error', (error) => {
        // Also told when a signal could not be sent; then it still runs.
        if (pid === undefined) resolve({ code: null, signal: null, error });
      });
    });
    const child = childOf(spec, started, ended, logFile);
    this.#running.add(child);
    void ended.then(() => {
      this.#running.delete(child);
      if (pid !== undefined) this.#reaper.ended(pid);
    });
    return child;
  }

  /**
   * The folder is removed at {@link close}, and when this process dies before. Its name must begin with `osago-`: a
   * mistake in a path must not empty somebody else's folder.
   */
  removeAtEnd(folder: string): void {
    if (!basename(folder).startsWith('osago-')) throw new Error(`${folder} is not a folder to remove`);
    this.#reaper.remove(folder);
  }

  /** From now on {@link spawn} throws, so that work under way cannot start anything behind the back of a stop. */
  spawnNoMore(): void {
    this.#closed = true;
  }

  /** Stops all that still run, at once, and then what keeps watch over them. */
  async close(): Promise<void> {
    this.spawnNoMore();
    await Promise.all([...this.#running].map((child) => child.stop()));
    await this.#reaper.close();
  }

  killAll(): void {
    this.spawnNoMore();
    for (const child of this.#running) child.kill();
  }

  #start(spec: ChildSpec, logFile: string): ChildProcess {
    if (this.#closed) throw new Error(`${spec.name} was to be started after the end`);
    // The log of the former start of the platform goes, that of the former crash within this one stays.
    const log = openSync(logFile, this.#named.has(spec.name) ? 'a' : 'w');
    this.#named.add(spec.name);
    try {
      return spawn(spec.command, spec.args, {
        detached: true,
        stdio: ['ignore', log, log, ...(spec.ipc ? (['ipc'] as const) : [])],
        env: spec.env ?? process.env,
        cwd: spec.cwd ?? this.#logDir,
        ...spec.user,
      });
    } finally {
      closeSync(log);
    }
  }
}

const childOf = (spec: ChildSpec, started: ChildProcess, ended: Promise<Ended>, logFile: string): Child => {
  const kill = (): void => {
    if (started.pid !== undefined) signalGroup(started.pid, 'SIGKILL');
  };
  return {
    name: spec.name,
    pid: started.pid,
    ended,
    logFile,
    lastLines: (count) =>
      readFileSync(logFile, 'utf8').split('\n').filter((line) => line.trim() !== '').slice(-count),
    kill,
    stop: async () => {
      started.kill(spec.stopSignal ?? 'SIGTERM');
      const killer = setTimeout(kill, spec.graceMs);
      await ended;
      clearTimeout(killer);
    },
  };
};

const signalGroup = (pid: number, signal: NodeJS.Signals): void => {
  try {
    process.kill(-pid, signal);
  } catch {
    // It is gone already, which is what was wanted.
  }
};
