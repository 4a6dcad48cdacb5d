import { expect, test } from '@jest/globals';
import { createProgress } from './progress.ts';

const setup = (isTTY: boolean) => {
  let written = '';
  let nowMs = 0;
  const out = { write: (text: string) => (written += text), isTTY, columns: 40 };
  const progress = createProgress(out, () => nowMs);
  const takes = (ms: number) => () => {
    nowMs += ms;
    return Promise.resolve('result');
  };
  return { progress, takes, written: () => written };
};

test('one plain line a step where nobody watches', async () => {
  const { progress, takes, written } = setup(false);
  expect(await progress.step('starting Kafka', takes(2140))).toBe('result');
  progress.end();
  expect(written()).toBe('✓ starting Kafka  2.1 s\n');
});

test('a terminal also shows what is going on, within its width', async () => {
  const { progress, takes, written } = setup(true);
  await progress.step('a step whose title is longer than the terminal is wide', takes(10));
  progress.end();
  const lines = written().split('\r\u001b[K');
  expect(lines[1]).toBe('… a step whose title is longer than the');
  expect(lines.at(-1)).toBe('');
});

test('a step that fails leaves no line of success', async () => {
  const { progress, written } = setup(false);
  await expect(progress.step('x', () => Promise.reject(new Error('no')))).rejects.toThrow('no');
  expect(written()).toBe('');
});
