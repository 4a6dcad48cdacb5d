/**
 * One platform a data folder. The holder writes where it listens and a word that only it says there: a process id alone
 * says little, for ids come back, and a file alone outlives a kill -9.
 */
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { link, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, connect, createServer } from 'node:net';
import { join } from 'node:path';
import { isRunning } from '@osago/local-parts';
import { UsageError } from './usage-error.ts';

interface Holder {
  pid: number;
  /** Where the platform is, or soon will be. */
  url: string;
  /** Ends what the holder started when the holder died. */
  reaper_pid: number | null;
  lock_port: number;
  word: string;
}

export interface Lock {
  release(): Promise<void>;
}

export interface LockOptions {
  dir: string;
  url: string;
  reaperPid: number | undefined;
  /** Says that it waits for what a dead platform left running. */
  onWait?: () => void;
}

/** The holder answers at once, unless it is stopped by a debugger or the machine is at its limit. */
const ANSWER_TIMEOUT_MS = 3000;
/** The reaper kills after 5 s. */
const REAPER_TIMEOUT_MS = 10_000;
const REAPER_POLL_MS = 100;

const isHeld = ({ lock_port: port, word }: Holder): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port });
    const end = (held: boolean): void => {
      socket.destroy();
      resolve(held);
    };
    // Who accepts and is silent is taken for a holder that has been halted.
    socket.setTimeout(ANSWER_TIMEOUT_MS, () => end(true));
    socket.once('data', (data) => end(data.toString() === word));
    socket.once('error', () => end(false));
    socket.once('end', () => end(false));
  });

const readHolder = async (path: string): Promise<Holder | undefined> => {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as Holder;
  } catch {
    return undefined;
  }
};

/** After a kill -9 its parts may still be on their way down, and hold the data. */
const untilReaped = async ({ reaper_pid: pid }: Holder, onWait: () => void): Promise<void> => {
  if (pid === null || !isRunning(pid)) return;
  onWait();
  for (const giveUpAt = Date.now() + REAPER_TIMEOUT_MS; isRunning(pid) && Date.now() < giveUpAt; ) {
    await new Promise((resolve) => setTimeout(resolve, REAPER_POLL_MS));
  }
};

const listen = async (word: string): Promise<{ port: number; close: () => void }> => {
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.end(word);
  });
  server.listen({ host: '127.0.0.1', port: 0 });
  await once(server, 'listening');
  server.unref();
  return { port: (server.address() as AddressInfo).port, close: () => server.close() };
};

/** The file appears with all of its content, or not at all. */
const create = async (path: string, holder: Holder): Promise<boolean> => {
  const whole = `${path}.${holder.word}`;
  await writeFile(whole, JSON.stringify(holder));
  try {
    await link(whole, path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  } finally {
    await rm(whole);
  }
};

/** Another start may have replaced it meanwhile; that one stays. */
const removeStale = async (path: string, stale: Holder | undefined): Promise<void> => {
  const now = await readHolder(path);
  if (now?.word === stale?.word) await rm(path, { force: true });
};

/** Throws {@link UsageError} that names the URL of the platform that has it. */
export const acquireLock = async ({ dir, url, reaperPid, onWait = () => undefined }: LockOptions): Promise<Lock> => {
  const path = join(dir, 'platform.lock');
  await mkdir(dir, { recursive: true });
  const word = randomUUID();
  const { port, close } = await listen(word);
  const holder = { pid: process.pid, url, reaper_pid: reaperPid ?? null, lock_port: port, word };
  // Twice: the second time after the lock of a dead platform was removed. More would mean several starts at once.
  for (let tries = 0; tries < 2; tries += 1) {
    if (await create(path, holder)) {
      return { release: () => (close(), rm(path, { force: true })) };
    }
    const other = await readHolder(path);
    if (other && (await isHeld(other))) {
      close();
      throw new UsageError(
        `A platform runs on ${dir} already: ${other.url} (process ${other.pid}). Use that one, stop it, ` +
          'or start a second with npm start -- --dir another-folder --port 0.',
      );
    }
    if (other) await untilReaped(other, onWait);
    await removeStale(path, other);
  }
  close();
  throw new UsageError(`Several platforms are being started on ${dir} at once.`);
};
