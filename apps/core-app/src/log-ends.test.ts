import { expect, test } from '@jest/globals';
import { LogEnds } from './log-ends.ts';
import { TestClock } from './testing-events.ts';

const setup = () => {
  const clock = new TestClock();
  const asked: string[] = [];
  let isAway = false;
  const endOffsets = (topic: string): Promise<bigint[]> => {
    asked.push(topic);
    return isAway ? Promise.reject(new Error('the broker is away')) : Promise.resolve([BigInt(asked.length)]);
  };
  return { asked, clock, ends: new LogEnds({ bus: { endOffsets }, clock }), leave: (away: boolean) => (isAway = away) };
};

test('thousands who ask for the end of a topic at once are one question, each gets its answer', async () => {
  const { asked, ends } = setup();
  const answers = await Promise.all(Array.from({ length: 2_500 }, () => ends.endOffsets('a')));
  expect(new Set(answers.map(String))).toEqual(new Set(['1']));
  expect(await ends.endOffsets('b')).toEqual([2n]);
  expect(asked).toEqual(['a', 'b']);
});

test('an answer is of use for a second, not longer, also when the clock is set back', async () => {
  const { clock, ends } = setup();
  expect(await ends.endOffsets('a')).toEqual([1n]);
  clock.advance(999);
  expect(await ends.endOffsets('a')).toEqual([1n]);
  clock.advance(1);
  expect(await ends.endOffsets('a')).toEqual([2n]);
  clock.advance(-60_000);
  expect(await ends.endOffsets('a')).toEqual([3n]);
});

test('that the broker is away is said to all, and asked again a second later', async () => {
  const { asked, clock, ends, leave } = setup();
  leave(true);
  await expect(ends.endOffsets('a')).rejects.toThrow('away');
  await expect(ends.endOffsets('a')).rejects.toThrow('away');
  expect(asked).toHaveLength(1);
  leave(false);
  clock.advance(1_000);
  expect(await ends.endOffsets('a')).toEqual([2n]);
});
