/** The wanted topics, read from KafkaTopic manifests. Every fault of every file is reported at once. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { REQUEST_TOPICS, TOPICS } from '@osago/contracts';
import { ConfigError, loadYamlFile } from '@osago/service-kit';
import { type Static, Type } from '@sinclair/typebox';

export interface WantedTopic {
  readonly name: string;
  readonly partitions: number;
  readonly replicas: number;
  readonly config: Readonly<Record<string, string>>;
}

const KafkaTopic = Type.Object({
  apiVersion: Type.Literal('kafka.strimzi.io/v1'),
  kind: Type.Literal('KafkaTopic'),
  metadata: Type.Object({
    name: Type.String({ minLength: 1 }),
    labels: Type.Object({ 'strimzi.io/cluster': Type.String({ minLength: 1 }) }),
  }),
  spec: Type.Object(
    {
      topicName: Type.String({ pattern: '^[a-zA-Z0-9._-]{1,249}$' }),
      partitions: Type.Integer({ minimum: 1 }),
      replicas: Type.Integer({ minimum: 1 }),
      config: Type.Record(Type.String(), Type.Union([Type.String(), Type.Number(), Type.Boolean()])),
    },
    { additionalProperties: false },
  ),
});

const wantedOf = ({ spec }: Static<typeof KafkaTopic>): WantedTopic => ({
  name: spec.topicName,
  partitions: spec.partitions,
  replicas: spec.replicas,
  config: Object.fromEntries(Object.entries(spec.config).map(([name, value]) => [name, String(value)])),
});

/** Throws one ConfigError with the faults of all files of the folder. */
export const readManifests = (folder: string): WantedTopic[] => {
  const wanted: WantedTopic[] = [];
  const faults: string[] = [];
  for (const file of readdirSync(folder).filter((name) => /\.ya?ml$/.test(name)).sort()) {
    try {
      const manifest = loadYamlFile(KafkaTopic, join(folder, file), {});
      const { metadata, spec } = manifest;
      if (metadata.name !== spec.topicName) faults.push(`${file}: /metadata/name differs from /spec/topicName`);
      wanted.push(wantedOf(manifest));
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      faults.push(...error.faults.map((fault) => `${file}: ${fault}`));
    }
  }
  if (faults.length > 0) throw new ConfigError(folder, faults);
  return wanted;
};

/** What the platform needs of the set: each of its topics once, and one partition number for all. */
export const faultsOfSet = (wanted: readonly WantedTopic[]): string[] => {
  const faults: string[] = [];
  for (const topic of Object.values(TOPICS)) {
    const count = wanted.filter(({ name }) => name === topic).length;
    if (count !== 1) faults.push(`${topic} has ${count} manifests instead of one`);
  }
  const known = new Set<string>(Object.values(TOPICS));
  for (const { name } of wanted) {
    if (!known.has(name)) faults.push(`${name} is no topic of libs/contracts/src/topics.ts`);
  }
  const counts = new Set(wanted.filter(({ name }) => known.has(name)).map(({ partitions }) => partitions));
  if (counts.size > 1) faults.push(`the topics have different numbers of partitions: ${[...counts].join(', ')}`);
  return faults;
};

export const isRequestTopicName = (name: string): boolean =>
  (REQUEST_TOPICS as readonly string[]).includes(name);
