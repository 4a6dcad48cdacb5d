/**
 * `prepack` and `postpack`: in the workspace the package is its sources, in the tarball what is built from them. What
 * differs stands in publishConfig, which npm does not apply by itself.
 */
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '..');
const PACKAGE = join(ROOT, 'package.json');
const KEPT = join(ROOT, 'dist', 'package.workspace.json');

const make = (): void => {
  const text = readFileSync(PACKAGE, 'utf8');
  const { publishConfig, scripts: _scripts, nx: _nx, devDependencies: _dev, ...rest } = JSON.parse(text) as {
    publishConfig: { access: string; exports: object; bin: object };
    [field: string]: unknown;
  };
  const { access, ...packed } = publishConfig;
  writeFileSync(KEPT, text);
  writeFileSync(PACKAGE, `${JSON.stringify({ ...rest, ...packed, publishConfig: { access } }, undefined, 2)}\n`);
};

const undo = (): void => renameSync(KEPT, PACKAGE);

if (process.argv[2] === 'make') make();
else undo();
