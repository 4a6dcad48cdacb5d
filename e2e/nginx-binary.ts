/**
 * Where nginx is: NGINX in the environment, else on the PATH, else Debian's package, fetched and unpacked without root
 * and without touching what is installed. It takes a few seconds, once; the result is kept in `.platform/parts`.
 */
import { execFile } from 'node:child_process';
import { access, constants, mkdir, readdir, rename, rm } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { ROOT } from './platform.ts';

export interface NginxBinary {
  path: string;
  /** Of the libraries that came along. */
  env: Record<string, string>;
}

const KEPT = join(ROOT, '.platform', 'parts', 'nginx-debian');
/** Debian 11 and Ubuntu 22 have the program in the second, and nothing in the first. */
const PACKAGES = ['nginx', 'nginx-core'];
/** A part of the system, and the same for every program. */
const LIBC = 'libc6';
const PROGRAM = 'usr/sbin/nginx';
/** A slow mirror; lists are about 14 MB. */
const APT_MS_MAX = 120_000;

const isProgram = (path: string): Promise<boolean> =>
  access(path, constants.X_OK).then(
    () => true,
    () => false,
  );

const run = async (command: string, args: readonly string[], cwd: string): Promise<string> => {
  const { stdout } = await promisify(execFile)(command, args, { cwd, env: process.env, timeout: APT_MS_MAX });
  return stdout;
};

/** Lists and caches of its own: those of the system may be empty, old, or for root alone. */
const aptIn = async (dir: string) => {
  await mkdir(join(dir, 'state/lists/partial'), { recursive: true });
  await mkdir(join(dir, 'cache/archives/partial'), { recursive: true });
  const settings = [
    `Dir::State=${join(dir, 'state')}`,
    'Dir::State::status=/var/lib/dpkg/status',
    `Dir::Cache=${join(dir, 'cache')}`,
    'Debug::NoLocking=1',
    'APT::Sandbox::User=',
  ].flatMap((setting) => ['-o', setting]);
  return {
    get: (...args: string[]) => run('apt-get', ['-q', ...settings, ...args], dir),
    cache: (...args: string[]) => run('apt-cache', [...settings, ...args], dir),
  };
};

/** One source that is away, or a hook that is for root, makes it "fail": what counts is what can be fetched after it. */
const update = async (apt: Awaited<ReturnType<typeof aptIn>>): Promise<string> =>
  apt.get('update').then(
    () => '',
    (error: unknown) => ` (${(error as Error).message.trim().split('\n').at(-1) ?? ''})`,
  );

const unpack = async (dir: string): Promise<void> => {
  for (const name of await readdir(dir)) {
    if (!name.endsWith('.deb')) continue;
    await run('dpkg-deb', ['-x', name, dir], dir);
    await rm(join(dir, name));
  }
};

const fetchInto = async (dir: string): Promise<void> => {
  const apt = await aptIn(dir);
  const complaint = await update(apt);
  for (const name of PACKAGES) {
    await apt.get('download', name).catch((error: unknown) => {
      throw new Error(`apt-get could not fetch ${name}${complaint}`, { cause: error });
    });
    await unpack(dir);
    if (!(await isProgram(join(dir, PROGRAM)))) continue;
    const needs = (await apt.cache('depends', '--important', name)).matchAll(/Depends: (lib\S+)/g);
    const libraries = [...new Set([...needs].map(([, library = '']) => library))].filter((library) => library !== LIBC);
    await apt.get('download', ...libraries);
    await unpack(dir);
    for (const lists of ['state', 'cache']) await rm(join(dir, lists), { recursive: true, force: true });
    return;
  }
  throw new Error(`none of the packages ${PACKAGES.join(', ')} holds ${PROGRAM}`);
};

/** A folder of that name is complete: it is filled under another one first. Throws with a sentence that says what to do. */
export const fetchNginx = async (kept: string): Promise<NginxBinary> => {
  // A hiccup of a mirror is worth a second try.
  if (!(await isProgram(join(kept, PROGRAM)))) await fetchOnce(kept).catch(() => fetchOnce(kept));
  return { path: join(kept, PROGRAM), env: { LD_LIBRARY_PATH: (await libraryDirs(kept)).join(':') } };
};

const fetchOnce = async (kept: string): Promise<void> => {
  const partial = `${kept}.${process.pid}.partial`;
  try {
    await mkdir(partial, { recursive: true });
    await fetchInto(partial);
    await rm(kept, { recursive: true, force: true });
    await rename(partial, kept);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    const remedy = 'Install it (apt-get install nginx, brew install nginx) or set NGINX to where it is.';
    throw new Error(`nginx is not on the PATH and could not be fetched as a Debian package: ${why}. ${remedy}`, { cause: error });
  } finally {
    await rm(partial, { recursive: true, force: true });
  }
};

const libraryDirs = async (kept: string): Promise<string[]> => {
  const entries = await readdir(kept, { recursive: true, withFileTypes: true });
  const libraries = entries.filter(({ name }) => /^lib.*\.so/.test(name));
  return [...new Set(libraries.map(({ parentPath }) => parentPath))];
};

/** Throws with a sentence that says what to install. */
export const findNginx = async (): Promise<NginxBinary> => {
  const { NGINX, PATH = '' } = process.env;
  // Debian has it where only root's PATH leads.
  const dirs = [...PATH.split(delimiter), '/usr/sbin', '/usr/local/sbin'];
  for (const path of NGINX ? [NGINX] : dirs.map((dir) => join(dir, 'nginx'))) {
    if (await isProgram(path)) return { path, env: {} };
  }
  if (NGINX) throw new Error(`NGINX is ${NGINX}, which is no program.`);
  return fetchNginx(KEPT);
};
