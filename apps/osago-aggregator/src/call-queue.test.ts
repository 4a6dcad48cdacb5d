import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { CallQueue } from './call-queue.ts';

const queueOf = (...deadlines: number[]) => {
  const queue = new CallQueue<{ latestStartMs: number; id: number }>();
  deadlines.forEach((latestStartMs, id) => queue.add({ latestStartMs, id }));
  return queue;
};

const drained = (queue: ReturnType<typeof queueOf>) => {
  const calls = [];
  for (let call = queue.take(); call !== undefined; call = queue.take()) calls.push(call);
  return calls;
};

test('the call with the earliest deadline is first, and of equal ones the one that came first', () => {
  fc.assert(
    fc.property(fc.array(fc.nat({ max: 20 })), (deadlines) => {
      const calls = drained(queueOf(...deadlines));
      const sorted = deadlines.map((latestStartMs, id) => ({ latestStartMs, id })).sort((a, b) => a.latestStartMs - b.latestStartMs || a.id - b.id);
      expect(calls).toEqual(sorted);
    }),
  );
});

test('a call that is removed is not taken', () => {
  const queue = queueOf(3, 1, 2);
  const first = queue.first;
  if (first !== undefined) queue.remove(first);
  expect(drained(queue).map(({ latestStartMs }) => latestStartMs)).toEqual([2, 3]);
});

test('calls that cannot start in time make room for those that can', () => {
  const queue = queueOf(50, 100, 149, 250);
  // Starts are possible at 100, 150, 200, …: the third could only have had the place of the second.
  expect(queue.takeUnreachable(0, 100, 50).map(({ latestStartMs }) => latestStartMs)).toEqual([50, 149]);
  expect(drained(queue).map(({ latestStartMs }) => latestStartMs)).toEqual([100, 250]);
});

test('calls that may start now are not given up', () => {
  expect(queueOf(10, 20, 30).takeUnreachable(2, 100, 50).map(({ latestStartMs }) => latestStartMs)).toEqual([30]);
});

test('calls that are overdue are taken out, and no others', () => {
  const queue = queueOf(10, 20, 30);
  expect(queue.takeOverdue(20).map(({ latestStartMs }) => latestStartMs)).toEqual([10]);
  expect(queue.size).toBe(2);
});

test('nothing is given up while everything can start in time', () => {
  fc.assert(
    fc.property(fc.array(fc.nat({ max: 1_000 })), (gaps) => {
      let lastMs = 100;
      const queue = queueOf(...gaps.map((gap) => (lastMs += 10 + gap)));
      expect(queue.takeUnreachable(0, 100, 10)).toEqual([]);
    }),
  );
});
