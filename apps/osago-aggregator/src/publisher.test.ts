import { describe, expect, test } from '@jest/globals';
import { decodeEvent, type LegEvent, TOPICS } from '@osago/contracts';
import { type OutgoingRecord, type PublishAnswer, PublishError } from '@osago/event-bus';
import { legEvent } from '@osago/quotes';
import { createLog, createMetrics } from '@osago/service-kit';
import { settled, until } from './aggregator-given.ts';
import { Publisher } from './publisher.ts';

const REQUEST_ID = '0b0c8b3e-6a2f-4c57-9a55-0a2f2f4d7c11';
const DESTINATION = { partition: 3, traceparent: '00-trace' };
const never = new AbortController().signal;

const eventOf = (insurer_id: string, status: 'quoted' | 'timeout' = 'quoted'): LegEvent =>
  legEvent(
    {
      request_id: REQUEST_ID,
      insurer_id,
      name: insurer_id,
      attempt: 1,
      fence: 1,
      step: 1,
      deadline_at: '2026-11-21T09:01:00.000Z',
      late: false,
    },
    status,
    {},
    0,
  );

const refused: PublishAnswer = { ok: false, error: new PublishError('no leader', { retriable: true }) };
const taken = (records: readonly OutgoingRecord[]): PublishAnswer[] => records.map(() => ({ ok: true, offset: 0n }));

/** A broker that answers each call when the test says so, or at once by `answer`. */
const setup = (answer?: (records: readonly OutgoingRecord[], call: number) => PublishAnswer[]) => {
  const calls: (readonly OutgoingRecord[])[] = [];
  const waiting: ((answers: PublishAnswer[]) => void)[] = [];
  const bus = {
    publish: (records: readonly OutgoingRecord[]): Promise<PublishAnswer[]> => {
      calls.push(records);
      if (answer !== undefined) return Promise.resolve(answer(records, calls.length));
      return new Promise((resolve) => void waiting.push(resolve));
    },
  };
  const lines: { msg: string }[] = [];
  const log = createLog('test', 'info', { write: (line) => void lines.push(JSON.parse(line) as { msg: string }) });
  const metrics = createMetrics('test');
  const publisher = new Publisher({ bus, log, metrics });
  const keys = () => calls.map((records) => records.map(({ key }) => key.split(':')[1]));
  return { publisher, calls, keys, waiting, lines, metrics };
};

describe('a leg event', () => {
  test('goes to the topic of its type, the partition of its request, under its key, with the trace', async () => {
    const { publisher, calls } = setup(taken);
    expect(await publisher.publish(eventOf('alfa'), DESTINATION, never)).toBe(true);
    expect(await publisher.publish(eventOf('alfa', 'timeout'), DESTINATION, never)).toBe(true);
    const [quote, timeout] = calls.flat();
    expect(quote).toEqual({
      topic: TOPICS.quotes,
      partition: 3,
      key: `${REQUEST_ID}:alfa`,
      value: expect.any(Buffer) as unknown,
      headers: { 'content-type': 'application/cloudevents+json', traceparent: '00-trace' },
    });
    expect(decodeEvent(quote?.value ?? null)).toEqual({ ok: true, event: eventOf('alfa') });
    expect(timeout?.topic).toBe(TOPICS.errors);
  });

  test('is counted by insurer and status once it is acknowledged', async () => {
    const { publisher, metrics } = setup((records, call) => (call === 1 ? [refused] : taken(records)));
    await publisher.publish(eventOf('alfa'), DESTINATION, never);
    expect(await metrics.getSingleMetricAsString('osago_leg_events_total')).toContain(
      'osago_leg_events_total{insurer_id="alfa",status="quoted",app="test"} 1',
    );
  });

  test('is tried again until the broker takes it', async () => {
    const { publisher, calls, lines } = setup((records, call) => (call < 3 ? [refused] : taken(records)));
    expect(await publisher.publish(eventOf('alfa'), DESTINATION, never)).toBe(true);
    expect(calls).toHaveLength(3);
    expect(new Set(calls.flat().map(({ value }) => String(value))).size).toBe(1);
    expect(lines).toMatchObject([{ msg: 'leg events not published, tried again' }, {}]);
  });

  test('that the reply does not mention is not taken for written', async () => {
    const { publisher, calls } = setup((records, call) => (call === 1 ? [] : taken(records)));
    expect(await publisher.publish(eventOf('alfa'), DESTINATION, never)).toBe(true);
    expect(calls).toHaveLength(2);
  });

  test('is given up when nobody wants it any more', async () => {
    const { publisher, calls } = setup(() => [refused]);
    const stop = new AbortController();
    const publishing = publisher.publish(eventOf('alfa'), DESTINATION, stop.signal);
    await until('it was tried', () => calls.length > 0);
    stop.abort();
    expect(await publishing).toBe(false);
    const tried = calls.length;
    await settled();
    expect(calls).toHaveLength(tried);
  });

  test('is not even tried when it is unwanted from the start', async () => {
    const { publisher, calls } = setup(taken);
    expect(await publisher.publish(eventOf('alfa'), DESTINATION, AbortSignal.abort())).toBe(false);
    expect(calls).toEqual([]);
  });
});

describe('events at the same time', () => {
  test('go in one batch while another is in flight, in their order', async () => {
    const { publisher, keys, waiting } = setup();
    const publishing = ['a', 'b', 'c', 'd'].map((id) => publisher.publish(eventOf(id), DESTINATION, never));
    await settled();
    expect(keys()).toEqual([['a']]);
    waiting[0]?.([{ ok: true, offset: 0n }]);
    await until('the next ones are sent', () => waiting.length === 2);
    expect(keys()).toEqual([['a'], ['b', 'c', 'd']]);
    waiting[1]?.(Array<PublishAnswer>(3).fill({ ok: true, offset: 1n }));
    expect(await Promise.all(publishing)).toEqual([true, true, true, true]);
  });

  test('go in one batch when they come soon after another', async () => {
    const { publisher, keys } = setup(taken);
    await publisher.publish(eventOf('a'), DESTINATION, never);
    const first = publisher.publish(eventOf('b'), DESTINATION, never);
    await Promise.resolve();
    await Promise.all([first, publisher.publish(eventOf('c'), DESTINATION, never)]);
    expect(keys()).toEqual([['a'], ['b', 'c']]);
  });

  test('go a thousand at a time at most', async () => {
    const { publisher, calls } = setup(taken);
    const publishing = Array.from({ length: 2_501 }, (_, at) => publisher.publish(eventOf(`i${at}`), DESTINATION, never));
    await Promise.all(publishing);
    expect(calls.map(({ length }) => length)).toEqual([1, 1_000, 1_000, 500]);
  });

  test('do not share the fate of one that is refused', async () => {
    const { publisher, keys } = setup((records, call) => records.map((_, at) => (call === 2 && at === 1 ? refused : { ok: true, offset: 0n })));
    const done = await Promise.all(['a', 'b', 'c', 'd'].map((id) => publisher.publish(eventOf(id), DESTINATION, never)));
    expect(done).toEqual([true, true, true, true]);
    expect(keys()).toEqual([['a'], ['b', 'c', 'd'], ['c']]);
  });
});
