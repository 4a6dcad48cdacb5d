/** What readers do when a topic is deleted and made anew, for every adapter. */
import { describe, expect, it } from '@jest/globals';
import { bodiesOf, isWritten, messages, until } from './suite-readers.ts';
import { type SuiteSetting, TEST_MS } from './suite-setting.ts';

const OLD = ['old 1', 'old 2', 'old 3', 'old 4'];
const NEW = ['new 1', 'new 2'];

export const describeNewLog = (setting: SuiteSetting): void => {
  describe('a topic that is made anew', () => {
    const writeNew = (topic: string): Promise<void> =>
      until(async () => isWritten(await setting.bus.publish(messages(topic, 0, NEW))));
    const newOf = (records: Parameters<typeof bodiesOf>[0]): string[] =>
      [...new Set(bodiesOf(records).filter((body) => body.startsWith('new')))];

    it('ends a tail with an error that names the partition: it would take the new records for old ones', async () => {
      const topic = await setting.createTopic(1);
      await setting.write(topic, 0, ...OLD);
      const reader = setting.read([topic]);
      await until(() => reader.records.length === OLD.length);
      const failed = reader.failed();
      await setting.remake(topic, 1);
      await writeNew(topic);
      expect(await failed).toMatchObject({ name: 'EventBusError', retriable: false, message: expect.stringContaining(topic) });
      expect(reader.tail.health().phase).toBe('stopped');
    }, TEST_MS);

    it('ends a tail also when it is already longer than what was read', async () => {
      const topic = await setting.createTopic(1);
      await setting.write(topic, 0, ...OLD);
      const reader = setting.read([topic]);
      await until(() => reader.records.length === OLD.length);
      const failed = reader.failed();
      await setting.remake(topic, 1);
      await until(async () => isWritten(await setting.bus.publish(messages(topic, 0, [...NEW, ...NEW, ...NEW]))));
      expect(await failed).toMatchObject({ name: 'EventBusError', retriable: false, message: expect.stringContaining(topic) });
    }, TEST_MS);

    it('is handed over from its beginning, by the member that read the old one or, when that ended, by the next', async () => {
      const topic = await setting.createTopic(1);
      const group = setting.newGroup();
      await setting.write(topic, 0, ...OLD);
      const first = setting.join(group, topic);
      await until(() => first.records.length === OLD.length);
      first.finish(() => true);
      await until(async () => (await setting.committed(group, topic))[0] === BigInt(OLD.length));
      const failures: unknown[] = [];
      void first.failed().then((error) => failures.push(error), () => undefined);
      await setting.remake(topic, 1);
      await writeNew(topic);
      await until(() => failures.length > 0 || newOf(first.records).length === NEW.length);
      if (failures.length > 0) {
        const next = setting.join(group, topic);
        await until(() => newOf(next.records).length === NEW.length);
        expect(newOf(next.records)).toEqual(NEW);
      } else {
        expect(newOf(first.records)).toEqual(NEW);
      }
    }, TEST_MS);
  });
};
