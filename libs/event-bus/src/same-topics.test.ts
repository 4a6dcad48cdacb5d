import { expect, test } from '@jest/globals';
import { EventBusError } from './event-bus.ts';
import { SameTopics } from './same-topics.ts';

/** Answers one after another; undefined: the broker does not answer. */
const topicsOf = (...answers: (Record<string, string> | undefined)[]): SameTopics => {
  const topicIds = (): Promise<Map<string, string>> => {
    const answer = answers.shift();
    if (answer === undefined) return Promise.reject(new EventBusError('away', { retriable: true }));
    return Promise.resolve(new Map(Object.entries(answer)));
  };
  return new SameTopics({ topicIds }, ['a', 'b']);
};

test('a topic whose id has changed was made anew', async () => {
  const topics = topicsOf({ a: '1', b: '2' }, { a: '1', b: '2' }, { a: '1', b: '3' });
  expect(await topics.failure()).toBeUndefined();
  expect(await topics.failure()).toBeUndefined();
  expect(await topics.failure()).toMatchObject({ retriable: false, message: 'the topic b was made anew' });
});

test('what it was is remembered while it is gone and while nobody answers', async () => {
  const topics = topicsOf({ a: '1' }, {}, undefined, { a: '2' });
  expect(await topics.failure()).toBeUndefined();
  expect(await topics.failure()).toBeUndefined();
  await expect(topics.failure()).rejects.toMatchObject({ message: 'away' });
  expect(await topics.failure()).toMatchObject({ message: 'the topic a was made anew' });
});

test('a client that names the id with each fetch is not asked', async () => {
  expect(await new SameTopics({}, ['a']).failure()).toBeUndefined();
});
