/**
 * `prepack` and `postpack`: in the workspace the package is its sources, in the tarball one file of JavaScript that holds
 * the libraries of this repository, and depends on what it imports from npm, no more. Node does not strip types under
 * `node_modules`.
 */
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'rolldown';

const ROOT = join(import.meta.dirname, '..');
const REPOSITORY = join(ROOT, '..', '..');
const PACKAGE = join(ROOT, 'package.json');
const DIST = join(ROOT, 'dist');
const KEPT = join(DIST, 'package.workspace.json');
/** Only `report --png` needs them, and they are larger than the rest together. */
const OPTIONAL = new Set(['@sparticuz/chromium', 'playwright-core']);

interface Manifest {
  dependencies?: Record<string, string>;
  publishConfig?: { access: string; bin: object };
  [field: string]: unknown;
}

const read = (path: string): Manifest => JSON.parse(readFileSync(path, 'utf8')) as Manifest;

/** Of `@scope/name/file` and `name/file`, the package. */
const packageOf = (specifier: string): string => specifier.split('/').slice(0, specifier.startsWith('@') ? 2 : 1).join('/');

/** The versions that the workspaces name, so that a tarball runs with what it was tested with. */
const versions = (): Record<string, string> =>
  Object.assign(
    {},
    ...['libs/contracts', 'libs/quotes', 'libs/event-bus', 'libs/service-kit', 'apps/replay'].map(
      (workspace) => read(join(REPOSITORY, workspace, 'package.json')).dependencies ?? {},
    ),
  ) as Record<string, string>;

const make = async (): Promise<void> => {
  rmSync(DIST, { recursive: true, force: true });
  const { output } = await build({
    input: { main: join(ROOT, 'src', 'main.ts') },
    platform: 'node',
    external: (id) => !id.startsWith('.') && !id.startsWith('/') && !id.startsWith('@osago/'),
    output: { dir: DIST, format: 'esm', entryFileNames: '[name].js', chunkFileNames: '[name].js' },
  });
  const imported = output.flatMap((chunk) => (chunk.type === 'chunk' ? [...chunk.imports, ...chunk.dynamicImports] : []));
  const packages = [...new Set(imported.filter((id) => !id.startsWith('node:') && !id.endsWith('.js')).map(packageOf))].sort();
  const known = versions();
  const of = (names: readonly string[]): Record<string, string> =>
    Object.fromEntries(
      names.map((name) => {
        const version = known[name];
        if (version === undefined) throw new Error(`${name} is imported, and no workspace names its version`);
        return [name, version];
      }),
    );
  const text = readFileSync(PACKAGE, 'utf8');
  const { publishConfig, scripts: _scripts, nx: _nx, devDependencies: _dev, private: _private, ...rest } = JSON.parse(text) as Manifest;
  const packed = {
    ...rest,
    bin: publishConfig?.bin,
    dependencies: of(packages.filter((name) => !OPTIONAL.has(name))),
    optionalDependencies: of(packages.filter((name) => OPTIONAL.has(name))),
    publishConfig: { access: publishConfig?.access },
  };
  writeFileSync(KEPT, text);
  writeFileSync(PACKAGE, `${JSON.stringify(packed, undefined, 2)}\n`);
};

if (process.argv[2] === 'make') await make();
else renameSync(KEPT, PACKAGE);
