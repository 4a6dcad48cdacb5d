/**
 * Runs a program of this checkout under the Node that it brings, on a clone where nothing is installed yet:
 * `node apps/platform/bootstrap.mjs <command> [options]`. Plain JavaScript without dependencies, for any Node from 18 on.
 */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isInstalled, markInstalled } from './installed.mjs';

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
const NODE_OLDEST = 18;
/** The line whose type stripping runs our sources as they are. */
const NODE_NEEDED = 24;

/** @type {Record<string, string>} */
const PROGRAMS = {
  start: 'apps/platform/src/main.ts',
  test: 'tools/run-tests.mjs',
  topics: 'tools/topics/src/main.ts',
  sample: 'tools/sample/src/main.ts',
  simulate: 'libs/quotes/src/simulation-main.ts',
  docs: 'tools/tidy/src/write-docs.ts',
  replay: 'apps/replay/src/main.ts',
  insurers: 'tools/ops/src/insurers-main.ts',
  outbox: 'tools/ops/src/outbox-main.ts',
  'dead-letters': 'tools/ops/src/dead-letters-main.ts',
  'bench:outbox': 'bench/outbox.ts',
  'bench:sse': 'bench/sse.ts',
  'bench:clients': 'bench/clients.ts',
  'bench:record': 'bench/record.ts',
  'bench:showcase': 'bench/showcase.ts',
  'bench:replay': 'bench/replay.ts',
  'bench:aggregator': 'bench/aggregator.ts',
};

/** The second is kafkajs's and harmless; with the third, reading the topics is not held up by what dies young. */
const NODE_FLAGS = [
  '--disable-warning=ExperimentalWarning',
  '--disable-warning=TimeoutNegativeWarning',
  '--max-semi-space-size=64',
];

/** npm's shell may go without a word to us (a SIGTERM to npm does that). */
const PARENT_POLL_MS = 300;

/** @param {string} sentence @returns {never} */
const fail = (sentence) => {
  process.stderr.write(`${sentence}\n`);
  process.exit(1);
};

const nodeMajor = () => Number(process.versions.node.split('.')[0]);

/**
 * What npm says on standard error is kept for the case that it fails.
 * @param {string[]} args
 * @returns {Promise<{code: number | null, errors: string}>}
 */
const npm = async (...args) => {
  const own = process.env.npm_execpath;
  const [command, ...first] = own ? [process.execPath, own] : ['npm'];
  // Also where NODE_ENV=production or npm's own settings leave packages out: tests and Postgres are among them.
  const all = ['--include=dev', '--include=optional'];
  const child = spawn(command, [...first, ...args, ...all, '--no-audit', '--no-fund'], {
    cwd: ROOT,
    stdio: ['ignore', 'inherit', 'pipe'],
  });
  let errors = '';
  child.stderr.on('data', (chunk) => (errors += chunk));
  const code = await new Promise((resolve) => {
    child.once('error', (error) => fail(`npm could not be started (${error.message}). It comes with Node.`));
    child.once('close', resolve);
  });
  return { code, errors };
};

const install = async () => {
  process.stdout.write('installing the packages of package-lock.json (npm ci, only when they change) …\n');
  let { code, errors } = await npm('ci');
  if (code !== 0 && errors.includes('EUSAGE')) {
    // The lock was written against a registry that does not hold every platform's binaries. The versions are its own
    // all the same, and it is left as it is.
    ({ code, errors } = await npm('install', '--no-save'));
  }
  if (code === 0) return markInstalled(ROOT);
  if (errors.includes('ENOSPC')) fail('The packages do not fit on the disk: free about 2 GB and start again.');
  process.stderr.write(errors);
  fail(`The packages could not be installed (npm ended with ${code}): what it printed above says why.`);
};

const findNode = () => {
  const own = join(ROOT, 'node_modules', '.bin', 'node');
  if (existsSync(own)) return own;
  if (nodeMajor() >= NODE_NEEDED) return process.execPath;
  return fail(`Node ${NODE_NEEDED} is missing: npm did not run the install script of the package "node". Run npm rebuild node.`);
};

/**
 * The program has a process group of its own: a Ctrl-C reaches it once, from here, and not a second time from the
 * terminal. The channel tells it when this process is gone.
 * @param {string} program @param {string[]} args
 */
const run = (program, args) => {
  const child = spawn(findNode(), [...NODE_FLAGS, join(ROOT, program), ...args], {
    detached: true,
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
    env: { ...process.env, PATH: `${join(ROOT, 'node_modules', '.bin')}:${process.env.PATH ?? ''}` },
  });
  // To the whole group, as a terminal would: a program may wait for another, jest for its workers.
  /** @param {NodeJS.Signals} signal */
  const tell = (signal) => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, signal);
    } catch {
      // It is gone already, which is what was wanted.
    }
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => tell(signal));
  const parent = process.ppid;
  if (process.env.npm_lifecycle_event) {
    const watch = setInterval(() => {
      if (process.ppid === parent) return;
      clearInterval(watch);
      tell('SIGTERM');
    }, PARENT_POLL_MS);
    watch.unref();
  }
  child.once('error', (error) => fail(`${program} could not be started: ${error.message}`));
  child.once('exit', (code, signal) => {
    process.exitCode = code ?? 1;
    if (signal) process.stderr.write(`ended by ${signal}\n`);
    process.exit();
  });
};

const main = async () => {
  if (nodeMajor() < NODE_OLDEST) {
    fail(`Node ${NODE_OLDEST} or newer is needed, this is ${process.version}. (Node ${NODE_NEEDED} itself comes with npm ci.)`);
  }
  const [command = '', ...args] = process.argv.slice(2);
  const program = PROGRAMS[command];
  if (program === undefined) fail(`"${command}" is none of: ${Object.keys(PROGRAMS).join(', ')}.`);
  if (!isInstalled(ROOT)) await install();
  run(program, args);
};

await main();
