import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from '@jest/globals';
import { REQUEST_TOPICS, TOPICS } from '@osago/contracts';
import { faultsOfSet, readManifests, type WantedTopic } from './manifests.ts';

const SIX_HOURS_MS = 6 * 3_600_000;
const folders: string[] = [];

const folderWith = (files: Record<string, string>): string => {
  const folder = mkdtempSync(join(tmpdir(), 'topics-'));
  folders.push(folder);
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  return folder;
};
const topic = (name: string, partitions: number): WantedTopic => ({ name, partitions, replicas: 3, config: {} });

afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

describe('the manifests of the platform', () => {
  const wanted = readManifests(join(import.meta.dirname, '..', '..', '..', 'topics'));

  it('declare each topic once, with one number of partitions', () => {
    expect(faultsOfSet(wanted)).toEqual([]);
  });

  it('keep what the design promises: time of the broker, no compaction, short segments, two replicas in sync', () => {
    for (const { config, replicas } of wanted) {
      expect(config).toMatchObject({
        'cleanup.policy': 'delete',
        'message.timestamp.type': 'LogAppendTime',
        'min.insync.replicas': '2',
      });
      expect(Number(config['segment.ms'])).toBeLessThanOrEqual(SIX_HOURS_MS);
      expect(replicas).toBe(3);
    }
  });
});

describe('readManifests', () => {
  it('reports the faults of all files at once', () => {
    const folder = folderWith({
      'a.yaml': 'apiVersion: v1\nkind: KafkaTopic\nmetadata: {name: a, labels: {strimzi.io/cluster: osago}}\nspec: {}\n',
      'b.yaml': 'kind: [',
      'README.md': 'not a manifest',
    });
    expect(() => readManifests(folder)).toThrow(/a\.yaml: \/apiVersion[^]*a\.yaml: \/spec\/topicName[^]*b\.yaml: /);
  });

  it('refuses a name that differs from the name of the topic', () => {
    const folder = folderWith({
      'a.yaml': [
        'apiVersion: kafka.strimzi.io/v1',
        'kind: KafkaTopic',
        'metadata: {name: a, labels: {strimzi.io/cluster: osago}}',
        'spec: {topicName: b, partitions: 1, replicas: 1, config: {}}',
      ].join('\n'),
    });
    expect(() => readManifests(folder)).toThrow('a.yaml: /metadata/name differs from /spec/topicName');
  });
});

describe('faultsOfSet', () => {
  it('names what is missing, double, unknown or uneven', () => {
    const [requests, quotes, errors] = REQUEST_TOPICS;
    const set = [topic(requests, 12), topic(quotes, 6), topic(errors, 12), topic(errors, 12), topic('other', 1)];
    expect(faultsOfSet(set)).toEqual([
      `${errors} has 2 manifests instead of one`,
      `${TOPICS.deadLetters} has 0 manifests instead of one`,
      'other is no topic of libs/contracts/src/topics.ts',
      'the topics have different numbers of partitions: 12, 6',
    ]);
  });
});
