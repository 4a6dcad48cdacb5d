/**
 * For tests: a checkout in a temporary folder whose apps are stand-ins of a few lines, so that what starts and stops
 * them can be tested alone.
 */
import { cpSync, mkdirSync, mkdtempSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { PlatformState } from './state-file.ts';

/** Answers on both of its ports, tells its name, and writes down when it stops. */
export const STAND_IN = `
  import { createServer } from 'node:http';
  import { appendFileSync } from 'node:fs';
  const ports = [...new Set([process.env.PORT, process.env.PRIVATE_PORT])].filter(Boolean);
  for (const port of ports) createServer((_, answer) => answer.end(process.env.POD_NAME)).listen(port);
  const stop = () => {
    appendFileSync('stopped', process.env.POD_NAME + '\\n');
    process.exit(0);
  };
  process.once('SIGTERM', stop);
  process.once('disconnect', stop);
`;

/** Does not stop when it is asked to. */
export const DEAF_STAND_IN = `${STAND_IN}
  process.removeAllListeners('SIGTERM');
  process.removeAllListeners('disconnect');
  process.on('SIGTERM', () => {});
`;

const BUILD = `import { mkdirSync, writeFileSync } from 'node:fs';
  mkdirSync('dist'); writeFileSync('dist/index.html', 'page');`;

const FILES: Readonly<Record<string, string>> = {
  'package.json': '{ "type": "module", "workspaces": ["apps/web"] }',
  'package-lock.json': '{ "packages": {} }',
  'node_modules/.package-lock.json': '{ "packages": {} }',
  'apps/web/package.json': '{ "name": "@osago/web", "type": "module", "scripts": { "build": "node build.ts" } }',
  'apps/web/build.ts': BUILD,
  'apps/core-app/src/main.ts': STAND_IN,
  'apps/core-app/src/migrate.ts': '',
  'apps/osago-aggregator/src/main.ts': STAND_IN,
  'apps/insurer-simulator/src/main.ts': STAND_IN,
  'tools/topics/src/main.ts': '',
};

/** What apps/platform itself needs to run, from the checkout that is tested. */
const LINKS = ['node_modules/.bin', 'node_modules/@osago', 'node_modules/jose'];

const PLATFORM = join(import.meta.dirname, '..');

export interface Checkout {
  root: string;
  dir: string;
  state: () => PlatformState;
  /** Names in the order in which they stopped of their own accord. */
  stopped: () => string[];
}

export const makeCheckout = (changed: Readonly<Record<string, string>> = {}): Checkout => {
  const root = mkdtempSync(join(tmpdir(), 'osago-platform-'));
  for (const [path, text] of Object.entries({ ...FILES, ...changed })) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  for (const link of LINKS) symlinkSync(join(PLATFORM, '..', '..', link), join(root, link));
  cpSync(PLATFORM, join(root, 'apps', 'platform'), {
    recursive: true,
    filter: (path) => !path.endsWith('node_modules') && !path.includes('.test.'),
  });
  const dir = join(root, '.platform');
  return {
    root,
    dir,
    state: () => JSON.parse(readFileSync(join(dir, 'state.json'), 'utf8')) as PlatformState,
    stopped: () => readFileSync(join(root, 'stopped'), 'utf8').trim().split('\n'),
  };
};
