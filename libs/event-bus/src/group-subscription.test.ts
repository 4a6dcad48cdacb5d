/** What no broker does on demand: a client that dies in part. */
import { describe, expect, it } from '@jest/globals';
import { createLog } from '@osago/service-kit';
import { type BusClient, busOf } from './client-event-bus.ts';
import type { SessionHandlers } from './consumer-session.ts';
import { EventBusError, type LogRecord, type Subscription } from './event-bus.ts';
import { until } from './suite-readers.ts';

const AT = { topic: 'log', partition: 0 };

const record = (offset: bigint): LogRecord => ({ ...AT, offset, key: 'k', value: null, headers: {}, timestampMs: 0 });

interface Setup {
  readonly subscription: Subscription;
  /** What the client's session calls; a new one for each session. */
  readonly sessions: SessionHandlers[];
  readonly received: LogRecord[];
  readonly clock: { atMs: number };
  readonly running: Promise<void>;
  readonly drop: (error: EventBusError) => void;
  readonly stop: () => Promise<void>;
}

const setup = (): Setup => {
  const clock = { atMs: 1_000 };
  const sessions: SessionHandlers[] = [];
  const received: LogRecord[] = [];
  let drop: (error: EventBusError) => void = () => undefined;
  const none = (): Promise<never> => Promise.reject(new EventBusError('not asked for', { retriable: false }));
  const client: BusClient = {
    write: none,
    questions: { partitions: none, endOffsets: none, startOffsets: none, offsetsAt: none, greet: () => Promise.resolve() },
    openTail: () => { throw new Error('not asked for'); },
    openGroup: (_options, handlers) => ({
      run: (signal) =>
        new Promise((resolve, reject) => {
          sessions.push(handlers);
          drop = reject;
          signal.addEventListener('abort', () => resolve(), { once: true });
        }),
      setPaused: () => undefined,
      commit: () => Promise.resolve(),
    }),
    close: () => Promise.resolve(),
  };
  const bus = busOf(client, { log: createLog('test', 'silent'), clock: { nowMs: () => clock.atMs } });
  const subscription = bus.subscribe({ group: 'g', topics: ['log'], inFlightMax: 1 }, { onRecord: (one) => received.push(one) });
  const stop = new AbortController();
  const running = subscription.run(stop.signal);
  running.catch(() => undefined);
  return {
    subscription, sessions, received, clock, running,
    drop: (error) => drop(error),
    stop: () => {
      stop.abort();
      return running;
    },
  };
};

describe('the health of a subscription', () => {
  it('grows old when records are no longer read, although the heartbeats go on', async () => {
    const { subscription, sessions, clock, stop } = setup();
    await until(() => sessions.length === 1);
    sessions[0]?.onJoined([AT], 'me');
    clock.atMs = 11_000;
    sessions[0]?.onHeard('heartbeat');
    expect(subscription.health()).toMatchObject({ phase: 'live', lastHeardAtMs: 1_000 });
    sessions[0]?.onHeard('fetch');
    expect(subscription.health().lastHeardAtMs).toBe(11_000);
    await stop();
  });

  it('grows old when the heartbeats stop, although records are read', async () => {
    const { subscription, sessions, clock, stop } = setup();
    await until(() => sessions.length === 1);
    sessions[0]?.onJoined([AT], 'me');
    clock.atMs = 11_000;
    sessions[0]?.onHeard('fetch');
    expect(subscription.health().lastHeardAtMs).toBe(1_000);
    await stop();
  });

  it('stays young while nothing is read for a reason: at the bound, or without a partition', async () => {
    const { subscription, sessions, received, clock, stop } = setup();
    await until(() => sessions.length === 1);
    sessions[0]?.onJoined([], 'me');
    clock.atMs = 11_000;
    sessions[0]?.onHeard('heartbeat');
    expect(subscription.health().lastHeardAtMs).toBe(11_000);
    sessions[0]?.onJoined([AT], 'me');
    sessions[0]?.onRecords([record(0n), record(1n)]);
    clock.atMs = 21_000;
    sessions[0]?.onHeard('heartbeat');
    expect(subscription.health()).toMatchObject({ full: true, lastHeardAtMs: 21_000 });
    for (const one of received) subscription.done(one);
    expect(subscription.health()).toMatchObject({ full: false, lastHeardAtMs: 21_000 });
    await stop();
  });

  it('says joining once the client dropped out, and the work is taken back', async () => {
    const { subscription, sessions, clock, drop, stop } = setup();
    await until(() => sessions.length === 1);
    sessions[0]?.onJoined([AT], 'me');
    sessions[0]?.onRecords([record(0n)]);
    clock.atMs = 2_000;
    drop(new EventBusError('gone', { retriable: true }));
    await until(() => subscription.health().phase === 'joining');
    expect(subscription.health()).toMatchObject({ assigned: [], unfinished: 0 });
    await until(() => sessions.length === 2);
    await stop();
  });

  it('ends run with the error of the client that waiting cannot heal', async () => {
    const { subscription, sessions, drop, running } = setup();
    await until(() => sessions.length === 1);
    const error = new EventBusError('not allowed', { retriable: false });
    drop(error);
    await expect(running).rejects.toBe(error);
    expect(subscription.health().phase).toBe('stopped');
  });
});
