/**
 * A tail, session after session. A client that reads in groups only gets a new group for each session, for a group waits
 * for members that went without a word. Such groups are deleted at the end; what killed processes left behind is deleted
 * by the next tail that starts.
 */
import { randomBytes } from 'node:crypto';
import { runSessions, type SessionHandlers, waitAtMost } from './consumer-session.ts';
import type { Questions } from './client-event-bus.ts';
import type {
  LogRecord,
  Tail,
  TailHealth,
  TailOptions,
  TailPosition,
  TopicPartition,
} from './event-bus.ts';
import type { Commit } from './hand-over.ts';
import type { ConsumerParts } from './group-subscription.ts';
import { SameTopics } from './same-topics.ts';
import { whereToGoOn } from './out-of-range.ts';
import { TailProgress } from './tail-progress.ts';

/** Nobody takes over from a tail, so its session may be long: a stall of the process costs no new join. */
const SESSION_TIMEOUT_MS = 30_000;
/** So long a topic that was made anew may be read for the old one. */
const SAME_EVERY_TICKS = 10;
/** Old groups litter, they do not harm: whoever stops does not wait for them. */
const TIDY_MS_MAX = 2_000;

export class LogTail implements Tail {
  readonly name: string;
  readonly #parts: ConsumerParts;
  readonly #options: TailOptions;
  readonly #onRecord: (record: LogRecord) => void;
  readonly #incarnation: string;
  readonly #progress = new TailProgress();
  readonly #failure = new AbortController();
  readonly #same: SameTopics;
  #sessions = 0;
  #stopped = false;
  #lastFetchAtMs = 0;

  constructor(
    parts: ConsumerParts,
    options: TailOptions,
    onRecord: (record: LogRecord) => void,
  ) {
    this.name = `tail ${options.groupPrefix}`;
    this.#parts = parts;
    this.#options = options;
    this.#onRecord = onRecord;
    this.#same = new SameTopics(parts.client.questions, options.topics);
    this.#incarnation = `${options.groupPrefix}-${randomBytes(6).toString('hex')}`;
  }

  get caughtUp(): Promise<void> {
    return this.#progress.caughtUp;
  }

  positions(): readonly TailPosition[] {
    return this.#progress.positions();
  }

  health(): TailHealth {
    const phase = this.#progress.isCaughtUp ? 'live' : 'catching-up';
    return { phase: this.#stopped ? 'stopped' : phase, lastFetchAtMs: this.#lastFetchAtMs };
  }

  async run(signal: AbortSignal): Promise<void> {
    const { log } = this.#parts;
    const group = this.#incarnation;
    const either = AbortSignal.any([signal, this.#failure.signal]);
    try {
      await runSessions((until) => this.#runSession(until), { group, log, signal: either });
    } finally {
      this.#stopped = true;
      await this.#tidy(group);
    }
    this.#failure.signal.throwIfAborted();
  }

  async #runSession(signal: AbortSignal): Promise<void> {
    const { client, ping } = this.#parts;
    await ping();
    const { topics, fromMs, groupPrefix } = this.#options;
    const failure = await this.#same.failure();
    if (failure) throw failure;
    if (!this.#progress.begun) {
      const starts = topics.map((topic) => startAndGoal(client.questions, topic, fromMs));
      this.#progress.begin((await Promise.all(starts)).flat());
      await this.#tidy(`${groupPrefix}-`);
    }
    const group = `${this.#incarnation}-${(this.#sessions += 1)}`;
    const options = { group, topics, sessionTimeoutMs: SESSION_TIMEOUT_MS };
    await client.openTail(options, this.#sessionHandlers()).run(signal);
  }

  #sessionHandlers(): SessionHandlers {
    let ticks = 0;
    return {
      onJoined: (assigned) => this.#joined(assigned),
      onRebalancing: () => Promise.resolve(),
      onRecords: (records) => {
        for (const record of records) {
          if (this.#failure.signal.aborted) return;
          this.#warnOfGap(record);
          if (this.#progress.take(record)) this.#deliver(record);
        }
      },
      onReached: (partition, next) => this.#progress.reached(partition, next),
      onOutOfRange: (at, next) => {
        const { client: { questions }, log } = this.#parts;
        return whereToGoOn({ questions, log }, { at, next, wasRead: true });
      },
      onHeard: (request) => {
        if (request === 'fetch') this.#lastFetchAtMs = this.#parts.clock.nowMs();
      },
      onTick: () => {
        ticks += 1;
        if (ticks % SAME_EVERY_TICKS === 0) void this.#checkTopics();
      },
      onLeaving: () => Promise.resolve(),
    };
  }

  #joined(assigned: readonly TopicPartition[]): Commit[] {
    this.#parts.log.info({ group: this.#incarnation, partitions: assigned.length }, 'reads all partitions');
    return assigned.map((partition) => ({ ...partition, offset: this.#progress.next(partition) }));
  }

  /** A broker that does not answer now is asked again. */
  async #checkTopics(): Promise<void> {
    try {
      const failure = await this.#same.failure();
      if (failure) this.#failure.abort(failure);
    } catch (error) {
      this.#parts.log.debug({ group: this.#incarnation, error }, 'could not ask whether the topics are the same');
    }
  }

  #warnOfGap(record: LogRecord): void {
    const { topic, partition, offset } = record;
    const next = this.#progress.next(record);
    if (offset <= next) return;
    const fields = { topic, partition, offset: String(next), count: Number(offset - next) };
    this.#parts.log.error(fields, 'records were lost unread');
  }

  #deliver(record: LogRecord): void {
    try {
      this.#onRecord(record);
    } catch (error) {
      this.#failure.abort(error);
    }
  }

  async #tidy(prefix: string): Promise<void> {
    const deleted = this.#parts.client.deleteEmptyGroups?.(prefix).catch((error: unknown) => {
      this.#parts.log.debug({ group: prefix, error }, 'could not delete groups');
    });
    if (deleted) await waitAtMost(TIDY_MS_MAX, deleted);
  }
}

/** The goal is asked first: what is written in between belongs to the live part. */
const startAndGoal = async (questions: Questions, topic: string, fromMs: number): Promise<TailPosition[]> => {
  const goals = await questions.endOffsets(topic);
  const starts = await (fromMs > 0 ? questions.offsetsAt(topic, fromMs) : questions.startOffsets(topic));
  return goals.map((goal, partition) => ({ topic, partition, next: starts[partition] ?? goal, goal }));
};
