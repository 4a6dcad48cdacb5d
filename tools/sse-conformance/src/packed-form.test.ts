/** The tarball as others get it: packed, installed elsewhere without a network, run against a server of this process. */
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { BrokenServer } from './broken-server.ts';

const HERE = join(import.meta.dirname, '..');
const TSC = join(HERE, '..', '..', 'node_modules', '.bin');
const INSTALL_MS = 120_000;

interface Ran {
  code: number;
  out: string;
}

let dir = '';

const run = (command: string, args: readonly string[], cwd = dir): Promise<Ran> =>
  new Promise((resolve) => {
    const env = { ...process.env, PATH: `${dirname(process.execPath)}:${TSC}:${process.env['PATH'] ?? ''}`, NODE_OPTIONS: '' };
    execFile(command, [...args], { cwd, env }, (error, stdout, stderr) => {
      const code = typeof error?.code === 'number' ? error.code : error === null ? 0 : 1;
      resolve({ code, out: `${stdout}${code === 0 ? '' : stderr}` });
    });
  });

const sseConformance = (...args: string[]): Promise<Ran> => run(join(dir, 'node_modules/.bin/sse-conformance'), args);

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'sse-conformance-'));
  const packed = await run('npm', ['pack', '--json', '--pack-destination', dir], HERE);
  expect(packed).toMatchObject({ code: 0 });
  const [{ filename }] = JSON.parse(packed.out.slice(packed.out.indexOf('['))) as [{ filename: string }];
  writeFileSync(join(dir, 'package.json'), '{"name":"elsewhere","private":true,"type":"module"}');
  const installed = await run('npm', ['install', '--offline', '--no-audit', '--no-fund', `./${filename}`]);
  expect(installed).toMatchObject({ code: 0 });
}, INSTALL_MS);

afterAll(() => {
  rmSync(dir, { recursive: true, force: true });
  rmSync(join(HERE, 'dist'), { recursive: true, force: true });
});

describe('the packed form', () => {
  test('prints its usage', async () => {
    const { code, out } = await sseConformance('--help');
    expect(code).toBe(0);
    expect(out).toContain('sse-conformance --url http://host/stream');
  });

  test('checks a server with an adapter in TypeScript, and tells by its exit code', async () => {
    const server = await BrokenServer.start('is buffered by nginx');
    writeFileSync(
      join(dir, 'adapter.ts'),
      `import type { Adapter } from '@osago/sse-conformance';
      export default (url: string): Adapter => ({ open: () => ({ url: url + '/a' }) });`,
    );
    const args = ['--url', server.url('x'), '--adapter', 'adapter.ts', '--json'];
    const good = await sseConformance(...args, '--only', 'status');
    const bad = await sseConformance(...args, '--only', 'accel-buffering');
    await server.close();
    expect(good.code).toBe(0);
    expect(JSON.parse(good.out)).toMatchObject({ conformant: true, checks: [{ name: 'status', outcome: 'passed' }] });
    expect(bad.code).toBe(1);
    expect(JSON.parse(bad.out)).toMatchObject({ checks: [{ name: 'accel-buffering', outcome: 'failed' }] });
  });

  test('holds compiled code with its types, a README and a licence, and no test', () => {
    const root = join(dir, 'node_modules/@osago/sse-conformance');
    expect(readFileSync(join(root, 'dist/index.d.ts'), 'utf8')).toContain('runSuite');
    expect(readFileSync(join(root, 'dist/index.js'), 'utf8')).not.toContain(".ts'");
    for (const paper of ['README.md', 'LICENSE']) expect(readFileSync(join(root, paper), 'utf8')).not.toBe('');
    expect(() => readFileSync(join(root, 'dist/broken-server.js'))).toThrow('ENOENT');
  });
});
