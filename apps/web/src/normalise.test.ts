import { describe, expect, test } from '@jest/globals';
import { number, ticked } from './normalise.ts';

describe('a number', () => {
  test.each([['87,5', 87.5], ['2 019', 2019], ['134.6', 134.6]])('«%s» is %p', (typed, sent) => {
    expect(number(typed)).toBe(sent);
  });

  test.each(['много', '1e3', '0x10', '-5', '1.2.3'])('«%s» is none and stays text', (typed) => {
    expect(number(typed)).toBe(typed);
  });
});

test('a switch is on or off', () => {
  expect([ticked('true'), ticked('')]).toEqual([true, false]);
});
