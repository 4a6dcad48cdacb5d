import { describe, expect, test } from '@jest/globals';
import type { Facts } from './adapter.ts';
import { History } from './history.ts';

const snapshot = (versions: Facts['versions']): Facts => ({ as: 'snapshot', versions });
const change = (versions: Facts['versions']): Facts => ({ as: 'change', versions });

const problems = (facts: readonly Facts[], options: { sendsEveryVersion?: boolean } = {}): string[] => {
  const history = new History(options);
  for (const fact of facts) history.take(fact);
  return history.problems.map(({ text }) => text);
};

describe('what one reader was told', () => {
  test('is one history when versions only grow and a snapshot shows no less', () => {
    expect(problems([snapshot({ a: 1, b: 1 }), change({ a: 2 }), snapshot({ a: 2, b: 3 }), change({ b: 5 })])).toEqual([]);
  });

  test('repeats when a change is not newer', () => {
    expect(problems([snapshot({ a: 2 }), change({ a: 2 }), change({ a: 1 })])).toEqual([
      'repeat: a 2 twice',
      'repeat: a 1 again after 2',
    ]);
  });

  test('goes backwards when a snapshot shows less, or a thing no longer', () => {
    expect(problems([snapshot({ a: 2, b: 1 }), snapshot({ a: 1 })])).toEqual([
      'backwards: b is no longer in the snapshot',
      'backwards: a goes from 2 back to 1',
    ]);
  });

  test('has a gap at a version left out, only where each is sent', () => {
    const facts = [snapshot({ a: 1 }), change({ a: 3 })];
    expect(problems(facts)).toEqual([]);
    expect(problems(facts, { sendsEveryVersion: true })).toEqual(['gap: a goes from 1 to 3']);
  });

  test('lacks what is true and was not told', () => {
    const history = new History();
    history.take(snapshot({ a: 1 }));
    expect(history.lacks({ a: 1 })).toEqual([]);
    expect(history.lacks({ a: 2, b: 1 })).toEqual([
      'gap: a is at 2, the reader is at 1',
      'gap: b is at 1, the reader is at nothing',
    ]);
  });
});
