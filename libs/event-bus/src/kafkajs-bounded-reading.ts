/** One pass over lanes, by one consumer of kafkajs after the other where it must be. */
import { type Log, pause } from '@osago/service-kit';
import { EventBusError, type LogRecord, type TopicPartition } from './event-bus.ts';
import type { Consumer, EachBatchPayload } from './kafkajs-client.ts';
import { type Fetches, withFetches } from './kafkajs-mends.ts';
import type { KafkajsQuestions } from './kafkajs-questions.ts';
import type { FetchedBatch } from './kafkajs-session-decoding.ts';
import type { Lane, PartitionRange, ReadHandlers } from './log-reader.ts';
import { whereToGoOn } from './out-of-range.ts';

const FETCH_WAIT_MS = 250;
/** A join takes up to 20 s; who has no record for a minute will have none. */
const SILENT_MS_MAX = 60_000;
const SILENCE_CHECK_MS = 1_000;
/** Longer pauses are cut, so that heartbeats go on. */
const PACE_PAUSE_MS_MAX = 1_000;

export interface BoundedReadingOptions {
  readonly handlers: ReadHandlers;
  readonly signal: AbortSignal;
  readonly log: Log;
  readonly rateMax: number | undefined;
}

const idOf = ({ topic, partition }: TopicPartition): string => `${topic}/${partition}`;
const named = ({ topic, partition }: TopicPartition): { topic: string; partitions: number[] } => ({
  topic,
  partitions: [partition],
});

const atMost = (offset: bigint, end: bigint): bigint => (offset < end ? offset : end);

export class KafkajsBoundedReading {
  readonly #lanes: readonly Lane[];
  readonly #options: BoundedReadingOptions;
  /** One of each partition. */
  readonly #partitions: readonly TopicPartition[];
  readonly #next = new Map<string, bigint>();
  readonly #startedAtMs = performance.now();
  #consumer!: Consumer;
  #end = Promise.withResolvers<undefined>();
  #lane = 0;
  #records = 0;
  #heardAtMs = performance.now();
  #busy = false;

  constructor(lanes: readonly Lane[], options: BoundedReadingOptions) {
    this.#lanes = lanes.filter((lane) => lane.length > 0);
    this.#options = options;
    this.#partitions = [...new Map(this.#lanes.flat().map((range) => [idOf(range), range])).values()];
  }

