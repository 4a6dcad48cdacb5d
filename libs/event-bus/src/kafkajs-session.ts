/**
 * One membership of one kafkajs consumer, from joining to leaving. It never restarts itself: kafkajs may go on after a
 * restart of its own with a state that nobody knows; {@link runSessions} starts a fresh consumer instead.
 */
import { type Log, pause } from '@osago/service-kit';
import { type EventBusError, type LogRecord, type TopicPartition } from './event-bus.ts';
import type { Commit } from './hand-over.ts';
import { type Batch, busError, type Consumer, type Kafkajs, RETRY_FOR_A_SESSION } from './kafkajs-client.ts';

export interface SessionOptions {
  readonly group: string;
  readonly topics: readonly string[];
  readonly sessionTimeoutMs: number;
  readonly metadataMaxAgeMs: number;
}

export interface SessionHandlers {
  /** After each join. The answer says where to read on; partitions that it leaves out start at the committed offset. */
  onJoined(assigned: readonly TopicPartition[], memberId: string): readonly Commit[];
  /** A rebalance begins: what is committed now still counts. */
  onRebalancing(): void;
  onRecords(records: readonly LogRecord[]): void;
  /** Nothing below `next` is left to read, be it records or markers. */
  onReached(partition: TopicPartition, next: bigint): void;
  /** The broker answered. */
  onHeard(request: 'fetch' | 'heartbeat'): void;
  /** Once a second. */
  onTick(): void;
  /** Before the member leaves, however the session ended: what is committed now still counts. */
  onLeaving(): Promise<void>;
}

const HEARTBEAT_MS = 1_000;
/** kafkajs looks for a rebalance between fetches only, and wakes from a pause after this time. */
const FETCH_WAIT_MS = 250;
/** About a thousand of our records of a partition, so that no fetch holds the loop for more than some milliseconds. */
const PARTITION_BYTES_MAX = 1_048_576;
const FETCH_BYTES_MAX = 8_388_608;
/** A member that has to join again is waited for this much longer than a dead one. */
const REBALANCE_SLACK_MS = 5_000;
/** A join may wait for a dead member's session to end; who stops need not. */
const LEAVE_MS_MAX = 3_000;
const TICK_MS = 1_000;
/** A join may take 20 s; who is silent three times as long without an error will be silent for ever. */
const SILENT_TICKS_MAX = 60;

export class KafkajsSession {
  readonly #consumer: Consumer;
  readonly #options: SessionOptions;
  readonly #handlers: SessionHandlers;
  #ended = false;
  #paused = false;
  #silentTicks = 0;

