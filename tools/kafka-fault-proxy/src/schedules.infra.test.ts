/**
 * Seeded schedules of faults against both clients of the bus, and the laws that hold under each: what was called written
 * is in the log under its offset, nothing is lost, the records of a key are in order, a reader misses none and repeats
 * none. FAULT_SEEDS=200 runs the seeds 1 to 200, FAULT_SEEDS=17,93 those two. A seed fixes the schedule, not the
 * machine's timing: one that failed is worth running many times.
 */
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { createEventBus, EVENT_BUS_CLIENTS, type EventBus, type LogRecord, type OutgoingRecord } from '@osago/event-bus';
import { createLog } from '@osago/service-kit';
import { BrokerSetup, record, TEST_MS } from './broker-setup.ts';
import type { FaultProxy } from './index.ts';
import { NODES, PARTITIONS, scheduleOf, type Step } from './schedules.ts';
import { until } from './until.ts';

const asked = process.env['FAULT_SEEDS'] ?? '1';
const SEEDS = asked.includes(',') ? asked.split(',').map(Number) : Array.from({ length: Number(asked) }, (_, at) => at + 1);
/** A record that is refused again and again, long after the last fault, is a fault of ours. */
const TRIES_MAX = 40;

const setup = new BrokerSetup();
beforeAll(() => setup.start(), TEST_MS);
afterEach(() => setup.closeProxies(), TEST_MS);
afterAll(() => setup.stop(), TEST_MS);

/** Writes the records of a partition one call after the other, each until it is called written. */
class Writer {
  readonly acked: string[] = [];
  readonly sent: string[] = [];
  failures = 0;
  readonly #bus: EventBus;
  readonly #topic: string;
  readonly #last = new Map<number, Promise<void>>();

  constructor(bus: EventBus, topic: string) {
    this.#bus = bus;
    this.#topic = topic;
  }

  publish(partition: number, count: number): void {
    const records = Array.from({ length: count }, (_, at) => record(this.#topic, partition, `${partition}-${this.sent.length + at}`));
    this.sent.push(...records.map(({ key }) => key));
    const before = this.#last.get(partition) ?? Promise.resolve();
    this.#last.set(partition, before.then(() => this.#untilWritten(records)));
  }

  async #untilWritten(records: readonly OutgoingRecord[]): Promise<void> {
    let open = records;
    for (let tries = 1; open.length > 0; tries += 1) {
      const answers = await this.#bus.publish(open);
      expect(answers).toHaveLength(open.length);
      open.forEach(({ partition, key }, at) => {
        const answer = answers[at];
        if (answer?.ok) this.acked.push(`${partition}/${answer.offset} ${key}`);
        else this.failures += 1;
      });
      const firstOpen = answers.findIndex(({ ok }) => !ok);
      // From the first that failed: what was written behind it would be out of order.
      open = firstOpen < 0 ? [] : open.slice(firstOpen);
      expect(tries).toBeLessThan(TRIES_MAX);
    }
  }

  async finished(): Promise<void> {
    await Promise.all(this.#last.values());
  }
}

/** Between two steps, what is under way may go on. */
const TURNS = 10;

const carryOut = async (steps: readonly Step[], proxy: FaultProxy, topic: string, writer: Writer): Promise<void> => {
  for (const step of steps) {
    for (let turn = 0; turn < TURNS; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    if (step.kind === 'publish') writer.publish(step.partition, step.count);
    else if (step.kind === 'move') proxy.moveLeader(topic, step.partition, step.node);
    else proxy.inject(step.rule);
  }
};

const lineOf = ({ partition, offset, value }: LogRecord): string => `${partition}/${offset} ${value?.toString() ?? ''}`;
const isOf = (partition: number) => (line: string): boolean => line.startsWith(`${partition}/`);
const bodyOf = (line: string): string => line.slice(line.indexOf(' ') + 1);
/** The first of each: what comes again is known to be a repeat by its id. */
const firsts = (bodies: readonly string[]): string[] => [...new Set(bodies)];

describe.each(EVENT_BUS_CLIENTS)('under any schedule of faults, the bus on %s', (client) => {
  it.each(SEEDS)('keeps its promises: seed %i', async (seed) => {
    const topic = await setup.topic(PARTITIONS);
    const proxy = await setup.proxy({ nodes: NODES });
    const bus = await createEventBus(
      { log: createLog('schedules', 'silent') },
      { client, brokers: proxy.brokers, clientId: 'schedules', metadataMaxAgeMs: 500 },
    );
    const stop = new AbortController();
    const tailed: string[] = [];
    const tail = bus.tail({ topics: [topic], fromMs: 0, groupPrefix: topic }, (one) => tailed.push(lineOf(one)));
    const handed: string[] = [];
    const subscription = bus.subscribe({ group: topic, topics: [topic], inFlightMax: 50, sessionTimeoutMs: 6_000 }, {
      onRecord: (one) => {
        handed.push(lineOf(one));
        setImmediate(() => subscription.done(one));
      },
    });
    const running = [tail.run(stop.signal), subscription.run(stop.signal)];
    await Promise.race([tail.caughtUp, ...running]);
    const writer = new Writer(bus, topic);
    const steps = scheduleOf(topic, seed);
    await carryOut(steps, proxy, topic, writer);
    await writer.finished();
    for (const rule of proxy.rules()) rule.lift();
    const written = await setup.written(topic);
    await until(() => new Set(tailed).size >= written.length && new Set(handed).size >= written.length);
    stop.abort();
    await Promise.all(running);
    await bus.close();

    const inLog = new Set(written);
    expect(writer.acked.filter((line) => !inLog.has(line))).toEqual([]);
    for (let partition = 0; partition < PARTITIONS; partition += 1) {
      const sent = writer.sent.filter((body) => body.startsWith(`${partition}-`));
      const log = written.filter(isOf(partition)).sort((a, b) => offsetOf(a) - offsetOf(b));
      expect([partition, firsts(log.map(bodyOf))]).toEqual([partition, sent]);
      expect([partition, tailed.filter(isOf(partition))]).toEqual([partition, log]);
      expect([partition, firsts(handed.filter(isOf(partition)))]).toEqual([partition, log]);
    }
    // The work was real; that the faults are, the counts of the proxy say.
    expect(writer.sent.length).toBeGreaterThan(50);
    expect(proxy.seen({ topic }).some(({ outcome, partitions }) => outcome !== 'answered' || partitions?.some(({ error }) => error))).toBe(true);
  }, TEST_MS);
});

const offsetOf = (line: string): number => Number(line.slice(line.indexOf('/') + 1, line.indexOf(' ')));
