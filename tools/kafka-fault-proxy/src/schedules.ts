/** Seeded schedules for the tests: what goes wrong, where and how often, on the way of a bus to its broker. */
import fc from 'fast-check';
import type { Rule } from './rules.ts';

export const PARTITIONS = 4;
export const NODES = 3;

export type Step =
  | { readonly kind: 'publish'; readonly partition: number; readonly count: number }
  | { readonly kind: 'move'; readonly partition: number; readonly node: number }
  | { readonly kind: 'fault'; readonly rule: Rule };

const partition = fc.nat(PARTITIONS - 1);
const node = fc.integer({ min: 1, max: NODES });

/** What a healthy cluster says while it changes: a client that gives up on one of these is a client to mend. */
const refusal = (topic: string): fc.Arbitrary<Rule> =>
  fc.oneof(
    fc.record({
      on: fc.constantFrom('Produce' as const, 'Fetch' as const, 'ListOffsets' as const),
      topic: fc.constant(topic),
      partition,
      answerWith: fc.constant('NOT_LEADER_OR_FOLLOWER' as const),
      times: fc.constant(1),
    }),
    fc.record({
      on: fc.constant('Produce' as const),
      topic: fc.constant(topic),
      partition,
      answerWith: fc.constantFrom('NOT_ENOUGH_REPLICAS' as const, 'REQUEST_TIMED_OUT' as const),
      handled: fc.boolean(),
      times: fc.constantFrom(1, 2),
    }),
    fc.record({
      on: fc.constant('OffsetCommit' as const),
      topic: fc.constant(topic),
      partition,
      answerWith: fc.constant('COORDINATOR_LOAD_IN_PROGRESS' as const),
      times: fc.constantFrom(1, 2),
    }),
    fc.record({
      on: fc.constantFrom('Heartbeat' as const, 'SyncGroup' as const),
      answerWith: fc.constant('REBALANCE_IN_PROGRESS' as const),
      times: fc.constant(1),
    }),
  );

const slowness = (topic: string): fc.Arbitrary<Rule> =>
  fc.record({
    on: fc.constantFrom('Produce' as const, 'Fetch' as const, 'OffsetCommit' as const),
    topic: fc.constant(topic),
    partition,
    delay: fc.constantFrom('request' as const, 'answer' as const),
    ms: fc.nat(150),
    times: fc.constantFrom(1, 2, 3),
  });

const closing = (topic: string): fc.Arbitrary<Rule> =>
  fc.record({
    on: fc.constantFrom('Produce' as const, 'Fetch' as const, 'OffsetCommit' as const, 'Metadata' as const),
    topic: fc.constant(topic),
    close: fc.constantFrom('before handling' as const, 'after handling' as const),
    times: fc.constantFrom(1, 2),
  });

/** Costs its client a whole request time, so there is at most one in a schedule. */
const drop = (topic: string): fc.Arbitrary<Rule> =>
  fc.record({
    on: fc.constantFrom('Produce' as const, 'Fetch' as const),
    topic: fc.constant(topic),
    partition,
    drop: fc.constantFrom('request' as const, 'answer' as const),
    times: fc.constant(1),
  });

/** The schedule of a seed: the same one each time. */
export const scheduleOf = (topic: string, seed: number): Step[] => {
  const rule = fc.oneof(
    { weight: 5, arbitrary: refusal(topic) },
    { weight: 2, arbitrary: slowness(topic) },
    { weight: 2, arbitrary: closing(topic) },
  );
  const step: fc.Arbitrary<Step> = fc.oneof(
    { weight: 6, arbitrary: fc.record({ kind: fc.constant('publish' as const), partition, count: fc.integer({ min: 1, max: 8 }) }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('move' as const), partition, node }) },
    { weight: 3, arbitrary: fc.record({ kind: fc.constant('fault' as const), rule }) },
  );
  const lost: fc.Arbitrary<Step[]> = fc.array(fc.record({ kind: fc.constant('fault' as const), rule: drop(topic) }), { maxLength: 1 });
  const steps = fc.tuple(fc.array(step, { minLength: 40, maxLength: 60, size: 'max' }), lost, fc.nat(39));
  const [[found, extra, at] = [[], [], 0]] = fc.sample(steps, { seed, numRuns: 1 });
  return found.toSpliced(at, 0, ...extra);
};
