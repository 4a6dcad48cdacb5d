import { describe, expect, test } from '@jest/globals';
import { RelayQueue } from './relay-queue.ts';
import { Bell } from './relay-time.ts';
import { rowOf, SkippableTime } from './testing-outbox.ts';

const ids = (rows: readonly { id: string }[]): string[] => rows.map(({ id }) => id);
const bornRow = (id: number, partition = 1) => rowOf(id, `request-${id}`, partition);
const claimedRow = (id: number, partition = 1) => ({ ...bornRow(id, partition), attempts: 1 });

describe('the queue', () => {
  test('gives the oldest rows first, none of the partitions that must wait', () => {
    const queue = new RelayQueue();
    for (const row of [bornRow(1, 0), claimedRow(2, 1), bornRow(3, 0), claimedRow(4, 2)]) queue.add(row, 0);
    const { topic } = bornRow(1);
    expect(ids(queue.take(1, new Set([`${topic}/0`])))).toEqual(['2']);
    expect(ids(queue.take(2))).toEqual(['1', '3']);
    expect(ids(queue.take(500))).toEqual(['4']);
    expect(queue.size).toBe(0);
  });

  test('has room for 10,000 new rows, and always for those that were claimed', () => {
    const queue = new RelayQueue();
    for (let id = 1; id <= 10_000; id += 1) expect(queue.add(bornRow(id), 0)).toBe(true);
    expect(queue.add(bornRow(10_001), 0)).toBe(false);
    expect(queue.add(claimedRow(10_002), 0)).toBe(true);
    expect([queue.size, queue.claimed]).toEqual([10_001, 1]);
    queue.take(1);
    expect(queue.add(bornRow(10_003), 0)).toBe(true);
  });

  test('gives back what has waited since before a moment, and what was claimed of some partitions', () => {
    const queue = new RelayQueue();
    queue.add(bornRow(1), 10);
    queue.add(claimedRow(2), 20);
    queue.add(bornRow(3), 30);
    queue.add(claimedRow(4, 2), 30);
    expect(ids(queue.takeBefore(20))).toEqual(['1']);
    expect(ids(queue.takeClaimed([`${bornRow(1).topic}/1`]))).toEqual(['2']);
    expect([queue.size, queue.claimed]).toEqual([2, 1]);
  });
});

describe('a bell', () => {
  test('that was rung before the wait ends it, and only this one', async () => {
    const time = new SkippableTime();
    const bell = new Bell(time);
    bell.ring();
    bell.ring();
    await bell.wait();
    let isOver = false;
    const waiting = bell.wait(60_000).then(() => (isOver = true));
    await new Promise((resolve) => setImmediate(resolve));
    expect(isOver).toBe(false);
    bell.ring();
    await waiting;
  });

  test('ends a wait when its time has passed', async () => {
    const time = new SkippableTime();
    const waiting = new Bell(time).wait(60_000);
    time.skip(60_001);
    await waiting;
  });
});
