/** What `subscribe` promises, for every adapter. */
import { describe, expect, it } from '@jest/globals';
import { bodiesOf, isWritten, Member, messages, until } from './suite-readers.ts';
import { type SuiteSetting, TEST_MS } from './suite-setting.ts';

export const describeSubscription = (setting: SuiteSetting): void => {
  describe('subscription', () => {
    it('hands a new group everything from the beginning, in order per partition', async () => {
      const topic = await setting.createTopic(2);
      await setting.write(topic, 0, 'a1', 'a2', 'a3');
      await setting.write(topic, 1, 'b1', 'b2');
      const member = setting.join(setting.newGroup(), topic);
      await until(() => member.records.length === 5);
      expect(bodiesOf(member.records, 0)).toEqual(['a1', 'a2', 'a3']);
      expect(bodiesOf(member.records, 1)).toEqual(['b1', 'b2']);
      expect(member.generations).toEqual([1]);
      expect(member.subscription.health()).toMatchObject({ phase: 'live', unfinished: 5, full: false });
    }, TEST_MS);

    it('goes on although a record is never done, and commits the lowest that is not', async () => {
      const topic = await setting.createTopic(2);
      const group = setting.newGroup();
      const member = setting.join(group, topic);
      await setting.write(topic, 0, 'a1', 'stuck', 'a3', 'a4');
      await setting.write(topic, 1, 'b1', 'b2');
      await until(() => member.records.length === 6);
      member.finish((body) => body !== 'stuck');
      await until(async () => (await setting.committed(group, topic)).join() === '1,2');
      await setting.write(topic, 0, 'a5');
      await until(() => member.records.length === 7);
    }, TEST_MS);

    it('hands a later member what was not done from there on, and nothing below', async () => {
      const topic = await setting.createTopic(2);
      const group = setting.newGroup();
      const first = setting.join(group, topic);
      await setting.write(topic, 0, 'a1', 'a2', 'a3', 'a4');
      await setting.write(topic, 1, 'b1');
      await until(() => first.records.length === 5);
      first.finish((body) => body === 'a1' || body === 'a3' || body === 'b1');
      await first.stop();
      expect(first.held()).toEqual([]);
      expect(await setting.committed(group, topic)).toEqual([1n, 1n]);
      const second = setting.join(group, topic);
      await setting.write(topic, 1, 'b2');
      await until(() => second.records.length === 4);
      expect(bodiesOf(second.records, 0)).toEqual(['a2', 'a3', 'a4']);
      expect(bodiesOf(second.records, 1)).toEqual(['b2']);
    }, TEST_MS);

    it('shares the partitions with a second member, tells the first what it lost, and hands over nothing twice', async () => {
      const topic = await setting.createTopic(4);
      const group = setting.newGroup();
      const first = setting.join(group, topic);
      for (const partition of [0, 1, 2, 3]) await setting.write(topic, partition, `${partition}-done`, `${partition}-open`);
      await until(() => first.records.length === 8);
      first.finish((body) => body.endsWith('done'));
      const second = setting.join(group, topic);
      await until(() => first.held().length === 2 && second.held().length === 2);
      const kept = first.held().map(({ partition }) => partition);
      const moved = second.held().map(({ partition }) => partition);
      expect([...kept, ...moved].sort()).toEqual([0, 1, 2, 3]);
      for (const partition of [0, 1, 2, 3]) await setting.write(topic, partition, `${partition}-later`);
      await until(() => first.records.length === 10 && second.count('later') === 2 && second.count('open') === 2);
      for (const partition of kept) {
        expect(bodiesOf(first.records, partition)).toEqual([`${partition}-done`, `${partition}-open`, `${partition}-later`]);
      }
      expect(second.records.every(({ partition }) => moved.includes(partition))).toBe(true);
    }, TEST_MS);

    it('keeps what is unfinished of the partitions that stay, through the coming and going of another member', async () => {
      const topic = await setting.createTopic(2);
      const group = setting.newGroup();
      const first = setting.join(group, topic);
      await setting.write(topic, 0, '0-one', '0-two');
      await setting.write(topic, 1, '1-one', '1-two');
      await until(() => first.records.length === 4);
      const second = setting.join(group, topic);
      await until(() => first.held().length === 1 && second.records.length === 2);
      const [kept = -1] = first.held().map(({ partition }) => partition);
      expect(first.subscription.health().unfinished).toBe(2);
      first.finish((body) => body === `${kept}-one`);
      await until(async () => (await setting.committed(group, topic))[kept] === 1n);
      await second.stop();
      await until(() => first.held().length === 2 && first.records.length === 6);
      expect(bodiesOf(first.records, kept)).toEqual([`${kept}-one`, `${kept}-two`]);
      first.finish((body) => body === `${kept}-two`);
      await until(async () => (await setting.committed(group, topic))[kept] === 2n);
    }, TEST_MS);

    it('tells of each partition gained or lost, with a generation that grows, and nothing of those that stay', async () => {
      const topic = await setting.createTopic(4);
      const group = setting.newGroup();
      const first = setting.join(group, topic);
      await until(() => first.held().length === 4);
      const second = setting.join(group, topic);
      await until(() => first.held().length === 2 && second.held().length === 2);
      const moved = second.held().map(({ partition }) => partition).sort();
      await second.stop();
      await until(() => first.held().length === 4);
      const told = first.changes.map(({ change, partitions }) => [change, partitions]);
      expect(told).toEqual([['gained', [0, 1, 2, 3]], ['lost', moved], ['gained', moved]]);
      const [one = 0, two = 0, three = 0] = first.changes.map(({ generation }) => generation);
      expect([one < two, two < three]).toEqual([true, true]);
      expect(second.changes.map(({ change, partitions }) => [change, partitions])).toEqual([['gained', moved], ['lost', moved]]);
      const [gained = 0, lost = 0] = second.changes.map(({ generation }) => generation);
      expect(lost).toBeGreaterThanOrEqual(gained);
    }, TEST_MS);

    it('ignores done of a record whose partition is gone', async () => {
      const topic = await setting.createTopic(2);
      const group = setting.newGroup();
      const first = setting.join(group, topic);
      await setting.write(topic, 0, 'a1', 'a2');
      await setting.write(topic, 1, 'b1', 'b2');
      await until(() => first.records.length === 4);
      const second = setting.join(group, topic);
      await until(() => first.held().length === 1 && second.held().length === 1);
      const [lost = -1] = second.held().map(({ partition }) => partition);
      first.finish(() => true);
      expect(first.subscription.health().unfinished).toBe(0);
      await until(() => second.records.length === 2);
      expect(second.subscription.health().unfinished).toBe(2);
      expect((await setting.committed(group, topic))[lost] ?? 0n).toBe(0n);
    }, TEST_MS);

    it('hands over no more than the bound, and goes on when something is done', async () => {
      const topic = await setting.createTopic(2);
      const member = setting.join(setting.newGroup(), topic, 3);
      await setting.write(topic, 0, ...Array.from({ length: 20 }, (_, at) => `a${at}`));
      await setting.write(topic, 1, ...Array.from({ length: 20 }, (_, at) => `b${at}`));
      await until(() => member.subscription.health().full);
      expect(member.records.length).toBe(3);
      for (let open = 3; open <= 40; open += 1) {
        await until(() => member.records.length >= open);
        expect(member.subscription.health().unfinished).toBeLessThanOrEqual(3);
        member.finishOne();
      }
      await until(() => member.records.length === 40);
      expect(bodiesOf(member.records, 0)).toEqual(Array.from({ length: 20 }, (_, at) => `a${at}`));
    }, TEST_MS);

    it('reads partitions that are added later from their beginning, and the others without a repeat', async () => {
      const topic = await setting.createTopic(1);
      const member = setting.join(setting.newGroup(), topic);
      await setting.write(topic, 0, 'a1');
      await until(() => member.records.length === 1);
      await setting.grow(topic, 2);
      await until(async () => isWritten(await setting.bus.publish(messages(topic, 1, ['b1']))));
      await until(() => member.records.length === 2);
      await setting.write(topic, 0, 'a2');
      await until(() => member.records.length === 3);
      expect(bodiesOf(member.records)).toEqual(['a1', 'b1', 'a2']);
    }, TEST_MS);

    it('rejects when the handler throws', async () => {
      const topic = await setting.createTopic(1);
      await setting.write(topic, 0, 'a1');
      const fault = new Error('a fault of the handler');
      const subscription = setting.bus.subscribe(
        { group: setting.newGroup(), topics: [topic], inFlightMax: 1 },
        { onRecord: () => { throw fault; } },
      );
      await expect(subscription.run(new AbortController().signal)).rejects.toBe(fault);
      expect(subscription.health().phase).toBe('stopped');
    }, TEST_MS);

    it('stops at once when it is asked to before it began', async () => {
      const topic = await setting.createTopic(1);
      const member = new Member(setting.bus, { group: setting.newGroup(), topics: [topic], inFlightMax: 1 }, AbortSignal.abort());
      await member.stop();
      expect(member.records).toEqual([]);
    }, TEST_MS);
  });
};
