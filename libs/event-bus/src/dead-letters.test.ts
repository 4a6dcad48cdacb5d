import { describe, expect, test } from '@jest/globals';
import { decodeDeadLetter, TOPICS } from '@osago/contracts';
import { createLog, createMetrics } from '@osago/service-kit';
import { DeadLetters } from './dead-letters.ts';
import { type LogRecord, PublishError } from './event-bus.ts';
import { MemoryEventBus } from './memory-event-bus.ts';

const NOW_MS = Date.parse('2026-11-21T09:00:00.000Z');
const clock = { nowMs: () => NOW_MS };

const setup = () => {
  const bus = new MemoryEventBus({ topics: { [TOPICS.deadLetters]: 4 } });
  const lines: Record<string, unknown>[] = [];
  const write = (line: string): void => void lines.push(JSON.parse(line) as Record<string, unknown>);
  const log = createLog('test', 'info', { write });
  const metrics = createMetrics('test');
  const letters = new DeadLetters({ bus, clock, log, metrics }, { source: '/osago/test' });
  const buried = () =>
    bus.records(TOPICS.deadLetters).map(({ value }) => {
      const decoded = decodeDeadLetter(value);
      if (!decoded.ok) throw new Error(JSON.stringify(decoded.faults));
      return decoded.value;
    });
  return { bus, buried, letters, lines, metrics };
};

const recordOf = (members: Partial<LogRecord> = {}): LogRecord => ({
  topic: TOPICS.quotes,
  partition: 3,
  offset: 17n,
  key: 'request:alfa',
  value: Buffer.from([0xff, 0x00, 0x7b]),
  headers: { traceparent: 'trace' },
  timestampMs: 1,
  ...members,
});

describe('a buried record', () => {
  test('says where it was and why, with its bytes, under its key and partition number', async () => {
    const { bus, buried, letters, lines, metrics } = setup();
    expect(await letters.bury(recordOf(), 'the value is no JSON')).toBe(true);
    expect(bus.records(TOPICS.deadLetters)).toMatchObject([
      { partition: 3, key: 'request:alfa', headers: { 'content-type': 'application/cloudevents+json' } },
    ]);
    expect(buried()).toEqual([
      {
        specversion: '1.0',
        id: 'osago.quotes.v1-3-17',
        source: '/osago/test',
        type: 'osago.dead-letter.v1',
        subject: 'osago.quotes.v1-3-17',
        time: '2026-11-21T09:00:00.000Z',
        datacontenttype: 'application/json',
        data: {
          topic: 'osago.quotes.v1',
          partition: 3,
          offset: 17,
          reason: 'the value is no JSON',
          key: 'request:alfa',
          headers: { traceparent: 'trace' },
          value_base64: '/wB7',
          value_bytes: 3,
          cut: false,
        },
      },
    ]);
    expect(lines).toMatchObject([{ msg: 'record buried among the dead letters', offset: '17' }]);
    expect(await metrics.metrics()).toContain('osago_dead_letters_total{topic="osago.quotes.v1",app="test"} 1');
  });

  test('without a value has none here either', async () => {
    const { buried, letters } = setup();
    await letters.bury(recordOf({ value: null }), 'the record has no value');
    expect(buried()).toMatchObject([{ data: { value_base64: null, value_bytes: 0, cut: false } }]);
  });

  test.each<[string, Partial<LogRecord>]>([
    ['value', { value: Buffer.alloc(900_000, 1) }],
    ['key', { key: '\u0001'.repeat(900_000) }],
    ['headers', { headers: { long: 'я'.repeat(400_000) } }],
  ])('that is too long in its %s is cut to what a broker takes, and says so', async (_, members) => {
    const { buried, letters } = setup();
    expect(await letters.bury(recordOf(members), 'unknown')).toBe(true);
    expect(buried()).toMatchObject([{ data: { cut: true, offset: 17 } }]);
  });
});

describe('burying', () => {
  test('goes on until the broker has it', async () => {
    const { bus, buried, letters } = setup();
    bus.refuseNext(new PublishError('no leader', { retriable: true }));
    expect(await letters.bury(recordOf(), 'unknown')).toBe(true);
    expect(buried()).toHaveLength(1);
  });

  test('leaves the bytes out where the broker refuses them, never the place and the reason', async () => {
    const { bus, buried, letters } = setup();
    bus.refuseNext(new PublishError('too large', { retriable: false }));
    expect(await letters.bury(recordOf(), 'unknown')).toBe(true);
    expect(buried()).toMatchObject([{ data: { offset: 17, reason: 'unknown', value_bytes: 3, value_base64: '', cut: true } }]);
  });

  test('ends without success when it is stopped, with the broker away', async () => {
    const { bus, buried, letters, lines } = setup();
    bus.setAway(true);
    const stop = new AbortController();
    const burying = letters.bury(recordOf(), 'unknown', stop.signal);
    stop.abort();
    expect(await burying).toBe(false);
    expect(buried()).toEqual([]);
    expect(lines).toMatchObject([{ msg: 'dead letter not published, it is tried again' }]);
  });
});
