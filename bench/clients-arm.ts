/** One client of bench:clients, in a process of its own: its CPU is nobody else's. Does what it is asked, once each time. */
import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { createEventBus, type EventBus, type EventBusClient, type OutgoingRecord } from '@osago/event-bus';
import { seededRandom } from '@osago/quotes';
import { createLog } from '@osago/service-kit';

export type Asked =
  | { kind: 'round trip'; topic: string; partitions: number; rate: number; ms: number; seed: number }
  | { kind: 'produce'; topic: string; partitions: number; count: number }
  | { kind: 'consume'; topic: string; count: number }
  | { kind: 'idle'; topic: string; ms: number };

export interface Answer {
  /** Of the round trip: from `publish` to the tail's hands. */
  delaysMs: number[];
  perSecond: number;
  cpuUsPerRecord: number;
  /** Of one core. */
  cpuPercent: number;
}

const NONE: Answer = { delaysMs: [], perSecond: 0, cpuUsPerRecord: 0, cpuPercent: 0 };
/** As large as a leg event with its headers. */
const VALUE = Buffer.alloc(1_000, 'x');
/** As many as the relay takes at once. */
const BATCH = 500;

const cpuUs = (): number => process.cpuUsage().user + process.cpuUsage().system;

const recordFor = (topic: string, partition: number, key: string): OutgoingRecord => ({
  topic, partition, key, value: VALUE, headers: { 'content-type': 'application/cloudevents+json' },
});

const expectWritten = async (bus: EventBus, records: readonly OutgoingRecord[]): Promise<void> => {
  for (const answer of await bus.publish(records)) if (!answer.ok) throw answer.error;
};

const work = {
  'round trip': async (bus: EventBus, { topic, partitions, rate, ms, seed }: Asked & { kind: 'round trip' }): Promise<Answer> => {
    const sentAtMs = new Map<string, number>();
    const delaysMs: number[] = [];
    const stop = new AbortController();
    const tail = bus.tail({ topics: [topic], fromMs: Date.now(), groupPrefix: `bench-${process.pid}` }, ({ key }) => {
      const atMs = sentAtMs.get(key);
      if (atMs !== undefined) delaysMs.push(performance.now() - atMs);
    });
    const running = tail.run(stop.signal);
    await tail.caughtUp;
    await expectWritten(bus, [recordFor(topic, 0, 'the connection is made')]);
    const random = seededRandom(seed);
    const before = cpuUs();
    const startedAtMs = performance.now();
    const sends: Promise<void>[] = [];
    for (let dueMs = 0; dueMs < ms; dueMs += (-Math.log(1 - random.unit()) * 1_000) / rate) {
      const waitMs = startedAtMs + dueMs - performance.now();
      if (waitMs > 0.5) await pause(waitMs);
      const key = randomUUID();
      sentAtMs.set(key, performance.now());
      sends.push(expectWritten(bus, [recordFor(topic, sends.length % partitions, key)]));
    }
    await Promise.all(sends);
    const giveUpAtMs = performance.now() + 10_000;
    while (delaysMs.length < sends.length) {
      if (performance.now() > giveUpAtMs) throw new Error(`${sends.length - delaysMs.length} records were not seen`);
      await pause(1);
    }
    const cpuUsPerRecord = (cpuUs() - before) / sends.length;
    stop.abort();
    await running;
    return { ...NONE, delaysMs, cpuUsPerRecord };
  },

  produce: async (bus: EventBus, { topic, partitions, count }: Asked & { kind: 'produce' }): Promise<Answer> => {
    const batch = Array.from({ length: BATCH }, (_, at) => recordFor(topic, at % partitions, String(at)));
    await expectWritten(bus, batch);
    const before = cpuUs();
    const startedAtMs = performance.now();
    for (let sent = 0; sent < count; sent += BATCH) await expectWritten(bus, batch);
    const tookMs = performance.now() - startedAtMs;
    return { ...NONE, perSecond: (count / tookMs) * 1_000, cpuUsPerRecord: (cpuUs() - before) / count };
  },

  /** With the join: it is part of what a start costs. */
  consume: async (bus: EventBus, { topic, count }: Asked & { kind: 'consume' }): Promise<Answer> => {
    let seen = 0;
    const { promise: all, resolve } = Promise.withResolvers<undefined>();
    const stop = new AbortController();
    const before = cpuUs();
    const startedAtMs = performance.now();
    const tail = bus.tail({ topics: [topic], fromMs: 0, groupPrefix: `bench-${process.pid}` }, () => {
      seen += 1;
      if (seen === count) resolve(undefined);
    });
    const running = tail.run(stop.signal);
    await Promise.race([all, running]);
    const tookMs = performance.now() - startedAtMs;
    const spentUs = cpuUs() - before;
    stop.abort();
    await running;
    return { ...NONE, perSecond: (count / tookMs) * 1_000, cpuUsPerRecord: spentUs / count };
  },

  idle: async (bus: EventBus, { topic, ms }: Asked & { kind: 'idle' }): Promise<Answer> => {
    const stop = new AbortController();
    const { promise: joined, resolve } = Promise.withResolvers<undefined>();
    const subscription = bus.subscribe(
      { group: `bench-idle-${process.pid}`, topics: [topic], inFlightMax: 100 },
      { onRecord: (record) => subscription.done(record), onAssigned: () => resolve(undefined) },
    );
    const tail = bus.tail({ topics: [topic], fromMs: Date.now(), groupPrefix: `bench-${process.pid}` }, () => undefined);
    const running = [subscription.run(stop.signal), tail.run(stop.signal)];
    await Promise.all([joined, tail.caughtUp]);
    await pause(500);
    const before = cpuUs();
    await pause(ms);
    const cpuPercent = (cpuUs() - before) / (ms * 10);
    stop.abort();
    await Promise.all(running);
    return { ...NONE, cpuPercent };
  },
};

const [, , client, broker = ''] = process.argv;
const log = createLog('bench', 'error');
const bus = await createEventBus({ log }, { client: client as EventBusClient, brokers: [broker], clientId: `bench-${client}` });

const answer = (asked: Asked): Promise<Answer> => {
  switch (asked.kind) {
    case 'round trip':
      return work[asked.kind](bus, asked);
    case 'produce':
      return work[asked.kind](bus, asked);
    case 'consume':
      return work[asked.kind](bus, asked);
    case 'idle':
      return work[asked.kind](bus, asked);
  }
};

process.on('message', (asked: Asked | 'stop') => {
  if (asked === 'stop') void bus.close().then(() => process.disconnect());
  else void answer(asked).then((found) => process.send?.(found));
});
process.send?.('ready');
