/** Carries a plan out, in its order, and looks afterwards whether the cluster is as wanted. */
import { setTimeout as pause } from 'node:timers/promises';
import type { ClientBase } from 'pg';
import type { Cluster } from './cluster.ts';
import { expectNewEpoch, stampEpoch } from './epoch.ts';
import { isRequestTopicName, type WantedTopic } from './manifests.ts';
import { type ActualCluster, type Change, linesOf, type Plan, type PlanOptions, planTopics } from './plan.ts';

export interface ApplyParts {
  readonly cluster: Cluster;
  /** Where the epoch is kept; without it no epoch is stamped. */
  readonly database: ClientBase | undefined;
  readonly say: (line: string) => void;
}

/** Brokers learn of a change some milliseconds after it is made. */
const SETTLE_MS_MAX = 10_000;
const LOOK_EVERY_MS = 100;

export const readPlan = async (cluster: Cluster, wanted: readonly WantedTopic[], options?: PlanOptions): Promise<Plan> =>
  planTopics(wanted, await cluster.read(namesOf(wanted)), options);

/** Nothing is changed when anything is refused. Throws when the cluster does not become as wanted. */
export const applyTopics = async (
  { cluster, database, say }: ApplyParts,
  wanted: readonly WantedTopic[],
  options?: PlanOptions,
): Promise<void> => {
  const { changes, notes } = await readPlan(cluster, wanted, options);
  for (const note of notes) say(`note: ${note}`);
  const refused = changes.filter(({ kind }) => kind === 'refuse').flatMap(linesOf);
  if (refused.length > 0) throw new Error(['nothing was changed', ...refused].join('\n'));
  if (database && changes.some(beginsLog)) await expectNewEpoch(database);
  for (const change of changes) {
    if (change.kind === 'refuse') continue;
    await cluster.make(change);
    for (const line of linesOf(change)) say(line);
  }
  const after = await settled(cluster, wanted);
  if (changes.length === 0) say('the topics are as wanted');
  if (database) await stamp(database, after, say);
};

const beginsLog = ({ kind, topic }: Change): boolean => kind === 'create' && isRequestTopicName(topic);

const settled = async (cluster: Cluster, wanted: readonly WantedTopic[]): Promise<ActualCluster> => {
  const endMs = performance.now() + SETTLE_MS_MAX;
  for (;;) {
    const actual = await cluster.read(namesOf(wanted));
    const { changes } = planTopics(wanted, actual);
    if (changes.length === 0) return actual;
    if (performance.now() > endMs) {
      throw new Error(['the cluster did not take these changes', ...changes.flatMap(linesOf)].join('\n'));
    }
    await pause(LOOK_EVERY_MS);
  }
};

const stamp = async (database: ClientBase, actual: ActualCluster, say: (line: string) => void): Promise<void> => {
  const requestTopics = actual.topics.filter(({ name }) => isRequestTopicName(name));
  if (requestTopics.length === 0) return;
  const partitions = Math.min(...requestTopics.map((topic) => topic.partitions));
  const { epoch, isNew } = await stampEpoch(database, { clusterId: actual.clusterId, partitions });
  say(isNew ? `the epoch is ${epoch}, a new one` : `the epoch stays ${epoch}`);
};

const namesOf = (wanted: readonly WantedTopic[]): string[] => wanted.map(({ name }) => name);
