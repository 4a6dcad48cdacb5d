import { expect, test } from '@jest/globals';
import { AttemptKey, randomUuid } from './attempt-key.ts';

const setup = (): AttemptKey => {
  let made = 0;
  return new AttemptKey(() => `key ${(made += 1)}`);
};

test('the same application sent again keeps its key', () => {
  const attempt = setup();
  expect([attempt.keyFor('a'), attempt.keyFor('a')]).toEqual(['key 1', 'key 1']);
});

test('another application gets another key', () => {
  const attempt = setup();
  expect([attempt.keyFor('a'), attempt.keyFor('b')]).toEqual(['key 1', 'key 2']);
});

test('the same application after it has arrived goes without a key, so that the server looks whether it is in progress', () => {
  const attempt = setup();
  attempt.keyFor('a');
  attempt.arrived('a');
  expect([attempt.keyFor('a'), attempt.keyFor('b'), attempt.keyFor('a')]).toEqual([undefined, 'key 2', undefined]);
  attempt.arrived('b');
  expect(attempt.keyFor('a')).toBe('key 3');
});

test('a random UUID is a UUID of version 4, another each time', () => {
  expect(randomUuid()).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  expect(new Set(Array.from({ length: 100 }, randomUuid)).size).toBe(100);
});
