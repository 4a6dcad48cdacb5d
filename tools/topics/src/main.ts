/**
 * `npm run topics -- plan` prints what differs between the manifests and the cluster: 0 nothing, 2 something, 1 error.
 * `npm run topics -- apply` makes them equal: 0 done, 1 refused or error; with `--delete-records` a shorter retention is
 * no reason to refuse.
 */
import { join } from 'node:path';
import { ConfigError } from '@osago/service-kit';
import { Client } from 'pg';
import { findAddresses } from './addresses.ts';
import { applyTopics, readPlan } from './apply.ts';
import { Cluster } from './cluster.ts';
import { faultsOfSet, readManifests } from './manifests.ts';
import { linesOf } from './plan.ts';

const ROOT = join(import.meta.dirname, '..', '..', '..');
const USAGE = 'usage: npm run topics -- plan | apply [--delete-records]';

const say = (line: string): void => void process.stdout.write(`${line}\n`);

const plan = async (cluster: Cluster, wanted: Parameters<typeof readPlan>[1]): Promise<number> => {
  const { changes, notes } = await readPlan(cluster, wanted);
  for (const note of notes) say(`note: ${note}`);
  for (const line of changes.flatMap(linesOf)) say(line);
  if (changes.length === 0) say('the topics are as wanted');
  return changes.length === 0 ? 0 : 2;
};

const apply = async (
  cluster: Cluster,
  wanted: Parameters<typeof readPlan>[1],
  { url, mayDeleteRecords }: { url: string | undefined; mayDeleteRecords: boolean },
): Promise<number> => {
  const database = url === undefined ? undefined : new Client({ connectionString: url });
  await database?.connect();
  try {
    await applyTopics({ cluster, database, say }, wanted, { mayDeleteRecords });
  } finally {
    await database?.end();
  }
  return 0;
};

const run = async (command: string | undefined, options: readonly string[]): Promise<number> => {
  if (command !== 'plan' && command !== 'apply') throw new ConfigError(USAGE, [`"${command ?? ''}" is neither`]);
  const unknown = options.filter((option) => command === 'plan' || option !== '--delete-records');
  if (unknown.length > 0) throw new ConfigError(USAGE, unknown.map((option) => `"${option}" is no option of ${command}`));
  const mayDeleteRecords = options.includes('--delete-records');
  const wanted = readManifests(join(ROOT, 'topics'));
  const faults = faultsOfSet(wanted);
  if (faults.length > 0) throw new ConfigError('topics', faults);
  const { brokers, databaseUrl } = findAddresses(process.env, join(ROOT, '.platform', 'state.json'));
  const cluster = await Cluster.connect(brokers);
  try {
    return await (command === 'plan' ? plan(cluster, wanted) : apply(cluster, wanted, { url: databaseUrl, mayDeleteRecords }));
  } finally {
    await cluster.close();
  }
};

// kafkajs 2.2.4 sets timers with negative delays, of which Node warns on the terminal of whoever reads the plan.
process.removeAllListeners('warning');
try {
  process.exitCode = await run(process.argv[2], process.argv.slice(3));
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
