import { describe, expect, it } from '@jest/globals';
import { TOPICS } from '@osago/contracts';
import type { WantedTopic } from './manifests.ts';
import { type ActualCluster, type ActualTopic, linesOf, planTopics } from './plan.ts';

const CONFIG = { 'cleanup.policy': 'delete', 'retention.ms': '259200000', 'min.insync.replicas': '2' };

const wanted = (change: Partial<WantedTopic> = {}): WantedTopic => ({
  name: TOPICS.quotes,
  partitions: 12,
  replicas: 3,
  config: CONFIG,
  ...change,
});
const actual = (change: Partial<ActualTopic> = {}): ActualTopic => ({
  name: TOPICS.quotes,
  partitions: 12,
  replicas: 3,
  config: { ...CONFIG, 'segment.ms': '604800000' },
  own: Object.keys(CONFIG),
  ...change,
});
const cluster = (topics: readonly ActualTopic[], brokers = 3): ActualCluster => ({ clusterId: 'c', brokers, topics });
const withConfig = (change: Record<string, string>): Partial<ActualTopic> => ({
  config: { ...CONFIG, ...change },
  own: [...Object.keys(CONFIG), ...Object.keys(change)],
});

describe('planTopics', () => {
  it.each<[what: string, wanted: Partial<WantedTopic>, actual: Partial<ActualTopic>, lines: readonly string[]]>([
    ['nothing where all is equal', {}, {}, []],
    ['nothing for a wanted value that is the default', { config: { ...CONFIG, 'segment.ms': '604800000' } }, {}, []],
    ['growth', { partitions: 24 }, {}, ['osago.quotes.v1: partitions 12 → 24']],
    [
      'a refusal to shrink',
      { partitions: 6 },
      {},
      ['osago.quotes.v1: refused: it has 12 partitions, 6 are wanted: partitions cannot shrink'],
    ],
    [
      'a longer retention',
      { config: { ...CONFIG, 'retention.ms': '604800000' } },
      {},
      ['osago.quotes.v1: retention.ms 259200000 → 604800000'],
    ],
    [
      'a shorter retention, with what it deletes',
      {},
      withConfig({ 'retention.ms': '-1' }),
      ['osago.quotes.v1: retention.ms -1 → 259200000: records older than 3 d will be deleted'],
    ],
    [
      'a smaller size, with what it deletes',
      { config: { ...CONFIG, 'retention.bytes': '1000' } },
      withConfig({ 'retention.bytes': '-1' }),
      ['osago.quotes.v1: retention.bytes -1 → 1000: of each partition only the last 1000 bytes will be kept'],
    ],
    [
      'a setting made by hand, which goes back to the default',
      {},
      withConfig({ 'max.message.bytes': '5' }),
      ['osago.quotes.v1: max.message.bytes 5 → default'],
    ],
    [
      'a refusal to compact',
      { config: { ...CONFIG, 'cleanup.policy': 'compact,delete' } },
      {},
      [
        'osago.quotes.v1: refused: cleanup.policy delete → compact,delete:' +
          ' compaction would delete all but the last record of each key',
      ],
    ],
    [
      'a refusal to delete by time what is compacted',
      {},
      withConfig({ 'cleanup.policy': 'compact' }),
      ['osago.quotes.v1: refused: cleanup.policy compact → delete: retention would delete what compaction keeps'],
    ],
    [
      'the end of compaction beside retention, which loses nothing',
      {},
      withConfig({ 'cleanup.policy': 'compact,delete' }),
      ['osago.quotes.v1: cleanup.policy compact,delete → delete'],
    ],
  ])('finds %s', (_, want, have, lines) => {
    const { changes, notes } = planTopics([wanted(want)], cluster([actual(have)]));
    expect(changes.flatMap(linesOf)).toEqual(lines);
    expect(notes).toEqual([]);
  });

  it('creates what is missing', () => {
    const { changes } = planTopics([wanted()], cluster([]));
    expect(changes).toEqual([{ kind: 'create', topic: TOPICS.quotes, partitions: 12, replicas: 3, config: CONFIG }]);
    expect(changes.flatMap(linesOf)[0]).toContain('is missing; create with 12 partitions, 3 replicas');
  });

  it('grows requests last, however the manifests are ordered', () => {
    const names = [TOPICS.requests, TOPICS.quotes, TOPICS.errors];
    const { changes } = planTopics(
      names.map((name) => wanted({ name, partitions: 24 })),
      cluster(names.map((name) => actual({ name }))),
    );
    expect(changes.map(({ topic }) => topic)).toEqual([TOPICS.quotes, TOPICS.errors, TOPICS.requests]);
  });

  it.each([
    [1, 1, '1'],
    [2, 2, '1'],
    [3, 3, '2'],
    [5, 3, '2'],
  ])('with %i brokers wants %i replicas and min.insync.replicas %s', (brokers, replicas, inSync) => {
    const { changes, notes } = planTopics([wanted()], cluster([], brokers));
    expect(changes).toEqual([
      expect.objectContaining({ replicas, config: { ...CONFIG, 'min.insync.replicas': inSync } }),
    ]);
    expect(notes).toHaveLength(brokers < 3 ? 1 : 0);
  });

  it('says that replicas differ, and leaves them', () => {
    const { changes, notes } = planTopics([wanted()], cluster([actual({ replicas: 1 })]));
    expect(changes).toEqual([]);
    expect(notes).toEqual(['osago.quotes.v1: has 1 replicas, not 3: move them by hand']);
  });

  it('sends the whole configuration with each change, for what is left out is reset', () => {
    const { changes } = planTopics([wanted()], cluster([actual(withConfig({ 'retention.ms': '1' }))]));
    expect(changes).toEqual([expect.objectContaining({ kind: 'configure', config: CONFIG })]);
  });
});
