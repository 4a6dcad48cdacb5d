/** `npm start`: everything on one machine. The first Ctrl-C stops it in order, the second one at once. */
import { mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { Children, freePort, PartError } from '@osago/local-parts';
import { parseArguments, USAGE } from './arguments.ts';
import { checkDisk, checkPort } from './checks.ts';
import { origin } from './apps.ts';
import { acquireLock } from './lock.ts';
import { Platform } from './platform.ts';
import { createProgress } from './progress.ts';
import { UsageError } from './usage-error.ts';

const ROOT = join(import.meta.dirname, '..', '..', '..');

/** npm passes on the Ctrl-C that the terminal has sent to everybody already: that is one request, not two. */
const SAME_REQUEST_MS = 700;

const progress = createProgress(process.stdout, () => Date.now());
let children: Children | undefined;
let platform: Platform | undefined;
let askedAtMs: number | undefined;

const ask = (): void => {
  const now = Date.now();
  if (askedAtMs !== undefined) {
    if (now - askedAtMs < SAME_REQUEST_MS) return;
    children?.killAll();
    progress.say('killed');
    process.exit(130);
  }
  askedAtMs = now;
  progress.say('stopping …');
  void (platform?.stop() ?? children?.close() ?? Promise.resolve()).then(() => end(0));
};

const end = (code: number): void => {
  progress.end();
  void release().finally(() => process.exit(code));
};

let release: () => Promise<void> = () => Promise.resolve();

/** One sentence for what a person can put right, a stack for what we must. */
const sentenceOf = (error: unknown): string => {
  if (error instanceof UsageError || error instanceof PartError) return error.message;
  if ((error as NodeJS.ErrnoException | undefined)?.code === 'ENOSPC') {
    return 'The disk is full: free some space, or choose a folder on another disk with --dir.';
  }
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
};

const start = async (): Promise<void> => {
  const cwd = process.env['INIT_CWD'] ?? process.cwd();
  const wanted = parseArguments(process.argv.slice(2), { root: ROOT, cwd });
  if (wanted === undefined) {
    process.stdout.write(`${USAGE}\n`);
    process.exit(0);
  }
  const startedAtMs = Date.now();
  await mkdir(wanted.dir, { recursive: true });
  children = new Children({ logDir: join(wanted.dir, 'logs') });
  const port = wanted.port === 0 ? await freePort() : wanted.port;
  const onWait = (): void => progress.say('waiting for the parts of a platform that was killed');
  const lock = await acquireLock({ dir: wanted.dir, url: origin(port), reaperPid: children.reaperPid, onWait });
  release = () => lock.release();
  await checkPort(port);
  await checkDisk(wanted.dir);
  const { INSURERS_FILE } = process.env;
  const env = { ...process.env, ...(INSURERS_FILE && { INSURERS_FILE: resolve(cwd, INSURERS_FILE) }) };
  if (askedAtMs !== undefined) return;
  platform = new Platform({ root: ROOT, children, progress, env }, { ...wanted, port });
  const { url } = await platform.start();
  progress.say(`\n  ready after ${((Date.now() - startedAtMs) / 1000).toFixed(1)} s:  ${url}\n`);
};

// A terminal that is gone can no longer be written to; that must not keep us from stopping.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, ask);
process.on('disconnect', ask);

start().catch(async (error: unknown) => {
  // While it is being stopped, what was still starting fails; that is no news.
  if (askedAtMs !== undefined) return;
  askedAtMs = Date.now();
  progress.end();
  process.stderr.write(`\n${sentenceOf(error)}\n`);
  await platform?.stop();
  await children?.close();
  end(1);
});
