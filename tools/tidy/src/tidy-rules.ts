/** The rules that no linter sees. Each takes files and gives the offenders, as `path:line what`. */
import { posix } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { type LockPackages, packagesMissing } from './lock-file.ts';
import { pathsIn, scriptsIn } from './markdown.ts';
import { foldersOf } from './repository.ts';

export interface Files {
  /** From the root, sorted. */
  paths: readonly string[];
  read: (path: string) => string;
}

const matching = ({ paths }: Files, pattern: RegExp): string[] => paths.filter((path) => pattern.test(path));

const CODE = /\.(?:ts|tsx|mjs|js|java|sql|css)$/;
const TEST = /\.test\.tsx?$/;
const MARKDOWN = /\.md$/;

const linesWith = (files: Files, paths: readonly string[], pattern: RegExp): string[] =>
  paths.flatMap((path) =>
    files
      .read(path)
      .split('\n')
      .flatMap((line, at) => (pattern.test(line) ? [`${path}:${at + 1} ${line.trim()}`] : [])),
  );

export const pathsThatAreNotThere = (files: Files): string[] => {
  const folders = foldersOf(files.paths);
  const names = new Set(files.paths.map((path) => posix.basename(path)));
  const isThere = (document: string, named: string): boolean => {
    const bare = named.replace(/\/+$/, '');
    if (!bare.includes('/') && names.has(bare)) return true;
    const from = posix.dirname(document);
    return ['.', from, posix.join(from, 'src')].some((folder) => {
      const path = posix.join(folder, bare);
      return path === '.' || files.paths.includes(path) || folders.has(path);
    });
  };
  return matching(files, MARKDOWN).flatMap((document) =>
    pathsIn(files.read(document), folders)
      .filter(({ text }) => !isThere(document, text))
      .map(({ line, text }) => `${document}:${line} ${text}`),
  );
};

export const scriptsThatAreNotThere = (files: Files): string[] => {
  const packages = matching(files, /(?:^|\/)package\.json$/).map((path) => {
    const { name, scripts = {} } = JSON.parse(files.read(path)) as { name: string; scripts?: Record<string, string> };
    return { path, name, scripts };
  });
  const scriptsOf = (workspace: string | undefined): Record<string, string> =>
    packages.find(({ path, name }) =>
      workspace === undefined ? path === 'package.json' : [name, posix.dirname(path)].includes(workspace),
    )?.scripts ?? {};
  return matching(files, MARKDOWN).flatMap((document) =>
    scriptsIn(files.read(document))
      .filter(({ text, workspace }) => scriptsOf(workspace)[text] === undefined)
      .map(({ line, text, workspace }) => `${document}:${line} ${text}${workspace ? ` in ${workspace}` : ''}`),
  );
};

/** A screen. */
const README_LINES_MAX = 80;

export const workspacesWithoutReadme = (files: Files): string[] =>
  matching(files, /.\/package\.json$/).flatMap((path) => {
    const readme = `${posix.dirname(path)}/README.md`;
    if (!files.paths.includes(readme)) return [`${readme} is missing`];
    const lines = files.read(readme).trimEnd().split('\n');
    if (!lines.some((line) => /^# \S/.test(line))) return [`${readme} has no heading`];
    return lines.length > README_LINES_MAX ? [`${readme} has ${lines.length} lines`] : [];
  });

export const testsThatAreLeftOut = (files: Files): string[] =>
  linesWith(
    files,
    matching(files, TEST),
    /\b(?:it|test|describe)(?:\.\w+)*\.(?:only|skip|todo|failing)\b|\b[xf](?:it|test|describe)(?:\.\w+)*\(/,
  );

export const unfinishedMarks = (files: Files): string[] => {
  const marks = /\b(?:FIX(?:ME)|HA(?:CK)|X(?:XX))\b|\bTO(?:DO)\b(?! #\d)/;
  return linesWith(files, matching(files, CODE), marks);
};

export const namesThatSayNothing = ({ paths }: Files): string[] =>
  paths.filter((path) => path.split('/').some((part) => /^(?:utils?|helpers?|common|misc)(?:\.|$)/i.test(part)));

export const yamlThatDoesNotParse = (files: Files): string[] =>
  matching(files, /\.ya?ml$/).flatMap((path) =>
    parseAllDocuments(files.read(path)).flatMap(({ errors }) =>
      errors.map(({ message }) => `${path}: ${message.split('\n')[0]}`),
    ),
  );

const KEBAB = /^[a-z0-9]+(?:-[a-z0-9]+)*(?:\.[a-z0-9]+(?:-[a-z0-9]+)*)+$/;
/** Papers that everybody looks for under this very name. */
const PAPER = /^[A-Z]+\.md$/;

export const namesThatAreNotKebabCase = (files: Files): string[] =>
  matching(files, /\.(?:ts|tsx|mjs|js|css|html|json|ya?ml|md)$/).filter((path) => {
    const name = posix.basename(path);
    return !name.startsWith('.') && !KEBAB.test(name) && !PAPER.test(name);
  });

const LINES_MAX = 300;
const TEST_LINES_MAX = 500;
/** Tables of the law are as long as the law. */
const DATA = /-tables\.ts$/;

export const filesThatAreTooLong = (files: Files): string[] =>
  matching(files, CODE).flatMap((path) => {
    if (DATA.test(path)) return [];
    const lines = files.read(path).split('\n').filter((line) => line.trim() !== '').length;
    return lines > (TEST.test(path) ? TEST_LINES_MAX : LINES_MAX) ? [`${path} has ${lines} lines`] : [];
  });

export const packagesTheLockFileLacks = (files: Files): string[] => {
  const { packages } = JSON.parse(files.read('package-lock.json')) as { packages: LockPackages };
  return packagesMissing(packages).map(({ of, name }) => `${name}, of ${of}`);
};
