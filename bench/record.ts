/**
 * `npm run bench:record -- outbox clients` runs the named benches, all where none is named, and keeps their results in
 * `docs/results/` as Markdown and JSON, with the conditions. `--collect` keeps what lies in `bench/out/` instead. Exits 1
 * when a goal was missed, a bench failed or there is nothing to keep; a missed goal is kept, a failed bench is not.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, release, totalmem, type } from 'node:os';
import { join } from 'node:path';
import { Value } from '@sinclair/typebox/value';
import { partVersions } from './part-versions.ts';
import { type Conditions, type KeptResult, pageOf, Result } from './result-page.ts';

const ROOT = join(import.meta.dirname, '..');
const OUT = join(import.meta.dirname, 'out');
const KEPT = join(ROOT, 'docs', 'results');

const jsonIn = (path: string): unknown => JSON.parse(readFileSync(path, 'utf8'));

const benches = (): string[] => {
  const { scripts } = jsonIn(join(ROOT, 'package.json')) as { scripts: Record<string, string> };
  return Object.keys(scripts)
    .filter((name) => name.startsWith('bench:') && name !== 'bench:record')
    .map((name) => name.slice('bench:'.length));
};

const commit = (): string => {
  const git = (...args: string[]): string => execFileSync('git', args, { cwd: ROOT, encoding: 'utf8' }).trim();
  const changed = git('status', '--porcelain', '--untracked-files=no', '--', '.', ':!docs/results') === '' ? '' : ', with changes';
  return `${git('rev-parse', '--short=10', 'HEAD')}${changed}`;
};

const conditionsOf = (name: string): Conditions => ({
  command: `npm run bench:${name}`,
  commit: commit(),
  cpuModel: cpus()[0]?.model ?? 'unknown CPU',
  memoryGb: Math.round(totalmem() / 2 ** 30),
  os: `${type()} ${release()}`,
  ...partVersions(ROOT),
});

/** False when there is no result to keep. */
const run = (name: string): boolean => {
  rmSync(join(OUT, `${name}.json`), { force: true });
  const env = { ...process.env, npm_lifecycle_event: '' };
  spawnSync(process.execPath, [join(ROOT, 'apps', 'platform', 'bootstrap.mjs'), `bench:${name}`], { cwd: ROOT, stdio: 'inherit', env });
  return existsSync(join(OUT, `${name}.json`));
};

const keep = (name: string): boolean => {
  const result = jsonIn(join(OUT, `${name}.json`));
  if (!Value.Check(Result, result)) {
    const [fault] = Value.Errors(Result, result);
    throw new Error(`bench/out/${name}.json is no result: ${fault?.path} ${fault?.message}`);
  }
  if (result.quick === true) throw new Error(`bench/out/${name}.json is of a --quick run, which measures nothing`);
  const kept: KeptResult = { ...result, conditions: conditionsOf(name) };
  mkdirSync(KEPT, { recursive: true });
  writeFileSync(join(KEPT, `${name}.json`), `${JSON.stringify(kept, undefined, 2)}\n`);
  writeFileSync(join(KEPT, `${name}.md`), pageOf(kept));
  process.stdout.write(`docs/results/${name}.md\n`);
  return result.rows.every(({ met }) => met !== false);
};

const words = process.argv.slice(2);
const isCollected = words.includes('--collect');
const named = words.filter((word) => !word.startsWith('--'));
const unknown = named.filter((name) => !benches().includes(name));
if (unknown.length > 0) {
  process.stderr.write(`"${unknown[0]}" is none of: ${benches().join(', ')}.\n`);
  process.exit(2);
}
const wanted = named.length > 0 ? named : benches().filter((name) => !isCollected || existsSync(join(OUT, `${name}.json`)));
const there = wanted.filter((name) => (isCollected ? existsSync(join(OUT, `${name}.json`)) : run(name)));
const isMet = there.map((name) => keep(name));
for (const name of wanted.filter((name) => !there.includes(name))) process.stderr.write(`bench:${name} has left no result\n`);
if (there.length === 0) process.stderr.write('there is nothing to keep\n');
if (there.length < wanted.length || there.length === 0 || isMet.includes(false)) process.exitCode = 1;
