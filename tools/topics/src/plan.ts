/**
 * What has to change so that a cluster has the wanted topics: a pure function, and its words. Nothing here deletes a
 * topic. What would lose records is refused; a shorter retention may be allowed, for it is how records are meant to go.
 */
import { TOPICS } from '@osago/contracts';
import type { WantedTopic } from './manifests.ts';

export type Config = Readonly<Record<string, string>>;

export interface ActualTopic {
  readonly name: string;
  readonly partitions: number;
  readonly replicas: number;
  /** What is in force, defaults included. */
  readonly config: Config;
  /** Names of the settings that were made for this topic. */
  readonly own: readonly string[];
}

export interface ActualCluster {
  readonly clusterId: string;
  readonly brokers: number;
  readonly topics: readonly ActualTopic[];
}

export interface Setting {
  readonly name: string;
  readonly from: string | undefined;
  /** Undefined: back to the default of the cluster. */
  readonly to: string | undefined;
  readonly consequence?: string;
}

export type Change =
  | { kind: 'create'; topic: string; partitions: number; replicas: number; config: Config }
  | { kind: 'grow'; topic: string; from: number; to: number }
  /** `config` is the whole of it: what is left out goes back to its default. */
  | { kind: 'configure'; topic: string; config: Config; settings: readonly Setting[] }
  | { kind: 'refuse'; topic: string; reason: string };

export interface PlanOptions {
  /** A limit of how long or how much is kept may be lowered, and what lies beyond it be deleted. Default false. */
  readonly mayDeleteRecords?: boolean;
}

export interface Plan {
  readonly changes: readonly Change[];
  readonly notes: readonly string[];
}

/** Requests last: a request must not name a partition that quotes and errors do not have yet. */
const requestsLast = (a: WantedTopic, b: WantedTopic): number =>
  Number(a.name === TOPICS.requests) - Number(b.name === TOPICS.requests);

export const planTopics = (
  manifests: readonly WantedTopic[],
  cluster: ActualCluster,
  { mayDeleteRecords = false }: PlanOptions = {},
): Plan => {
  const notes: string[] = [];
  const changes: Change[] = [];
  for (const manifest of [...manifests].sort(requestsLast)) {
    const { wanted, note } = fitTo(manifest, cluster.brokers);
    if (note !== undefined) notes.push(note);
    const actual = cluster.topics.find(({ name }) => name === wanted.name);
    if (actual === undefined) {
      const { name: topic, partitions, replicas, config } = wanted;
      changes.push({ kind: 'create', topic, partitions, replicas, config });
    } else {
      changes.push(...partitionChanges(wanted, actual), ...configChanges(wanted, actual, mayDeleteRecords));
      if (actual.replicas !== wanted.replicas) {
        notes.push(`${wanted.name}: has ${actual.replicas} replicas, not ${wanted.replicas}: move them by hand`);
      }
    }
  }
  return { changes, notes };
};

/** No more replicas than brokers, and one of them may be away where there are two or more. */
const fitTo = (wanted: WantedTopic, brokers: number): { wanted: WantedTopic; note?: string } => {
  if (wanted.replicas <= brokers) return { wanted };
  const inSync = Math.max(1, brokers - 1);
  const config = { ...wanted.config, 'min.insync.replicas': String(inSync) };
  return {
    wanted: { ...wanted, replicas: brokers, config },
    note:
      `${wanted.name}: ${wanted.replicas} replicas are wanted and the cluster has ${counted(brokers, 'broker')}:` +
      ` taken as ${counted(brokers, 'replica')}, min.insync.replicas ${inSync}`,
  };
};

const partitionChanges = ({ name: topic, partitions: to }: WantedTopic, { partitions: from }: ActualTopic): Change[] => {
  if (to === from) return [];
  if (to > from) return [{ kind: 'grow', topic, from, to }];
  return [{ kind: 'refuse', topic, reason: `it has ${from} partitions, ${to} are wanted: partitions cannot shrink` }];
};

