/**
 * One membership of one kafkajs consumer, from joining to leaving. It never restarts itself: kafkajs may go on after a
 * restart of its own with a state that nobody knows.
 */
import { type ConsumerSession, type Fail, liveUntil, type SessionHandlers, type SessionOptions } from './consumer-session.ts';
import type { TopicPartition } from './event-bus.ts';
import type { Commit } from './hand-over.ts';
import { busError, type Consumer, type Kafkajs, RETRY_FOR_A_SESSION } from './kafkajs-client.ts';
import { type Fetches, withFetches } from './kafkajs-mends.ts';
import type { FetchedBatch } from './kafkajs-session-decoding.ts';

/** A tenth of a session, but not in a hurry; a third where sessions are short. */
const HEARTBEAT_MS_MIN = 1_000;
/**
 * An empty answer comes after this time, one with records at once. kafkajs sends its heartbeats, which tell it of a
 * rebalance, between fetches only. Four times as many fetches would cost an idle process a percent of a core.
 */
const FETCH_WAIT_MS = 1_000;
/** It wakes from a pause after this time. */
const PAUSED_WAIT_MS = 250;
/** About a thousand of our records of a partition, so that no fetch holds the loop for more than some milliseconds. */
const PARTITION_BYTES_MAX = 1_048_576;
/**
 * Of all partitions together. Answers wait for their turn while the one before is read; eight times as large, they outlive
 * the young generation, and V8 goes through the whole heap each time that 64 MB of them have.
 */
const FETCH_BYTES_MAX = 1_048_576;
/** A member that has to join again is waited for this much longer than a dead one. */
const REBALANCE_SLACK_MS = 5_000;
/** A join may take 20 s; who is silent three times as long without an error will be silent for ever. */
const SILENT_TICKS_MAX = 60;

export interface KafkajsSessionOptions extends SessionOptions {
  readonly metadataMaxAgeMs: number;
}

export class KafkajsSession implements ConsumerSession {
  readonly #consumer: Consumer;
  readonly #options: KafkajsSessionOptions;
  readonly #handlers: SessionHandlers;
  readonly #fetchWaitMs: number;
  readonly #endFetches = new AbortController();
  #ended = false;
  #paused = false;
  #silentTicks = 0;

  constructor(kafka: Kafkajs, options: KafkajsSessionOptions, handlers: SessionHandlers) {
    this.#options = options;
    this.#handlers = handlers;
    const { sessionTimeoutMs } = options;
    const aThirdMs = sessionTimeoutMs / 3;
    this.#fetchWaitMs = Math.min(FETCH_WAIT_MS, aThirdMs);
    this.#consumer = kafka.consumer({
      groupId: options.group,
      sessionTimeout: sessionTimeoutMs,
      rebalanceTimeout: sessionTimeoutMs + REBALANCE_SLACK_MS,
      heartbeatInterval: Math.min(Math.max(HEARTBEAT_MS_MIN, sessionTimeoutMs / 10), aThirdMs),
      metadataMaxAge: options.metadataMaxAgeMs,
      allowAutoTopicCreation: false,
      maxWaitTimeInMs: Math.min(PAUSED_WAIT_MS, aThirdMs),
      maxBytesPerPartition: PARTITION_BYTES_MAX,
      maxBytes: FETCH_BYTES_MAX,
      retry: { ...RETRY_FOR_A_SESSION, restartOnFailure: () => Promise.resolve(false) },
    });
  }

  async run(signal: AbortSignal): Promise<void> {
    try {
      await liveUntil(signal, {
        start: (fail) => {
          this.#listen(fail);
          return withFetches(this.#fetches(fail), () => this.#start());
        },
        tick: (fail) => this.#tick(fail),
        leave: (started) => this.#leave(started),
      });
    } catch (error) {
      throw busError(`group ${this.#options.group}`, error);
    } finally {
      this.#ended = true;
    }
  }

  /**
   * A consumer that is stopped while it joins goes on as a ghost that holds partitions: it joins first, then leaves. If
   * that takes long it goes on in the background, and nobody hears of it. So do its connections: they end when the fetch
   * that nobody waits for any more is answered.
   */
  async #leave(started: Promise<void>): Promise<void> {
    await this.#handlers.onLeaving();
    this.#ended = true;
    await started;
    const left = this.#consumer.stop();
    this.#endFetches.abort();
    await left.catch(() => undefined);
    this.#consumer.disconnect().catch(() => undefined);
  }

  #fetches(fail: Fail): Fetches {
    return {
      waitMs: this.#fetchWaitMs,
      end: this.#endFetches.signal,
      onOutOfRange: async (at, next) => {
        if (this.#ended) return undefined;
        try {
          return await this.#handlers.onOutOfRange(at, next);
        } catch (error) {
          fail(error);
          return undefined;
        }
      },
    };
  }

  async #start(): Promise<void> {
    const { topics } = this.#options;
    await this.#consumer.connect();
    await this.#consumer.subscribe({ topics: [...topics], fromBeginning: true });
    await this.#consumer.run({
      autoCommit: false,
      eachBatch: ({ batch }) => {
        this.#handOver(batch as unknown as Fetched);
        return Promise.resolve();
      },
    });
  }

  #handOver(fetched: Fetched): void {
    const from = BigInt(fetched.fetchedOffset);
    for (const batch of fetched.messages) {
      if (this.#ended) return;
      this.#handlers.onRecords(batch.recordsOf(fetched, from));
    }
  }

  #listen(fail: Fail): void {
    const consumer = this.#consumer;
    const { CRASH, GROUP_JOIN, REBALANCING, REQUEST, HEARTBEAT, END_BATCH_PROCESS } = consumer.events;
    const when = (handle: () => void): void => {
      this.#silentTicks = 0;
      if (!this.#ended) handle();
    };
    consumer.on(CRASH, ({ payload }) => fail(payload.error));
    consumer.on(GROUP_JOIN, ({ payload }) => when(() => this.#joined(payload)));
    consumer.on(REBALANCING, () => when(() => void this.#handlers.onRebalancing()));
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

  #tick(fail: Fail): void {
    this.#silentTicks += 1;
    if (this.#silentTicks > SILENT_TICKS_MAX) {
      fail(new Error('the consumer is stuck: neither an answer of the broker nor an error for a minute'));
    }
    this.#handlers.onTick();
  }

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

/** What the answer to one fetch has of one partition, as kafkajs-session-decoding.ts has read it. */
interface Fetched extends TopicPartition {
  readonly fetchedOffset: string;
  readonly messages: readonly FetchedBatch[];
}
