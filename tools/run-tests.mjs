/**
 * `npm test`: lint, types and the three lanes of tests, in the order in which they are cheap; the first that fails ends
 * it. `npm test -- unit` (or lint, types, infra, e2e) runs one; what follows the name goes to its tool. The lane
 * `containers`, which only runs when it is named, is infra with the parts in containers.
 */
import { spawnSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beginLane, localOnly, whatIsLeftOut } from './local-parts/src/containers-lane.ts';

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..');
/** Stands for what the caller added. */
const REST = Symbol('rest');
const bin = (path) => join(ROOT, 'node_modules', path);
/** The lane comes last: `--selectProjects` takes every word that follows it. */
const jest = (lane, ...args) => [
  process.execPath,
  ['--experimental-vm-modules', '--no-warnings', bin('jest/bin/jest.js'), ...args, REST, '--selectProjects', lane],
];

const ENVIRONMENT = { ...process.env, NX_DAEMON: 'false', NX_NO_CLOUD: 'true', FORCE_COLOR: process.env.FORCE_COLOR ?? '0' };

const LANES = {
  lint: [
    // The boundary rule reads Nx' project graph from its cache.
    [process.execPath, [bin('nx/dist/bin/nx.js'), 'show', 'projects'], { stdio: ['ignore', 'ignore', 'inherit'] }],
    [process.execPath, [bin('eslint/bin/eslint.js'), '--max-warnings', '0', '.']],
  ],
  types: [
    [process.execPath, [bin('typescript/bin/tsc'), '-p', ROOT]],
    // For the browser: with its types.
    [process.execPath, [bin('typescript/bin/tsc'), '-p', join(ROOT, 'libs/quote-stream')]],
    [process.execPath, [bin('typescript/bin/tsc'), '-p', join(ROOT, 'apps/web')]],
  ],
  // On all cores: on two, jest would leave one idle.
  unit: [jest('unit', '--maxWorkers=100%')],
  infra: [jest('infra', '--runInBand')],
  // One platform at a time: each takes most of a small machine.
  e2e: [jest('e2e', '--runInBand')],
};

const LOCAL_ONLY = localOnly(ROOT);
/** Those that run when they are named only. */
const NAMED = {
  containers: [
    [
      ...jest('infra', '--runInBand', `--testPathIgnorePatterns=/node_modules/|/dist/|${LOCAL_ONLY.join('|')}`),
      { env: { ...ENVIRONMENT, OSAGO_PARTS: 'containers' } },
    ],
  ],
};

const [only, ...rest] = process.argv.slice(2);
const names = [...Object.keys(LANES), ...Object.keys(NAMED)];
if (only !== undefined && !names.includes(only)) {
  process.stderr.write(`"${only}" is none of: ${names.join(', ')}.\n`);
  process.exit(2);
}
const say = (text) => process.stdout.write(`\n${text}\n`);
if (only === 'containers') {
  // Loaded by this lane alone: it is 90 packages.
  const { dockerEngine } = await import('./local-parts/src/docker-engine.ts');
  const complain = (text) => process.stderr.write(`${text}\n`);
  if (!(await beginLane(dockerEngine, LOCAL_ONLY, { say, complain }))) process.exit(1);
}
for (const lane of only === undefined ? Object.keys(LANES) : [only]) {
  process.stdout.write(`\n── ${lane}\n`);
  for (const [command, args, options] of LANES[lane] ?? NAMED[lane]) {
    const words = args.includes(REST) ? args.flatMap((word) => (word === REST ? rest : [word])) : [...args, ...rest];
    const { status } = spawnSync(command, words, {
      cwd: ROOT,
      stdio: 'inherit',
      env: ENVIRONMENT,
      ...options,
    });
    if (status !== 0) {
      process.stderr.write(`\n── ${lane} failed\n`);
      process.exit(status ?? 1);
    }
  }
}
if (only === 'containers') say(whatIsLeftOut(LOCAL_ONLY));
