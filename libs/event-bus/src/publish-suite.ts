/** What `publish` and the questions promise, for every adapter. */
import { describe, expect, it } from '@jest/globals';
import { bodiesOf, messages, offsetsOf, until } from './suite-readers.ts';
import { type SuiteSetting, TEST_MS } from './suite-setting.ts';

export const describePublishing = (setting: SuiteSetting): void => {
  describe('publishing', () => {
    it('answers each record with its offset, in the order of the call', async () => {
      const topic = await setting.createTopic(2);
      const answers = await setting.bus.publish([
        ...messages(topic, 0, ['a']),
        ...messages(topic, 1, ['b']),
        ...messages(topic, 0, ['c']),
      ]);
      expect(answers).toEqual([
        { ok: true, offset: 0n },
        { ok: true, offset: 0n },
        { ok: true, offset: 1n },
      ]);
      expect(await setting.bus.endOffsets(topic)).toEqual([2n, 1n]);
    }, TEST_MS);

    it('answers an unknown topic, an unknown partition and a record too large with failures, and writes the rest', async () => {
      const topic = await setting.createTopic(2);
      const large = messages(topic, 1, ['large']).map((record) => ({ ...record, value: Buffer.alloc(3_000_000) }));
      const answers = await setting.bus.publish([
        ...messages(topic, 0, ['a']),
        ...messages(topic, 7, ['nowhere']),
        ...messages(`${topic}-unknown`, 0, ['nowhere']),
        ...large,
        ...messages(topic, 1, ['after the large one']),
      ]);
      expect(answers.map((answer) => answer.ok || answer.error.retriable)).toEqual([
        true,
        true,
        true,
        false,
        true,
      ]);
      expect(answers.map(({ ok }) => ok)).toEqual([true, false, false, false, true]);
      expect(await setting.bus.endOffsets(topic)).toEqual([1n, 1n]);
    }, TEST_MS);

    it('keeps the order of many large records of one partition', async () => {
      const topic = await setting.createTopic(1);
      const bodies = Array.from({ length: 60 }, (_, at) => `${at} ${'x'.repeat(50_000)}`);
      const answers = await setting.write(topic, 0, ...bodies);
      expect(offsetsOf(answers)).toEqual(bodies.map((_, at) => BigInt(at)));
      const reader = setting.read([topic]);
      await until(() => reader.records.length === bodies.length);
      expect(bodiesOf(reader.records)).toEqual(bodies);
    }, TEST_MS);

    it('gives back key, value, headers and time as they were written', async () => {
      const topic = await setting.createTopic(1);
      const before = Date.now();
      const headers = { traceparent: '00-1-2-03', 'content-type': 'text/plain' };
      await setting.bus.publish([{ topic, partition: 0, key: 'ключ', value: Buffer.from('страховка'), headers }]);
      const reader = setting.read([topic]);
      await until(() => reader.records.length === 1);
      const [record] = reader.records;
      expect(record).toMatchObject({ topic, partition: 0, offset: 0n, key: 'ключ', headers });
      expect(record?.value?.toString()).toBe('страховка');
      expect(record?.timestampMs).toBeGreaterThanOrEqual(before - 1_000);
    }, TEST_MS);
  });

  describe('questions', () => {
    it('says how many partitions a topic has, and refuses an unknown one', async () => {
      const topic = await setting.createTopic(3);
      expect(await setting.bus.partitions(topic)).toBe(3);
      await expect(setting.bus.partitions(`${topic}-unknown`)).rejects.toMatchObject({ name: 'EventBusError', retriable: true });
      await expect(setting.bus.ping()).resolves.toBeUndefined();
    }, TEST_MS);

    it('finds offsets by time: the earliest record written then or later, else the end', async () => {
      const topic = await setting.createTopic(2);
      await setting.write(topic, 0, 'a', 'b');
      const reader = setting.read([topic]);
      await until(() => reader.records.length === 2);
      const writtenAtMs = Math.max(...reader.records.map(({ timestampMs }) => timestampMs));
      expect(await setting.bus.offsetsAt(topic, writtenAtMs - 60_000)).toEqual([0n, 0n]);
      expect(await setting.bus.offsetsAt(topic, writtenAtMs + 60_000)).toEqual([2n, 0n]);
      expect(await setting.bus.startOffsets(topic)).toEqual([0n, 0n]);
    }, TEST_MS);
  });
};
