import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { LogRecord } from './event-bus.ts';
import { HandOver } from './hand-over.ts';

const record = (partition: number, offset: number): LogRecord => ({
  topic: 'log',
  partition,
  offset: BigInt(offset),
  key: '',
  value: null,
  headers: {},
  timestampMs: 0,
});
const records = (partition: number, from: number, count: number): LogRecord[] =>
  Array.from({ length: count }, (_, at) => record(partition, from + at));

const setup = (inFlightMax = 100) => {
  const got: LogRecord[] = [];
  const handOver = new HandOver((given) => got.push(given), inFlightMax);
  handOver.assign([{ topic: 'log', partition: 0 }]);
  return { handOver, got };
};
const offsets = (given: readonly { offset: bigint }[]): number[] => given.map(({ offset }) => Number(offset));

describe('HandOver', () => {
  it('commits the lowest unfinished offset, in whatever order records end', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 8 }), fc.infiniteStream(fc.nat()), (count, bound, picks) => {
        const { handOver, got } = setup(bound);
        const open = new Set<LogRecord>();
        let seen = 0;
        handOver.receive(records(0, 5, count));
        for (;;) {
          for (const given of got.slice(seen)) open.add(given);
          seen = got.length;
          expect(open.size).toBeLessThanOrEqual(bound);
          const lowest = Math.min(5 + seen, ...offsets([...open]));
          const commits = handOver.commits();
          if (commits.length > 0) expect(offsets(commits)).toEqual([lowest]);
          handOver.committed(commits);
          expect(handOver.commits()).toEqual([]);
          const left = [...open];
          const pick = left[(picks.next().value as number) % Math.max(1, left.length)];
          if (pick === undefined) break;
          open.delete(pick);
          handOver.done(pick);
        }
        expect(offsets(got)).toEqual(offsets(records(0, 5, count)));
      }),
    );
  });

  it('drops what it has received before, finished or not', () => {
    const { handOver, got } = setup();
    handOver.receive(records(0, 0, 3));
    handOver.done(got[0]!);
    handOver.receive(records(0, 0, 5));
    expect(offsets(got)).toEqual([0, 1, 2, 3, 4]);
    expect(handOver.next({ topic: 'log', partition: 0 })).toBe(5n);
  });

  it('forgets a lost partition: its records are dropped, done of them is ignored', () => {
    const { handOver, got } = setup(1);
    handOver.receive(records(0, 0, 3));
    handOver.revoke([{ topic: 'log', partition: 0 }]);
    handOver.receive(records(0, 3, 1));
    handOver.done(got[0]!);
    expect(offsets(got)).toEqual([0]);
    expect(handOver.unfinished).toBe(0);
    expect(handOver.full).toBe(false);
    expect(handOver.commits()).toEqual([]);
  });

  it('takes done of an earlier tenure for nothing when the partition came back', () => {
    const { handOver, got } = setup();
    const partition = { topic: 'log', partition: 0 };
    handOver.receive(records(0, 0, 1));
    handOver.revoke([partition]);
    handOver.assign([partition]);
    handOver.receive(records(0, 0, 1));
    handOver.done(got[0]!);
    expect(handOver.unfinished).toBe(1);
    handOver.done(got[1]!);
    expect(handOver.unfinished).toBe(0);
  });

  it('goes on with other partitions when the lost one filled the bound', () => {
    const { handOver, got } = setup(1);
    handOver.assign([{ topic: 'log', partition: 1 }]);
    handOver.receive(records(0, 0, 2));
    handOver.receive(records(1, 0, 1));
    expect(handOver.full).toBe(true);
    handOver.revoke([{ topic: 'log', partition: 0 }]);
    expect(got.map(({ partition }) => partition)).toEqual([0, 1]);
    expect(handOver.full).toBe(false);
  });

  it('survives a handler that ends each record at once', () => {
    const got: number[] = [];
    const handOver: HandOver = new HandOver((given) => {
      got.push(Number(given.offset));
      handOver.done(given);
    }, 1);
    handOver.assign([{ topic: 'log', partition: 0 }]);
    handOver.receive(records(0, 0, 20_000));
    expect(got.length).toBe(20_000);
    expect(offsets(handOver.commits())).toEqual([20_000]);
  });
});
