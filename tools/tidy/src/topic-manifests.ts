/** The KafkaTopic manifests of `topics/`. */
import { parseAllDocuments } from 'yaml';
import { listFiles, readText } from './repository.ts';

export interface TopicManifest {
  name: string;
  partitions: number;
  replicas: number;
  config: Readonly<Record<string, string | number>>;
}

interface KafkaTopic {
  kind?: string;
  metadata: { name: string };
  spec: { topicName?: string; partitions: number; replicas: number; config?: Record<string, string | number> };
}

export const readTopicManifests = (): TopicManifest[] =>
  listFiles()
    .filter((path) => /^topics\/[^/]+\.ya?ml$/.test(path))
    .flatMap((path) => parseAllDocuments(readText(path)).map((document) => document.toJS() as KafkaTopic | null))
    .filter((topic) => topic?.kind === 'KafkaTopic')
    .map((topic) => {
      const { metadata, spec } = topic as KafkaTopic;
      const { partitions, replicas, config = {} } = spec;
      return { name: spec.topicName ?? metadata.name, partitions, replicas, config };
    });
