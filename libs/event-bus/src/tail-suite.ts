/** What `tail` promises, for every adapter. */
import { describe, expect, it } from '@jest/globals';
import { partitionId } from './hand-over.ts';
import { bodiesOf, isWritten, messages, until } from './suite-readers.ts';
import { type SuiteSetting, TEST_MS } from './suite-setting.ts';

export const describeTail = (setting: SuiteSetting): void => {
  describe('tail', () => {
    it('reads all partitions of all topics and is caught up at the ends of its start, empty ones included', async () => {
      const [full, empty] = [await setting.createTopic(3), await setting.createTopic(2)];
      await setting.write(full, 0, 'a1', 'a2');
      await setting.write(full, 2, 'c1');
      const reader = setting.read([full, empty]);
      await reader.tail.caughtUp;
      expect(bodiesOf(reader.records).sort()).toEqual(['a1', 'a2', 'c1']);
      expect(reader.tail.health().phase).toBe('live');
      const next = new Map(reader.tail.positions().map((at) => [partitionId(at), [at.next, at.goal]]));
      expect(next.get(`${full}/0`)).toEqual([2n, 2n]);
      expect(next.get(`${empty}/1`)).toEqual([0n, 0n]);
      await setting.write(empty, 1, 'late');
      await until(() => reader.records.length === 4);
    }, TEST_MS);

    it('is caught up at once where all topics are empty', async () => {
      const reader = setting.read([await setting.createTopic(2)]);
      await reader.tail.caughtUp;
      expect(reader.records).toEqual([]);
    }, TEST_MS);

    it('starts at the first record of a moment and drops what is older', async () => {
      const topic = await setting.createTopic(2);
      await setting.write(topic, 0, 'old');
      await setting.write(topic, 1, 'old');
      const past = setting.read([topic]);
      await until(() => past.records.length === 2);
      const lastMs = Math.max(...past.records.map(({ timestampMs }) => timestampMs));
      await until(() => Date.now() > lastMs + 5);
      const fromMs = Date.now();
      await until(() => Date.now() > fromMs);
      await setting.write(topic, 0, 'new');
      const reader = setting.read([topic], fromMs);
      await reader.tail.caughtUp;
      expect(bodiesOf(reader.records)).toEqual(['new']);
      await setting.write(topic, 1, 'newer');
      await until(() => reader.records.length === 2);
      expect(bodiesOf(reader.records)).toEqual(['new', 'newer']);
    }, TEST_MS);

    it('has neither gap nor repeat when it joins anew in the middle of a feed', async () => {
      const topic = await setting.createTopic(1);
      const reader = setting.read([topic]);
      await reader.tail.caughtUp;
      const writing = new AbortController();
      let written = 0;
      const feed = (async () => {
        while (!writing.signal.aborted) {
          await setting.write(topic, 0, ...Array.from({ length: 20 }, (_, at) => String(written + at)));
          written += 20;
          await until(() => reader.records.length > written - 400);
        }
      })();
      for (const partitions of [2, 3, 4]) {
        await setting.grow(topic, partitions);
        await until(() => reader.tail.positions().length === partitions);
        const seen = reader.records.length;
        await until(() => reader.records.length > seen + 100);
      }
      writing.abort();
      await feed;
      await until(() => reader.records.length >= written);
      expect(reader.records.map(({ offset }) => offset)).toEqual(Array.from({ length: written }, (_, at) => BigInt(at)));
      await until(async () => isWritten(await setting.bus.publish(messages(topic, 3, ['first of a new partition']))));
      await until(() => reader.records.at(-1)?.partition === 3);
    }, TEST_MS);

    it('commits nothing and leaves no group behind', async () => {
      const topic = await setting.createTopic(2);
      await setting.write(topic, 0, 'a1', 'a2');
      const prefix = setting.newGroup();
      const [one, two] = [setting.read([topic], 0, prefix), setting.read([topic], 0, prefix)];
      await until(() => one.records.length === 2 && two.records.length === 2);
      for (const group of await setting.groups(prefix)) {
        expect((await setting.committed(group, topic)).filter((offset) => offset !== undefined)).toEqual([]);
      }
      await Promise.all([one.stop(), two.stop()]);
      expect(await setting.groups(prefix)).toEqual([]);
      expect(one.tail.health().phase).toBe('stopped');
    }, TEST_MS);

    it('rejects when the handler throws', async () => {
      const topic = await setting.createTopic(1);
      await setting.write(topic, 0, 'a1');
      const fault = new Error('a fault of the handler');
      const onRecord = (): void => { throw fault; };
      const tail = setting.bus.tail({ topics: [topic], fromMs: 0, groupPrefix: setting.newGroup() }, onRecord);
      await expect(tail.run(new AbortController().signal)).rejects.toBe(fault);
    }, TEST_MS);
  });
};
