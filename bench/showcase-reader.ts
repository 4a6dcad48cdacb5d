/**
 * One catch-up of bench:showcase, in a process of its own: `ours` is the showcase's feed as core-app runs it, `floor` a bare
 * loop of the same client, as it comes from npm, that consumes the same records and parses them, `bus` the same loop on the
 * bus, whose client is mended. Sends what it took to its parent.
 */
import { REQUEST_TOPICS } from '@osago/contracts';
import { createEventBus, type EventBus } from '@osago/event-bus';
import { createLog, createMetrics, systemClock } from '@osago/service-kit';
import { Kafka, logLevel } from 'kafkajs';
import { Showcase } from '../apps/core-app/src/showcase.ts';
import { ShowcaseFeed } from '../apps/core-app/src/showcase-feed.ts';

export type Arm = 'floor' | 'ours' | 'bus';

export interface Reading {
  records: number;
  /** From the first record to the last. */
  readMs: number;
  /** User and system, of the same time. */
  cpuMs: number;
  /** From the start of the reader until it had all, joining included. */
  readyMs: number;
  /** Of all that is kept, after a collection: the heap, and what is kept outside of it. */
  heldBytes: number;
}

/** Told of each record, it knows when the first came. */
class Stopwatch {
  readonly #startMs = performance.now();
  #firstMs = 0;
  #cpu = process.cpuUsage();
  #records = 0;

  count(records: number): void {
    if (this.#records === 0) {
      this.#firstMs = performance.now();
      this.#cpu = process.cpuUsage();
    }
    this.#records += records;
  }

  get records(): number {
    return this.#records;
  }

  stop(): Omit<Reading, 'heldBytes'> {
    const nowMs = performance.now();
    const { user, system } = process.cpuUsage(this.#cpu);
    return {
      records: this.#records,
      readMs: nowMs - this.#firstMs,
      cpuMs: (user + system) / 1_000,
      readyMs: nowMs - this.#startMs,
    };
  }
}

const heapBytes = (): number => {
  (globalThis as { gc?: () => void }).gc?.();
  return process.memoryUsage().heapUsed;
};

const log = createLog('bench', 'error');

const ours = async (brokers: string[], requests: number): Promise<Reading> => {
  const before = heapBytes();
  const watch = new Stopwatch();
  const bus = await createEventBus({ log }, { brokers, clientId: 'bench-showcase' });
  const showcase = new Showcase();
  let caughtUp = Promise.resolve();
  const counted: Pick<EventBus, 'tail'> = {
    tail: (options, onRecord) => {
      const tail = bus.tail(options, (record) => {
        watch.count(1);
        onRecord(record);
      });
      caughtUp = tail.caughtUp;
      return tail;
    },
  };
  const deps = { bus: counted, showcase, clock: systemClock, log, metrics: createMetrics('bench') };
  const feed = new ShowcaseFeed(deps);
  const stop = new AbortController();
  const running = feed.run(stop.signal);
  await caughtUp;
  const reading = { ...watch.stop(), heldBytes: heapBytes() - before + showcase.offHeapBytes };
  stop.abort();
  await running;
  await bus.close();
  if (showcase.size !== requests) throw new Error(`${showcase.size} of ${requests} requests are held`);
  return reading;
};

const onTheBus = async (brokers: string[]): Promise<Reading> => {
  const before = heapBytes();
  const watch = new Stopwatch();
  const bus = await createEventBus({ log }, { brokers, clientId: 'bench-bus' });
  const tail = bus.tail({ topics: REQUEST_TOPICS, fromMs: 0, groupPrefix: 'bench-bus' }, ({ value }) => {
    watch.count(1);
    JSON.parse(String(value));
  });
  const stop = new AbortController();
  const running = tail.run(stop.signal);
  await tail.caughtUp;
  const reading = { ...watch.stop(), heldBytes: heapBytes() - before };
  stop.abort();
  await running;
  await bus.close();
  return reading;
};

/** With the bounds of a fetch that serve it best; joins, reads, parses, and does nothing else. */
const floor = async (brokers: string[], records: number): Promise<Reading> => {
  const before = heapBytes();
  const watch = new Stopwatch();
  const kafka = new Kafka({ brokers, clientId: 'bench-floor', logLevel: logLevel.NOTHING });
  const consumer = kafka.consumer({ groupId: `bench-floor-${process.pid}`, maxBytesPerPartition: 1_048_576, maxBytes: 8_388_608 });
  await consumer.connect();
  await consumer.subscribe({ topics: [...REQUEST_TOPICS], fromBeginning: true });
  await new Promise<void>((resolve) => {
    void consumer.run({
      autoCommit: false,
      eachBatchAutoResolve: true,
      eachBatch: ({ batch: { messages } }) => {
        watch.count(messages.length);
        for (const { value } of messages) JSON.parse(String(value));
        if (watch.records >= records) resolve();
        return Promise.resolve();
      },
    });
  });
  const reading = { ...watch.stop(), heldBytes: heapBytes() - before };
  await consumer.disconnect();
  return reading;
};

const [, , arm, brokers = '', records = '', requests = ''] = process.argv;
const addresses = brokers.split(',');
const read = (): Promise<Reading> => {
  if (arm === 'ours') return ours(addresses, Number(requests));
  return arm === 'bus' ? onTheBus(addresses) : floor(addresses, Number(records));
};
const reading = await read();
process.send?.(reading, () => process.disconnect());
