import { describe, expect, test } from '@jest/globals';
import { TOPICS } from '@osago/contracts';
import { DeadLetters, type LogRecord, MemoryEventBus } from '@osago/event-bus';
import { createLog, createMetrics } from '@osago/service-kit';
import { DeadLetterBox } from './dead-letter-box.ts';

const setup = () => {
  const bus = new MemoryEventBus({ topics: { [TOPICS.deadLetters]: 3, [TOPICS.quotes]: 3, [TOPICS.errors]: 3 } });
  const deps = { bus, clock: { nowMs: () => 0 }, log: createLog('test', 'silent') };
  const bury = async (members: Partial<LogRecord>, source = '/osago/one'): Promise<void> => {
    const letters = new DeadLetters({ ...deps, metrics: createMetrics('test') }, { source });
    const record = { topic: TOPICS.quotes, partition: 0, offset: 0n, key: 'k', headers: { h: '1' }, timestampMs: 1 };
    await letters.bury({ ...record, value: Buffer.from([0xff, 1]), ...members }, 'the value is no JSON');
  };
  return { bus, bury, box: new DeadLetterBox(bus) };
};

describe('the list', () => {
  test('is ordered by place, names a letter of two consumers once, and counts what is no letter', async () => {
    const { bus, box, bury } = setup();
    await bury({ partition: 1, offset: 10n });
    await bury({ partition: 1, offset: 9n });
    await bury({ topic: TOPICS.errors, partition: 2 });
    await bury({ partition: 1, offset: 10n }, '/osago/two');
    await bus.publish([{ topic: TOPICS.deadLetters, partition: 0, key: '', headers: {}, value: Buffer.from('{') }]);
    const { letters, unreadable } = await box.list();
    expect(letters.map(({ id }) => id)).toEqual(['osago.errors.v1-2-0', 'osago.quotes.v1-1-9', 'osago.quotes.v1-1-10']);
    expect(unreadable).toBe(1);
    expect(JSON.stringify(letters)).not.toContain('base64');
  });

  test('of an absent broker is an error, not an empty list', async () => {
    const { bus, box } = setup();
    bus.setAway(true);
    await expect(box.list()).rejects.toThrow('the broker is away');
  });
});

describe('a redriven letter', () => {
  test('is the record again: its bytes, key and headers, in its topic and partition', async () => {
    const { bus, box, bury } = setup();
    await bury({ partition: 2, offset: 5n });
    await bury({ partition: 2, offset: 6n });
    const { found, missing } = await box.find(['osago.quotes.v1-2-5', 'osago.quotes.v1-2-7']);
    expect(missing).toEqual(['osago.quotes.v1-2-7']);
    expect(await box.redrive(found)).toEqual([{ ok: true, id: 'osago.quotes.v1-2-5', partition: 2, offset: 0n }]);
    expect(bus.records(TOPICS.quotes)).toEqual([
      expect.objectContaining({ partition: 2, key: 'k', headers: { h: '1' }, value: Buffer.from([0xff, 1]) }),
    ]);
  });

  test.each<[string, Partial<LogRecord>, string]>([
    ['was cut', { value: Buffer.alloc(700_000) }, 'it was cut when it was buried'],
    ['had no value', { value: null }, 'it had no value'],
    ['names another topic', { topic: 'other' }, 'other is no topic of requests'],
  ])('that %s stays where it is, the others go', async (_, members, because) => {
    const { bus, box, bury } = setup();
    await bury({ ...members, offset: 1n });
    await bury({ topic: TOPICS.errors });
    const { found } = await box.find('all');
    const results = await box.redrive(found);
    expect(results.map(({ ok }) => ok).sort()).toEqual([false, true]);
    expect(results.find(({ ok }) => !ok)).toMatchObject({ because: expect.stringContaining(because) });
    expect(bus.records(TOPICS.errors)).toHaveLength(1);
  });
});
