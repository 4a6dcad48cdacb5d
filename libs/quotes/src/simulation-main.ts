/**
 * `npm run simulate -- --lives 1000000 --seed 1`: as many lives as there is time for, on all cores. Prints each breach
 * with its seed, and ends with 1 if there was one. `--tell` prints the whole life of the one seed, with `--crash-at-step 7`
 * that of a pod that dies there.
 */
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { simulate } from './simulation.ts';
import { breachesIn, seedsFrom } from './simulation-lives.ts';
import { at } from './simulation-events.ts';
import { toldTrace } from './simulation-trace.ts';

interface Share {
  first: number;
  count: number;
  step: number;
}

/** A worker tells what it found after so many lives. */
const TELL_EVERY = 1_000;

const work = ({ first, count, step }: Share): void => {
  for (let done = 0; done < count; done += TELL_EVERY * step) {
    const lives = Math.min(TELL_EVERY * step, count - done);
    const found = breachesIn(seedsFrom(first + done, lives, step));
    parentPort?.postMessage([...found].flatMap(([law, breaches]) => breaches.map((breach) => `${breach} (${law})`)));
  }
};

const USAGE = 'usage: npm run simulate -- [--lives N] [--seed N] [--tell [--crash-at-step N]]';

const optionsGiven = () =>
  parseArgs({
    options: {
      lives: { type: 'string', default: '100000' },
      seed: { type: 'string', default: '1' },
      tell: { type: 'boolean', default: false },
      'crash-at-step': { type: 'string' },
    },
  }).values;

const refuse = (because: string): void => {
  process.stderr.write(`${because}\n${USAGE}\n`);
  process.exitCode = 2;
};

const main = async (): Promise<void> => {
  let values: ReturnType<typeof optionsGiven>;
  try {
    values = optionsGiven();
  } catch (error) {
    return refuse((error as Error).message);
  }
  const [lives, first] = [Number(values.lives), Number(values.seed)];
  if (!Number.isSafeInteger(lives) || !Number.isSafeInteger(first) || lives < 1) {
    return refuse('--lives and --seed are whole numbers, --lives at least 1');
  }
  if (values.tell) {
    const step = values['crash-at-step'];
    const trace = simulate(first, step === undefined ? {} : { crashAtStep: Number(step) });
    process.stdout.write(`${toldTrace(trace, at(0)).join('\n')}\n`);
    return;
  }
  const step = Math.min(availableParallelism(), lives);
  const startedAtMs = performance.now();
  let breaches = 0;
  const share = (worker: number): Promise<void> =>
    new Promise((resolve, reject) => {
      const workerData: Share = { first: first + worker, count: lives - worker, step };
      new Worker(new URL(import.meta.url), { workerData })
        .on('message', (lines: string[]) => {
          breaches += lines.length;
          for (const line of lines) process.stdout.write(`${line}\n`);
        })
        .on('error', reject)
        .on('exit', () => resolve());
    });
  await Promise.all(Array.from({ length: step }, (_, worker) => share(worker)));
  const seconds = ((performance.now() - startedAtMs) / 1_000).toFixed(1);
  process.stdout.write(`${lives} lives from seed ${first} in ${seconds} s: ${breaches} breaches\n`);
  process.exitCode = breaches === 0 ? 0 : 1;
};

if (isMainThread) await main();
else work(workerData as Share);