  constructor(kafka: Kafkajs, options: SessionOptions, handlers: SessionHandlers) {
    this.#options = options;
    this.#handlers = handlers;
    this.#consumer = kafka.consumer({
      groupId: options.group,
      sessionTimeout: options.sessionTimeoutMs,
      rebalanceTimeout: options.sessionTimeoutMs + REBALANCE_SLACK_MS,
      heartbeatInterval: Math.min(HEARTBEAT_MS, options.sessionTimeoutMs / 3),
      metadataMaxAge: options.metadataMaxAgeMs,
      allowAutoTopicCreation: false,
      maxWaitTimeInMs: FETCH_WAIT_MS,
      maxBytesPerPartition: PARTITION_BYTES_MAX,
      maxBytes: FETCH_BYTES_MAX,
      retry: { ...RETRY_FOR_A_SESSION, restartOnFailure: () => Promise.resolve(false) },
    });
  }

  /** Resolves after `signal` aborted and the member has left; rejects with {@link EventBusError} when it dropped out. */
  async run(signal: AbortSignal): Promise<void> {
    const { promise: over, resolve, reject } = Promise.withResolvers<undefined>();
    over.catch(() => undefined);
    const abort = (): void => resolve(undefined);
    signal.addEventListener('abort', abort, { once: true });
    if (signal.aborted) abort();
    const tick = setInterval(() => this.#tick(reject), TICK_MS);
    this.#listen(reject);
    const started = this.#start().catch(reject);
    try {
      await over;
    } catch (error) {
      throw busError(`group ${this.#options.group}`, error);
    } finally {
      clearInterval(tick);
      signal.removeEventListener('abort', abort);
      await this.#leave(started);
    }
  }

  /**
   * A consumer that is stopped while it joins goes on as a ghost that holds partitions: it joins first, then leaves. If
   * that takes long it goes on in the background, and nobody hears of it.
   */
  async #leave(started: Promise<void>): Promise<void> {
    const enough = new AbortController();
    const left = (async () => {
      await this.#handlers.onLeaving();
      this.#ended = true;
      await started;
      await this.#consumer.disconnect().catch(() => undefined);
    })();
    await Promise.race([left, pause(LEAVE_MS_MAX, enough.signal)]);
    enough.abort();
    this.#ended = true;
  }

  async #start(): Promise<void> {
    const { topics } = this.#options;
    await this.#consumer.connect();
    await this.#consumer.subscribe({ topics: [...topics], fromBeginning: true });
    await this.#consumer.run({
      autoCommit: false,
      eachBatch: ({ batch }) => {
        if (!this.#ended) this.#handlers.onRecords(toRecords(batch));
        return Promise.resolve();
      },
    });
  }

  #listen(reject: (error: unknown) => void): void {
    const consumer = this.#consumer;
    const { CRASH, GROUP_JOIN, REBALANCING, REQUEST, HEARTBEAT, END_BATCH_PROCESS } = consumer.events;
    const when = (handle: () => void): void => {
      this.#silentTicks = 0;
      if (!this.#ended) handle();
    };
    consumer.on(CRASH, ({ payload }) => reject(payload.error));
    consumer.on(GROUP_JOIN, ({ payload }) => when(() => this.#joined(payload)));
    consumer.on(REBALANCING, () => when(() => this.#handlers.onRebalancing()));
    consumer.on(HEARTBEAT, () => when(() => this.#handlers.onHeard('heartbeat')));
    consumer.on(REQUEST, ({ payload }) => {
      if (payload.apiName === 'Fetch') when(() => this.#handlers.onHeard('fetch'));
    });
    consumer.on(END_BATCH_PROCESS, ({ payload: { topic, partition, lastOffset } }) =>
      when(() => this.#handlers.onReached({ topic, partition }, BigInt(lastOffset) + 1n)),
    );
  }

  #joined({ memberId, memberAssignment }: { memberId: string; memberAssignment: Record<string, number[]> }): void {
    const assigned = Object.entries(memberAssignment).flatMap(([topic, partitions]) =>
      partitions.map((partition) => ({ topic, partition })),
    );
    // kafkajs forgets all positions at each join; what is sought here is in force before its next fetch.
    for (const { topic, partition, offset } of this.#handlers.onJoined(assigned, memberId)) {
      this.#consumer.seek({ topic, partition, offset: String(offset) });
    }
  }

  #tick(reject: (error: unknown) => void): void {
    this.#silentTicks += 1;
    if (this.#silentTicks > SILENT_TICKS_MAX) {
      reject(new Error('the consumer is stuck: neither an answer of the broker nor an error for a minute'));
    }
    this.#handlers.onTick();
  }

  /** Paused, it stays a member and fetches nothing. */
  setPaused(paused: boolean): void {
    if (this.#ended || paused === this.#paused) return;
    this.#paused = paused;
    const topics = this.#options.topics.map((topic) => ({ topic }));
    if (paused) this.#consumer.pause(topics);
    else this.#consumer.resume(topics);
  }

  async commit(commits: readonly Commit[]): Promise<void> {
    if (commits.length === 0) return;
    await this.#consumer.commitOffsets(
      commits.map(({ topic, partition, offset }) => ({ topic, partition, offset: String(offset) })),
    );
  }
}

const toRecords = ({ topic, partition, messages }: Batch): LogRecord[] =>
  messages.map(({ offset, key, value, headers = {}, timestamp }) => ({
    topic,
    partition,
    offset: BigInt(offset),
    key: key?.toString() ?? '',
    value,
    headers: Object.fromEntries(
      Object.entries(headers).map(([name, content]) => [name, String(content ?? '')]),
    ),
    timestampMs: Number(timestamp),
  }));

const RESTART_MS = 200;
const RESTART_MS_MAX = 2_000;

/**
 * Runs session after session until `signal` aborts. What another try may heal is waited out; anything else rejects, for
 * a consumer that is dead must not live in a process that looks well.
 */
export const runSessions = async (
  session: (signal: AbortSignal) => Promise<void>,
  { group, log, signal }: { group: string; log: Log; signal: AbortSignal },
): Promise<void> => {
  let delayMs = RESTART_MS;
  while (!signal.aborted) {
    const startedAtMs = performance.now();
    try {
      await session(signal);
      return;
    } catch (thrown) {
      const error: EventBusError = busError(`group ${group}`, thrown);
      if (!error.retriable) throw error;
      if (performance.now() - startedAtMs > RESTART_MS_MAX * 2) delayMs = RESTART_MS;
      log.warn({ group, delay_ms: delayMs, error }, 'consumer dropped out and starts again');
      await pause(delayMs, signal);
      delayMs = Math.min(delayMs * 2, RESTART_MS_MAX);
    }
  }
};
