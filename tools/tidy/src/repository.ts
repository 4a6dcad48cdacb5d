/** The files of the repository: those that git has or would take. Without git, those of a walk past what is ignored. */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export const ROOT = join(import.meta.dirname, '..', '..', '..');

export const readText = (path: string): string => readFileSync(join(ROOT, path), 'utf8');

/** What `.gitignore` keeps out, and git itself. */
const NOT_WALKED = new Set(['.git', 'node_modules', '.platform', '.nx', 'dist', 'coverage', 'out']);

const walk = (folder: string): string[] =>
  readdirSync(join(ROOT, folder), { withFileTypes: true }).flatMap((entry) => {
    if (NOT_WALKED.has(entry.name)) return [];
    const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
    return entry.isDirectory() ? walk(path) : [path];
  });

/** Sorted, from the root, with `/` on every system. */
export const listFiles = (): string[] => {
  const args = ['ls-files', '-z', '--cached', '--others', '--exclude-standard'];
  const git = spawnSync('git', args, { cwd: ROOT, encoding: 'utf8', maxBuffer: 64 * 1_024 * 1_024 });
  const files = git.status === 0 ? git.stdout.split('\0').filter((path) => path !== '') : walk('');
  return [...new Set(files)].filter((path) => existsSync(join(ROOT, path))).sort();
};

/** Every folder that holds one of the files, at any depth. */
export const foldersOf = (files: readonly string[]): ReadonlySet<string> =>
  new Set(
    files.flatMap((path) => {
      const parts = path.split('/').slice(0, -1);
      return parts.map((_, at) => parts.slice(0, at + 1).join('/'));
    }),
  );

/** The folders with a package of their own. */
export const workspacesOf = (files: readonly string[]): string[] =>
  files.flatMap((path) => /^(.+)\/package\.json$/.exec(path)?.[1] ?? []);