const configChanges = ({ name: topic, config }: WantedTopic, actual: ActualTopic, mayDeleteRecords: boolean): Change[] => {
  const found: Setting[] = [];
  const refusals: Change[] = [];
  for (const [name, to] of Object.entries(config)) {
    const from = actual.config[name];
    if (from === to) continue;
    const reason = name === 'cleanup.policy' ? lossOfPolicy(from ?? '', to) : undefined;
    if (reason !== undefined) {
      refusals.push({ kind: 'refuse', topic, reason: `cleanup.policy ${from} → ${to}: ${reason}` });
    } else {
      found.push(setting(name, from, to));
    }
  }
  for (const name of actual.own) {
    if (!(name in config)) found.push(setting(name, actual.config[name], undefined));
  }
  const isRefused = ({ consequence }: Setting): boolean => consequence !== undefined && !mayDeleteRecords;
  for (const { name, from, to, consequence } of found.filter(isRefused)) {
    const reason = `${name} ${from ?? 'unset'} → ${to ?? 'default'}: ${consequence}; apply --delete-records allows it`;
    refusals.push({ kind: 'refuse', topic, reason });
  }
  const settings = found.filter((each) => !isRefused(each));
  return [...refusals, ...(settings.length > 0 ? [{ kind: 'configure', topic, config, settings } as const] : [])];
};

const lossOfPolicy = (from: string, to: string): string | undefined => {
  const [before, after] = [from, to].map((policy) => new Set(policy.split(',').map((name) => name.trim())));
  if (after?.has('compact') && !before?.has('compact')) {
    return 'compaction would delete all but the last record of each key';
  }
  if (after?.has('delete') && !before?.has('delete')) {
    return 'retention would delete what compaction keeps';
  }
  return undefined;
};

/** Limits of how long or how much is kept; -1 is no limit. */
const LIMITS: Readonly<Record<string, (limit: string) => string>> = {
  'retention.ms': (limit) => `records older than ${inDays(Number(limit))} will be deleted`,
  'retention.bytes': (limit) => `of each partition only the last ${limit} bytes will be kept`,
};

const setting = (name: string, from: string | undefined, to: string | undefined): Setting => {
  const consequence = LIMITS[name];
  if (to === undefined) {
    const isLost = consequence !== undefined && from !== undefined;
    return { name, from, to, ...(isLost && { consequence: 'the default may keep less' }) };
  }
  const limit = (value: string | undefined): number => (value === undefined || value === '-1' ? Infinity : Number(value));
  return consequence && limit(to) < limit(from)
    ? { name, from, to, consequence: consequence(to) }
    : { name, from, to };
};

const DAY_MS = 86_400_000;
const inDays = (ms: number): string => `${Number((ms / DAY_MS).toFixed(2))} d`;
const counted = (count: number, thing: string): string => `${count} ${thing}${count === 1 ? '' : 's'}`;

/** A change in words, one line for each thing that differs. */
export const linesOf = (change: Change): string[] => {
  switch (change.kind) {
    case 'create': {
      const { topic, partitions, replicas, config } = change;
      const settings = Object.entries(config).map(([name, value]) => `${name}=${value}`);
      const size = `${counted(partitions, 'partition')}, ${counted(replicas, 'replica')}`;
      return [`${topic}: is missing; create with ${size}, ${settings.join(' ')}`];
    }
    case 'grow':
      return [`${change.topic}: partitions ${change.from} → ${change.to}`];
    case 'configure':
      return change.settings.map(
        ({ name, from, to, consequence }) =>
          `${change.topic}: ${name} ${from ?? 'unset'} → ${to ?? 'default'}${consequence ? `: ${consequence}` : ''}`,
      );
    case 'refuse':
      return [`${change.topic}: refused: ${change.reason}`];
  }
};
