/** The built page: made again when what it is made of differs from what the last build was made of. */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { type Children, PartError, type Step } from '@osago/local-parts';

const SOURCES = ['apps/web', 'libs/contracts', 'libs/quotes', 'libs/quote-stream', 'package-lock.json'];
const NOT_SOURCES = new Set(['node_modules', 'dist']);

/** A bundler that is told to stop has nothing to finish. */
const GRACE_MS = 2000;

const filesOf = async (path: string): Promise<string[]> => {
  const found = await stat(path).catch(() => undefined);
  if (found === undefined) return [];
  if (!found.isDirectory()) return [path];
  const names = (await readdir(path)).filter((name) => !NOT_SOURCES.has(name) && !/\.test\.tsx?$/.test(name));
  return (await Promise.all(names.map((name) => filesOf(join(path, name))))).flat();
};

/** Of names and contents of everything that the page is built from. */
export const sourcesHash = async (root: string): Promise<string> => {
  const files = (await Promise.all(SOURCES.map((source) => filesOf(join(root, source))))).flat().sort();
  const hash = createHash('sha256');
  for (const file of files) {
    const content = await readFile(file);
    hash.update(`${relative(root, file)}\0${content.length}\0`).update(content);
  }
  return hash.digest('hex');
};

export interface PageOptions {
  root: string;
  children: Children;
  step: Step;
}

/** Resolves to the folder of the built page. Throws {@link PartError} with the builder's last lines. */
export const ensurePage = async ({ root, children, step }: PageOptions): Promise<string> => {
  const folder = join(root, 'apps', 'web', 'dist');
  const stamp = join(root, '.platform', 'page.sha256');
  const hash = await sourcesHash(root);
  const built = await readFile(stamp, 'utf8').catch(() => undefined);
  if (built === hash && existsSync(join(folder, 'index.html'))) return folder;
  await step('building the page', async () => {
    const args = ['run', 'build', '-w', '@osago/web'];
    const child = children.spawn({ name: 'page-build', command: 'npm', args, cwd: root, graceMs: GRACE_MS });
    const { code, error } = await child.ended;
    if (code !== 0) {
      const lines = error ? [error.message] : child.lastLines(100).filter((line) => !/^npm (error|warn)/.test(line)).slice(-10);
      throw new PartError([`The page could not be built; the whole log is ${child.logFile}:`, ...lines].join('\n  '));
    }
  });
  await mkdir(dirname(stamp), { recursive: true });
  await writeFile(stamp, hash);
  return folder;
};
