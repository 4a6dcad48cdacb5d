/** What the suite reads with: a member of a group and a tail that remember all they were told. */
import type {
  EventBus,
  LogRecord,
  OutgoingRecord,
  PublishAnswer,
  SubscribeOptions,
  Subscription,
  Tail,
  TailOptions,
  TopicPartition,
} from './event-bus.ts';
import { partitionId } from './hand-over.ts';

const UNTIL_MS = 45_000;
const LOOK_EVERY_MS = 5;

/** Waits for a state, not for a while; fails after three quarters of a minute. */
export const until = async (reached: () => boolean | Promise<boolean>): Promise<void> => {
  const endMs = performance.now() + UNTIL_MS;
  // Always one turn of the loop: a bus in memory answers in microtasks, and a caller that loops would starve the rest.
  await new Promise((resolve) => setImmediate(resolve));
  while (!(await reached())) {
    if (performance.now() > endMs) throw new Error(`not reached in ${UNTIL_MS} ms: ${reached.toString()}`);
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }
};

export const messages = (topic: string, partition: number, bodies: readonly string[]): OutgoingRecord[] =>
  bodies.map((body) => ({ topic, partition, key: `key of ${body}`.slice(0, 40), value: Buffer.from(body), headers: {} }));

const bodyOf = ({ value }: LogRecord): string => value?.toString() ?? '';

export const bodiesOf = (records: readonly LogRecord[], partition?: number): string[] =>
  records.filter((record) => partition === undefined || record.partition === partition).map(bodyOf);

export const offsetsOf = (answers: readonly PublishAnswer[]): (bigint | undefined)[] =>
  answers.map((answer) => (answer.ok ? answer.offset : undefined));

export const isWritten = (answers: readonly PublishAnswer[]): boolean => answers.every(({ ok }) => ok);

export class Member {
  readonly subscription: Subscription;
  readonly records: LogRecord[] = [];
  readonly generations: number[] = [];
  /** In words: what was gained and lost, and in which generation. */
  readonly changes: { change: 'gained' | 'lost'; partitions: number[]; generation: number }[] = [];
  readonly #held = new Map<string, TopicPartition>();
  readonly #stop = new AbortController();
  readonly #run: Promise<void>;
  #mayFail = false;
  #open: LogRecord[] = [];

  constructor(bus: EventBus, options: SubscribeOptions, signal?: AbortSignal) {
    this.subscription = bus.subscribe(options, {
      onRecord: (record) => {
        this.records.push(record);
        this.#open.push(record);
      },
      onAssigned: (partitions, generation) => {
        this.generations.push(generation);
        this.changes.push({ change: 'gained', partitions: partitions.map(({ partition }) => partition).sort(), generation });
        for (const partition of partitions) this.#held.set(partitionId(partition), partition);
      },
      onRevoked: (partitions, generation) => {
        this.changes.push({ change: 'lost', partitions: partitions.map(({ partition }) => partition).sort(), generation });
        for (const partition of partitions) this.#held.delete(partitionId(partition));
      },
    });
    this.#run = this.subscription.run(signal ?? this.#stop.signal);
    this.#run.catch(() => undefined);
  }

  held(): TopicPartition[] {
    return [...this.#held.values()];
  }

  count(ending: string): number {
    return bodiesOf(this.records).filter((body) => body.endsWith(ending)).length;
  }

  finish(which: (body: string) => boolean): void {
    const chosen = this.#open.filter((record) => which(bodyOf(record)));
    this.#open = this.#open.filter((record) => !chosen.includes(record));
    for (const record of chosen) this.subscription.done(record);
  }

  finishOne(): void {
    const record = this.#open.shift();
    if (record) this.subscription.done(record);
  }

  /** What `run` rejects with; the test expects it. */
  failed(): Promise<unknown> {
    this.#mayFail = true;
    return failureOf(this.#run);
  }

  stop(): Promise<void> {
    this.#stop.abort();
    return this.#mayFail ? this.#run.catch(() => undefined) : this.#run;
  }
}

export class Reader {
  readonly tail: Tail;
  readonly records: LogRecord[] = [];
  readonly #stop = new AbortController();
  readonly #run: Promise<void>;
  #mayFail = false;

  constructor(bus: EventBus, options: TailOptions) {
    this.tail = bus.tail(options, (record) => this.records.push(record));
    this.#run = this.tail.run(this.#stop.signal);
    this.#run.catch(() => undefined);
  }

  /** What `run` rejects with; the test expects it. */
  failed(): Promise<unknown> {
    this.#mayFail = true;
    return failureOf(this.#run);
  }

  stop(): Promise<void> {
    this.#stop.abort();
    return this.#mayFail ? this.#run.catch(() => undefined) : this.#run;
  }
}

const failureOf = (run: Promise<void>): Promise<unknown> =>
  run.then(
    () => Promise.reject(new Error('it has ended without a failure')),
    (error: unknown) => error,
  );
