/**
 * What every client must offer to be read with: one session, from joining to leaving, that never restarts itself and
 * never ends in silence. {@link runSessions} starts a fresh one instead, so no state of a client outlives a failure.
 */
import { type Log, pause } from '@osago/service-kit';
import { EventBusError, type LogRecord, type TopicPartition } from './event-bus.ts';
import type { Commit } from './hand-over.ts';

export interface SessionOptions {
  readonly group: string;
  readonly topics: readonly string[];
  readonly sessionTimeoutMs: number;
}

export interface SessionHandlers {
  /** After each join. The answer says where to read on; partitions that it leaves out start at the committed offset. */
  onJoined(assigned: readonly TopicPartition[], memberId: string): readonly Commit[];
  /** A rebalance begins: what is committed now still counts. */
  onRebalancing(): Promise<void>;
  onRecords(records: readonly LogRecord[]): void;
  /** Nothing below `next` is left to read, be it records or markers. */
  onReached(partition: TopicPartition, next: bigint): void;
  /** The log does not have what is read next. Resolves with where to go on; rejects where the session must fail. */
  onOutOfRange(partition: TopicPartition, next: bigint): Promise<bigint>;
  /** The broker answered. */
  onHeard(request: 'fetch' | 'heartbeat'): void;
  /** Once a second. */
  onTick(): void;
  /** Before the member leaves, however the session ended: what is committed now still counts. */
  onLeaving(): Promise<void>;
}

export interface ConsumerSession {
  /** Resolves after `signal` aborted and the member has left; rejects with {@link EventBusError} when it dropped out. */
  run(signal: AbortSignal): Promise<void>;
  /** Paused, it stays a member and asks for no records. */
  setPaused(paused: boolean): void;
  /** Rejects when the broker did not take them. */
  commit(commits: readonly Commit[]): Promise<void>;
}

export type Fail = (error: unknown) => void;

/** The parts of a session that differ from client to client. */
export interface SessionLife {
  start(fail: Fail): Promise<void>;
  /** Once a second. */
  tick(fail: Fail): void;
  /** `started` settles when `start` has. */
  leave(started: Promise<void>): Promise<void>;
}

const TICK_MS = 1_000;
/** A join may wait for a dead member's session to end; who stops need not. */
const LEAVE_MS_MAX = 3_000;

/** Until `signal` aborts or something fails; leaving takes a bounded time and goes on in the background after it. */
export const liveUntil = async (signal: AbortSignal, life: SessionLife): Promise<void> => {
  const { promise: over, resolve, reject } = Promise.withResolvers<undefined>();
  over.catch(() => undefined);
  const abort = (): void => resolve(undefined);
  signal.addEventListener('abort', abort, { once: true });
  if (signal.aborted) abort();
  const timer = setInterval(() => life.tick(reject), TICK_MS);
  const started = life.start(reject).catch(reject);
  try {
    await over;
  } finally {
    clearInterval(timer);
    signal.removeEventListener('abort', abort);
    await waitAtMost(LEAVE_MS_MAX, life.leave(started));
  }
};

/** Resolves when the work has, or when it takes too long; the work must not reject. */
export const waitAtMost = async (ms: number, work: Promise<unknown>): Promise<void> => {
  const enough = new AbortController();
  await Promise.race([work, pause(ms, enough.signal)]);
  enough.abort();
};

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
    } catch (error) {
      if (!(error instanceof EventBusError) || !error.retriable) throw error;
      if (performance.now() - startedAtMs > RESTART_MS_MAX * 2) delayMs = RESTART_MS;
      log.warn({ group, delay_ms: delayMs, error }, 'consumer dropped out and starts again');
      await pause(delayMs, signal);
      delayMs = Math.min(delayMs * 2, RESTART_MS_MAX);
    }
  }
};
