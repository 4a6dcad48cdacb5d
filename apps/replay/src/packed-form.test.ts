/** The package as others get it: packed from a copy of the workspace, unpacked where only what it declares is installed. */
import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readFile, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from '@jest/globals';

const PACKAGE = join(import.meta.dirname, '..');
const ROOT = join(PACKAGE, '..', '..');
const run = promisify(execFile);
/** The bundler and npm, each some seconds on a busy machine. */
const TEST_MS = 120_000;

interface Packed {
  bin: Record<string, string>;
  dependencies: Record<string, string>;
  optionalDependencies: Record<string, string>;
}

it('runs where nothing but what it declares is installed', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'osago-replay-packed-'));
  try {
    const copy = join(folder, 'workspace', 'apps', 'replay');
    await mkdir(dirname(copy), { recursive: true });
    await cp(PACKAGE, copy, { recursive: true, filter: (path) => !/\/(?:node_modules|dist)$/.test(path) });
    for (const shared of ['node_modules', 'libs', 'tsconfig.base.json']) await symlink(join(ROOT, shared), join(folder, 'workspace', shared));
    const before = await readFile(join(copy, 'package.json'), 'utf8');
    await run('npm', ['pack', '--pack-destination', folder], { cwd: copy });
    expect(await readFile(join(copy, 'package.json'), 'utf8')).toBe(before);

    const installed = join(folder, 'user', 'node_modules', '@osago', 'replay');
    await mkdir(installed, { recursive: true });
    await run('tar', ['xzf', join(folder, 'osago-replay-0.1.0.tgz'), '-C', installed, '--strip-components=1']);
    const packed = JSON.parse(await readFile(join(installed, 'package.json'), 'utf8')) as Packed;
    expect(Object.keys(packed.optionalDependencies)).toEqual(['@sparticuz/chromium', 'playwright-core']);
    for (const name of Object.keys(packed.dependencies)) {
      const link = join(folder, 'user', 'node_modules', name);
      await mkdir(dirname(link), { recursive: true });
      await symlink(join(ROOT, 'node_modules', name), link);
    }
    const command = join(installed, packed.bin['osago-replay'] ?? '');
    const replay = async (...args: string[]): Promise<string> => (await run(process.execPath, [command, ...args], { env: {} })).stdout;
    expect(await replay('--help')).toContain('osago-replay COMMAND [options]');
    expect(await replay('sql', '--ready', 'list')).toContain('conversion-by-insurer');
    await expect(replay('list')).rejects.toMatchObject({ code: 1, stderr: expect.stringContaining('KAFKA_BROKERS') });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}, TEST_MS);
