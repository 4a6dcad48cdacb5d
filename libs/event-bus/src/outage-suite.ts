/** What every adapter does while no broker answers, and after it. */
import { describe, expect, it } from '@jest/globals';
import { bodiesOf, isWritten, messages, until } from './suite-readers.ts';
import { type SuiteSetting, TEST_MS } from './suite-setting.ts';

/** Silent for so long, a reader is not what it is on any other day. */
const SEEN_MS = 1_800;
/** After this time an app calls itself unwell. */
const RED_MS = 10_000;

export const describeOutage = (setting: SuiteSetting): void => {
  describe('while no broker answers', () => {
    it('tells of each record that it is not written, and readers go on where they were', async () => {
      const topic = await setting.createTopic(1);
      const member = setting.join(setting.newGroup(), topic);
      const reader = setting.read([topic]);
      await setting.write(topic, 0, 'a1', 'a2');
      await until(() => member.records.length === 2 && reader.records.length === 2);
      member.finish((body) => body === 'a1');
      setting.setAway(true);
      const startedAtMs = performance.now();
      const refused = { ok: false, error: { name: 'PublishError', retriable: true } };
      expect(await setting.bus.publish(messages(topic, 0, ['x1', 'x2']))).toMatchObject([refused, refused]);
      await expect(setting.bus.ping()).rejects.toMatchObject({ name: 'EventBusError', retriable: true });
      expect(performance.now() - startedAtMs).toBeLessThan(20_000);
      setting.setAway(false);
      await until(async () => isWritten(await setting.bus.publish(messages(topic, 0, ['b1']))));
      await until(() => member.count('b1') > 0 && bodiesOf(reader.records).includes('b1'));
      expect(bodiesOf(reader.records)).toEqual(['a1', 'a2', 'b1']);
      expect([...new Set(bodiesOf(member.records))]).toEqual(['a1', 'a2', 'b1']);
    }, TEST_MS);

    it('shows it in the health of its readers within ten seconds, and that it is over', async () => {
      const topic = await setting.createTopic(1);
      const member = setting.join(setting.newGroup(), topic);
      const reader = setting.read([topic]);
      await setting.write(topic, 0, 'a1');
      await until(() => member.records.length === 1 && reader.records.length === 1);
      const heardMs = (): number[] => [member.subscription.health().lastHeardAtMs, reader.tail.health().lastFetchAtMs];
      setting.setAway(true);
      const awayAtMs = Date.now();
      await until(() => heardMs().every((atMs) => Date.now() - atMs > SEEN_MS));
      expect(Date.now() - awayAtMs).toBeLessThan(RED_MS);
      setting.setAway(false);
      await until(() => heardMs().every((atMs) => atMs > awayAtMs + SEEN_MS));
      expect(member.subscription.health().phase).toBe('live');
    }, TEST_MS);
  });
};
