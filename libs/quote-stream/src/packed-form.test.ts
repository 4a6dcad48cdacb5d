import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { minify } from '@swc/core';

const PACKAGE = join(import.meta.dirname, '..');
const ROOT = join(PACKAGE, '..', '..');
/** tsc twice, npm three times, on a machine that runs the other tests too. */
const SLOW_MS = 120_000;

let folder: string;

/** With the Node and the tsc of the workspace, as its npm scripts have them. */
const run = async (cwd: string, command: string, ...args: string[]): Promise<string> => {
  const path = [join(ROOT, 'node_modules', '.bin'), process.env['PATH']].join(delimiter);
  const { NODE_OPTIONS: _jest, ...env } = process.env;
  const { stdout } = await promisify(execFile)(command, args, { cwd, env: { ...env, PATH: path } });
  return stdout;
};

/** Packs a copy, because the package's own package.json is another one while it is packed. */
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'osago-packed-'));
  const copy = join(folder, 'workspace', 'libs', 'quote-stream');
  const user = join(folder, 'user');
  cpSync(PACKAGE, copy, { recursive: true, filter: (path) => !/\/(?:dist|node_modules)$/.test(path) });
  cpSync(join(ROOT, 'tsconfig.base.json'), join(folder, 'workspace', 'tsconfig.base.json'));
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'workspace', 'node_modules'));
  mkdirSync(user);
  writeFileSync(join(user, 'package.json'), '{"private": true, "type": "module"}');
  await run(copy, 'npm', 'pack', '--pack-destination', folder);
  expect(readFileSync(join(copy, 'package.json'), 'utf8')).toBe(readFileSync(join(PACKAGE, 'package.json'), 'utf8'));
  const tarball = readdirSync(folder).find((name) => name.endsWith('.tgz'));
  await run(user, 'npm', 'install', '--offline', '--no-audit', '--no-fund', join(folder, tarball!));
}, SLOW_MS);

afterAll(() => rmSync(folder, { recursive: true, force: true }));

test('the packed client is imported by Node without any other package', async () => {
  const script = `import * as client from '@osago/quote-stream'; console.log(Object.keys(client).join());`;
  const names = await run(join(folder, 'user'), 'node', '--input-type=module', '--eval', script);
  expect(names.trim()).toBe('API_PREFIX,CONNECTING,hasEnded,mayAnswerLate,openQuoteStream');
  const installed = join(folder, 'user', 'node_modules');
  expect(readdirSync(installed).filter((name) => !name.startsWith('.'))).toEqual(['@osago']);
  expect(readdirSync(join(installed, '@osago'))).toEqual(['quote-stream']);
}, SLOW_MS);

test('is as large as the README says, minified and gzipped', async () => {
  const dist = join(folder, 'user', 'node_modules', '@osago', 'quote-stream', 'dist');
  const modules = readdirSync(dist).filter((name) => name.endsWith('.js')).sort();
  const options = { module: true, compress: true, mangle: true };
  const minified = await Promise.all(modules.map((name) => minify(readFileSync(join(dist, name), 'utf8'), options)));
  const kilobytes = gzipSync(minified.map(({ code }) => code).join('\n')).length / 1_000;
  const [, stated] = /(\d+\.\d) KB gzipped/.exec(readFileSync(join(PACKAGE, 'README.md'), 'utf8')) ?? [];
  // A bundler saves the imports and adds a little of its own.
  expect(Math.abs(kilobytes - Number(stated))).toBeLessThanOrEqual(0.2);
});

test('its types stand by themselves, down to the price of a quote', async () => {
  const user = join(folder, 'user');
  writeFileSync(
    join(user, 'page.ts'),
    `import { openQuoteStream, type QuoteView } from '@osago/quote-stream';
    openQuoteStream({ requestId: '1' }, (view: QuoteView) => {
      const kopecks: number | undefined = view.body?.quotes[0]?.coefficients?.kbm;
      // @ts-expect-error there is no such status
      const is = view.body?.status === 'unheard-of';
      console.log(kopecks, is);
    }).close();`,
  );
  const options = ['--noEmit', '--strict', '--module', 'nodenext', '--target', 'es2024', '--lib', 'es2024,dom'];
  const complaints = await run(user, 'tsc', ...options, 'page.ts').catch((error: unknown) => (error as { stdout: string }).stdout);
  expect(complaints).toBe('');
}, SLOW_MS);

test('holds no test and no source', () => {
  const files = readdirSync(join(folder, 'user', 'node_modules', '@osago', 'quote-stream'), { recursive: true });
  expect(files.filter((name) => /test|fake|sample|(?<!\.d)\.ts$|workspace/.test(String(name)))).toEqual([]);
  expect(files).toEqual(expect.arrayContaining(['LICENSE', 'README.md', 'package.json']));
});
