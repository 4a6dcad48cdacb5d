/** The package as others get it: packed from a copy of this folder, installed where nothing else is. */
import { execFile } from 'node:child_process';
import { cp, mkdtemp, mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from '@jest/globals';

const PACKAGE = join(import.meta.dirname, '..');
const ROOT = join(PACKAGE, '..', '..');
const run = promisify(execFile);
/** The compiler and npm, each several seconds on a busy machine. */
const TEST_MS = 120_000;

it('installs without a dependency, runs its command, and is imported with types', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'kafka-fault-proxy-'));
  try {
    const copy = join(folder, 'workspace', 'tools', 'kafka-fault-proxy');
    await mkdir(copy, { recursive: true });
    await cp(PACKAGE, copy, { recursive: true, filter: (path) => !/\/(?:node_modules|dist)$/.test(path) });
    await cp(join(ROOT, 'tsconfig.base.json'), join(folder, 'workspace', 'tsconfig.base.json'));
    await symlink(join(ROOT, 'node_modules'), join(folder, 'workspace', 'node_modules'));
    const before = await readFile(join(copy, 'package.json'), 'utf8');
    const { stdout } = await run('npm', ['pack', '--json', '--pack-destination', folder], { cwd: copy });
    // What the scripts print comes before.
    const [packed] = JSON.parse(stdout.slice(stdout.indexOf('[\n'))) as [{ filename: string; files: { path: string }[] }];
    expect(await readFile(join(copy, 'package.json'), 'utf8')).toBe(before);
    const paths = packed.files.map(({ path }) => path);
    expect(paths).toEqual(expect.arrayContaining(['LICENSE', 'README.md', 'dist/index.js', 'dist/index.d.ts', 'dist/main.js']));
    expect(paths.filter((path) => /test|setup|workspace|^src/.test(path))).toEqual([]);

    const user = join(folder, 'user');
    await mkdir(user);
    await writeFile(join(user, 'package.json'), '{ "type": "module" }');
    await run('npm', ['install', join(folder, packed.filename), '--ignore-scripts', '--offline', '--no-audit'], { cwd: user });
    const command = join(user, 'node_modules', '.bin', 'kafka-fault-proxy');
    expect((await run(process.execPath, [command, '--help'])).stdout).toContain('usage: kafka-fault-proxy --upstream');
    await expect(run(process.execPath, [command])).rejects.toMatchObject({ code: 1, stderr: expect.stringContaining('--upstream is missing') });

    const use = `import { startFaultProxy, type Rule } from '@osago/kafka-fault-proxy';
      const rule: Rule = { on: 'Produce', topic: 'orders', partition: 1, answerWith: 'NOT_LEADER_OR_FOLLOWER', times: 1 };
      const proxy = await startFaultProxy({ upstream: '127.0.0.1:9', nodes: 2 });
      console.log(proxy.brokers.length, proxy.inject(rule).id);
      await proxy.close();`;
    await writeFile(join(user, 'use.ts'), use);
    expect((await run(process.execPath, ['use.ts'], { cwd: user })).stdout).toBe('2 1\n');
    const compiler = [join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc'), '--noEmit', '--strict'];
    const settings = ['--module', 'nodenext', '--target', 'es2024', '--types', 'node', '--typeRoots', join(ROOT, 'node_modules', '@types')];
    await run(process.execPath, [...compiler, ...settings, 'use.ts'], { cwd: user });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}, TEST_MS);
