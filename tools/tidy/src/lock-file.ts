/**
 * `node tools/tidy/src/lock-file.ts`: completes package-lock.json. npm writes no entry for an optional package of another
 * system when its registry has none, and then `npm ci` refuses the lock file on every system. The entries made here have
 * no checksum: only machines of that system fetch them.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readText, ROOT } from './repository.ts';

export interface LockEntry {
  version?: string;
  dev?: boolean;
  optional?: boolean;
  os?: string[];
  cpu?: string[];
  libc?: string[];
  dependencies?: Record<string, string>;
  optionalDependencies?: Record<string, string>;
}

export type LockPackages = Readonly<Record<string, LockEntry>>;

export interface Missing {
  /** The package that wants it. */
  of: string;
  name: string;
  version: string;
}

/** Where Node would look for a package from this one, upwards. */
const placesFrom = (at: string): string[] => {
  const parts = at.split('/node_modules/');
  return ['', ...parts.map((_, end) => `${parts.slice(0, end + 1).join('/node_modules/')}/`)];
};

export const packagesMissing = (packages: LockPackages): Missing[] =>
  Object.entries(packages).flatMap(([at, { dependencies, optionalDependencies }]) =>
    Object.entries({ ...dependencies, ...optionalDependencies })
      .filter(([name]) => !placesFrom(at).some((place) => `${place}node_modules/${name}` in packages))
      .map(([name, version]) => ({ of: at, name, version })),
  );

const SYSTEMS = ['aix', 'android', 'darwin', 'freebsd', 'linux', 'netbsd', 'openbsd', 'openharmony', 'sunos', 'win32'];

/** What the name says: `@swc/core-linux-arm64-gnu`. Undefined where it names no system. */
export const platformOf = (name: string): Pick<LockEntry, 'os' | 'cpu' | 'libc'> | undefined => {
  const parts = name.slice(name.indexOf('/') + 1).split('-');
  const at = parts.findIndex((part) => SYSTEMS.includes(part));
  const [os, cpu, abi] = parts.slice(at);
  if (at < 0 || os === undefined || cpu === undefined) return undefined;
  const libc = abi?.startsWith('gnu') ? 'glibc' : abi?.startsWith('musl') ? 'musl' : undefined;
  return { os: [os], cpu: [cpu], ...(os === 'linux' && libc !== undefined && { libc: [libc] }) };
};

/** With an entry for each optional package whose name says for which system it is; other gaps stay. */
export const completed = (packages: LockPackages): LockPackages => {
  const added = packagesMissing(packages).flatMap(({ of, name, version }): [string, LockEntry][] => {
    const wanting = packages[of];
    const platform = platformOf(name);
    if (platform === undefined || wanting?.optionalDependencies?.[name] === undefined) return [];
    return [[`node_modules/${name}`, { version, ...(wanting.dev && { dev: true }), optional: true, ...platform }]];
  });
  return Object.fromEntries(
    [...Object.entries(packages), ...added].sort(([a], [b]) => a.localeCompare(b, 'en')),
  );
};

if (import.meta.main) {
  const lock = JSON.parse(readText('package-lock.json')) as { packages: LockPackages };
  const packages = completed(lock.packages);
  writeFileSync(join(ROOT, 'package-lock.json'), `${JSON.stringify({ ...lock, packages }, undefined, 2)}\n`);
  process.stdout.write(`${Object.keys(packages).length - Object.keys(lock.packages).length} entries added\n`);
}
