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
      'a shorter retention, with what it deletes, and that it is refused',
      {},
      withConfig({ 'retention.ms': '-1' }),
      [
        'osago.quotes.v1: refused: retention.ms -1 → 259200000: records older than 3 d will be deleted;' +
          ' apply --delete-records allows it',
      ],
    ],
    [
      'a smaller size, with what it deletes, and that it is refused',
      { config: { ...CONFIG, 'retention.bytes': '1000' } },
      withConfig({ 'retention.bytes': '-1' }),
      [
        'osago.quotes.v1: refused: retention.bytes -1 → 1000: of each partition only the last 1000 bytes will be kept;' +
          ' apply --delete-records allows it',
      ],
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

  it('lowers a limit where that is allowed, and refuses to shrink or compact all the same', () => {
    const have = actual({ ...withConfig({ 'retention.ms': '-1', 'cleanup.policy': 'compact' }), partitions: 24 });
    const { changes } = planTopics([wanted()], cluster([have]), { mayDeleteRecords: true });
    expect(changes.map(({ kind }) => kind)).toEqual(['refuse', 'refuse', 'configure']);
    expect(changes.flatMap(linesOf).filter((line) => line.includes('retention.ms'))).toEqual([
      'osago.quotes.v1: retention.ms -1 → 259200000: records older than 3 d will be deleted',
    ]);
  });

  it('refuses to give up a limit made by hand, for the default may keep less', () => {
    const { 'retention.ms': _, ...config } = CONFIG;
    const { changes } = planTopics([wanted({ config })], cluster([actual(withConfig({ 'retention.ms': '-1' }))]));
    expect(changes.flatMap(linesOf)[0]).toBe(
      'osago.quotes.v1: refused: retention.ms -1 → default: the default may keep less; apply --delete-records allows it',
    );
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
    const { changes } = planTopics([wanted()], cluster([actual(withConfig({ 'retention.ms': '1' }))]), { mayDeleteRecords: false });
    expect(changes).toEqual([expect.objectContaining({ kind: 'configure', config: CONFIG })]);
  });
});
