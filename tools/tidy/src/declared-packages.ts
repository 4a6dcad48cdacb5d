/**
 * Every package that a workspace imports stands in its own package.json, so that it can be installed alone and an image
 * holds what it runs. The root's devDependencies serve tests and tools, which no image holds.
 */
import { isBuiltin } from 'node:module';
import { posix } from 'node:path';
import type { Files } from './tidy-rules.ts';

const SOURCE = /\.(?:ts|tsx|mjs)$/;
const SERVED_BY_ROOT = /\.test\.tsx?$|^(?:tools|e2e|bench)\/|\.config\.ts$/;
const IMPORT = /^(?:import|export)\b[^'"]*?from '([^'.][^']*)';|^import '([^'.][^']*)';|\bimport\('([^'.][^']*)'\)/gm;

interface Package {
  name?: string;
  dependencies?: Record<string, string>;
  devDependencies?: Record<string, string>;
}

/** `@scope/name/sub/path` and `name/sub/path` without the path inside the package. */
const packageOf = (specifier: string): string =>
  specifier.split('/').slice(0, specifier.startsWith('@') ? 2 : 1).join('/');

const importsOf = (text: string): Set<string> =>
  new Set(
    [...text.matchAll(IMPORT)]
      .flatMap(([, from, bare, called]) => from ?? bare ?? called ?? [])
      .filter((specifier) => !isBuiltin(specifier))
      .map(packageOf),
  );

const declaredIn = ({ name = '', dependencies, devDependencies }: Package): string[] => [
  name,
  ...Object.keys({ ...dependencies, ...devDependencies }),
];

export const packagesNotDeclared = (files: Files): string[] => {
  const packageAt = (path: string): Package => JSON.parse(files.read(path)) as Package;
  const rootDeclares = declaredIn(packageAt('package.json'));
  return files.paths
    .filter((path) => path.endsWith('/package.json'))
    .flatMap((manifest) => {
      const folder = posix.dirname(manifest);
      const own = declaredIn(packageAt(manifest));
      const sources = files.paths.filter((path) => path.startsWith(`${folder}/`) && SOURCE.test(path));
      const lacking = sources.flatMap((path) => {
        const declared = new Set([...own, ...(SERVED_BY_ROOT.test(path) ? rootDeclares : [])]);
        return [...importsOf(files.read(path))].filter((name) => !declared.has(name));
      });
      return [...new Set(lacking)].sort().map((name) => `${manifest} lacks ${name}`);
    });
};