  /** Resolves when all lanes are through, or `signal` aborts. Goes on where a former consumer stopped. */
  async run(consumer: Consumer, questions: KafkajsQuestions): Promise<void> {
    const { signal } = this.#options;
    if (this.#lanes[this.#lane] === undefined || signal.aborted) return;
    this.#consumer = consumer;
    this.#end = Promise.withResolvers<undefined>();
    this.#end.promise.catch(() => undefined);
    this.#heardAtMs = performance.now();
    const stop = (): void => this.#end.resolve(undefined);
    signal.addEventListener('abort', stop, { once: true });
    const watch = setInterval(() => this.#failIfSilent(), SILENCE_CHECK_MS);
    try {
      consumer.on(consumer.events.CRASH, ({ payload }) => this.#end.reject(payload.error));
      consumer.on(consumer.events.GROUP_JOIN, () => this.#joined());
      consumer.on(consumer.events.END_BATCH_PROCESS, ({ payload: { topic, partition, batchSize, lastOffset } }) => {
        // Nothing but markers, of which #take is not told.
        const range = this.#range({ topic, partition });
        if (batchSize === 0 && range !== undefined) this.#reached(range, atMost(BigInt(lastOffset) + 1n, range.to));
      });
      await withFetches(this.#fetches(questions), async () => {
        await consumer.connect();
        await consumer.subscribe({ topics: [...new Set(this.#partitions.map(({ topic }) => topic))], fromBeginning: true });
        await consumer.run({ autoCommit: false, eachBatchAutoResolve: true, eachBatch: (payload) => this.#take(payload) });
      });
      await this.#end.promise;
    } finally {
      clearInterval(watch);
      signal.removeEventListener('abort', stop);
      this.#end.resolve(undefined);
    }
  }

  #fetches(questions: KafkajsQuestions): Fetches {
    const { signal, log } = this.#options;
    return {
      waitMs: FETCH_WAIT_MS,
      end: signal,
      onOutOfRange: async (at, next) => {
        try {
          const start = await whereToGoOn({ questions, log }, { at, next, wasRead: true });
          const range = this.#range(at);
          if (range !== undefined) this.#reached(range, start);
          return start;
        } catch (error) {
          this.#end.reject(error);
          return undefined;
        }
      },
    };
  }

  /** kafkajs forgets positions and pauses at each join; what is set here is in force before its next fetch. */
  #joined(): void {
    this.#consumer.pause(this.#partitions.map(named));
    this.#beginLane();
  }

  #beginLane(): void {
    for (const range of this.#lanes[this.#lane] ?? []) {
      const next = this.#nextOf(range);
      if (next >= range.to) continue;
      this.#consumer.seek({ topic: range.topic, partition: range.partition, offset: String(next) });
      this.#consumer.resume([named(range)]);
    }
  }

  /** An earlier lane may have had the partition, up to here at the most, unless retention took more. */
  #nextOf(range: PartitionRange): bigint {
    const next = this.#next.get(idOf(range)) ?? range.from;
    return next > range.from ? next : range.from;
  }

  async #take({ batch, ...payload }: EachBatchPayload): Promise<void> {
    const range = this.#range(batch);
    if (range === undefined || this.#options.signal.aborted) return;
    const next = this.#nextOf(range);
    const records: LogRecord[] = [];
    for (const fetched of batch.messages as unknown as FetchedBatch[]) {
      for (const record of fetched.recordsOf(range, next)) if (record.offset < range.to) records.push(record);
    }
    this.#busy = true;
    try {
      if (records.length > 0) await this.#options.handlers.onRecords(records);
      this.#records += records.length;
      await this.#keepPace(() => payload.heartbeat());
      // Markers and gaps have offsets too: a range may end with one.
      await this.#advance(range, atMost(BigInt(batch.lastOffset()) + 1n, range.to));
    } catch (error) {
      // An error of the handler is the caller's, not a reason to read again.
      this.#end.reject(error);
    } finally {
      this.#busy = false;
      this.#heardAtMs = performance.now();
    }
  }

  #reached(range: PartitionRange, next: bigint): void {
    void this.#advance(range, next).catch((error: unknown) => this.#end.reject(error));
  }

  #range({ topic, partition }: TopicPartition): PartitionRange | undefined {
    return this.#lanes[this.#lane]?.find((range) => range.topic === topic && range.partition === partition);
  }

  async #advance(range: PartitionRange, next: bigint): Promise<void> {
    const known = this.#nextOf(range);
    if (next <= known) return;
    this.#next.set(idOf(range), next);
    if (next < range.to) return;
    this.#consumer.pause([named(range)]);
    if (known < range.to && this.#isThrough()) await this.#endLane();
  }

  #isThrough(): boolean {
    return this.#lanes[this.#lane]?.every((range) => this.#nextOf(range) >= range.to) ?? false;
  }

  /** And those of which nothing is left. */
  async #endLane(): Promise<void> {
    do {
      await this.#options.handlers.onLaneEnd?.(this.#lane);
      this.#lane += 1;
    } while (this.#isThrough());
    if (this.#lane === this.#lanes.length) this.#end.resolve(undefined);
    else this.#beginLane();
  }

  async #keepPace(heartbeat: () => Promise<void>): Promise<void> {
    const { rateMax, signal } = this.#options;
    if (rateMax === undefined) return;
    const dueAtMs = this.#startedAtMs + (this.#records / rateMax) * 1_000;
    for (;;) {
      const early = dueAtMs - performance.now();
      if (early <= 0 || signal.aborted) return;
      await pause(Math.min(early, PACE_PAUSE_MS_MAX), signal);
      await heartbeat();
    }
  }

  #failIfSilent(): void {
    if (this.#busy || performance.now() - this.#heardAtMs < SILENT_MS_MAX) return;
    this.#end.reject(new EventBusError('the broker has sent no record for a minute', { retriable: true }));
  }
}
