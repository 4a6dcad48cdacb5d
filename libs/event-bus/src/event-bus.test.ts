import { describe, expect, it } from '@jest/globals';
import { MemoryEventBus, PublishError } from './index.ts';
import { describeEventBus } from './event-bus-suite.ts';
import { messages, Reader, until } from './suite-readers.ts';

describeEventBus('memory', () => {
  const bus = new MemoryEventBus({ topics: {} });
  let topics = 0;
  return Promise.resolve({
    bus,
    createTopic: (partitions) => {
      const topic = `topic-${(topics += 1)}`;
      bus.createTopic(topic, partitions);
      return Promise.resolve(topic);
    },
    grow: (topic, partitions) => Promise.resolve(bus.grow(topic, partitions)),
    remake: (topic, partitions) => Promise.resolve(bus.remake(topic, partitions)),
    committed: async (group, topic) => {
      const ends = await bus.endOffsets(topic);
      return ends.map((_, partition) => bus.committed(group, { topic, partition }));
    },
    setAway: (away) => bus.setAway(away),
    groups: () => Promise.resolve([]),
    close: () => bus.close(),
  });
}, { outages: true });

describe('MemoryEventBus', () => {
  it('refuses everything while the broker is away, and its readers go on when it is back', async () => {
    const bus = new MemoryEventBus({ topics: { log: 1 } });
    const reader = new Reader(bus, { topics: ['log'], fromMs: 0, groupPrefix: 'reader' });
    bus.setAway(true);
    const [answer] = await bus.publish(messages('log', 0, ['lost']));
    expect(answer).toMatchObject({ ok: false, error: { retriable: true } });
    await expect(bus.ping()).rejects.toMatchObject({ name: 'EventBusError', retriable: true });
    bus.setAway(false);
    await bus.publish(messages('log', 0, ['kept']));
    await until(() => reader.records.length === 1);
    expect(bus.records('log').map(({ key }) => key)).toEqual(['key of kept']);
    await reader.stop();
  });

  it('refuses the next records with the given errors', async () => {
    const bus = new MemoryEventBus({ topics: { log: 1 } });
    const error = new PublishError('poison', { retriable: false });
    bus.refuseNext(error);
    expect(await bus.publish(messages('log', 0, ['a', 'b']))).toEqual([
      { ok: false, error },
      { ok: true, offset: 0n },
    ]);
  });

  it('stamps records with the clock it is given', async () => {
    const bus = new MemoryEventBus({ topics: { log: 1 }, clock: { nowMs: () => 42 } });
    await bus.publish(messages('log', 0, ['a']));
    expect(bus.records('log')[0]?.timestampMs).toBe(42);
    expect(await bus.offsetsAt('log', 43)).toEqual([1n]);
  });
});
