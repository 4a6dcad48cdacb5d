/**
 * Run by a test in a process of its own, with the client, the brokers and an empty topic as arguments: a bus with a
 * publisher, a subscription and a tail that have nothing to do. Prints how many timers such a process makes or hears in a
 * second, how many requests it sends, and what share of a core it takes.
 */
import { createHook } from 'node:async_hooks';
import { Socket } from 'node:net';
import { createLog, pause } from '@osago/service-kit';
import { createEventBus, type EventBusClient } from './index.ts';

const [, , client, brokers = '', topic = ''] = process.argv;
const WATCH_MS = 4_000;

let isWatching = false;
const counts = { timers: 0, requests: 0 };
const timers = new Set<number>();
createHook({
  init: (id, type) => {
    if (type === 'Timeout') timers.add(id);
    if (isWatching && type === 'Timeout') counts.timers += 1;
  },
  // An interval is made once and heard again and again.
  before: (id) => {
    if (isWatching && timers.has(id)) counts.timers += 1;
  },
}).enable();

const write = Reflect.get(Socket.prototype, 'write') as (...args: unknown[]) => boolean;
Socket.prototype.write = function (this: Socket, ...args: unknown[]): boolean {
  if (isWatching) counts.requests += 1;
  return Reflect.apply(write, this, args);
};

const log = createLog('idle-timers', 'silent');
const bus = await createEventBus({ log }, { client: client as EventBusClient, brokers: brokers.split(','), clientId: 'idle-timers' });
const stop = new AbortController();
const { promise: joined, resolve } = Promise.withResolvers<undefined>();
const subscription = bus.subscribe(
  { group: `idle-${topic}`, topics: [topic], inFlightMax: 1 },
  { onRecord: (record) => subscription.done(record), onAssigned: () => resolve(undefined) },
);
const tail = bus.tail({ topics: [topic], fromMs: 0, groupPrefix: `idle-tail-${topic}` }, () => undefined);
const running = [subscription.run(stop.signal), tail.run(stop.signal)];
await bus.publish([{ topic, partition: 0, key: 'k', value: Buffer.from('v'), headers: {} }]);
await Promise.all([joined, tail.caughtUp]);
await bus.ping();

isWatching = true;
const before = process.cpuUsage();
const startedAtMs = performance.now();
await pause(WATCH_MS, stop.signal);
const { user, system } = process.cpuUsage(before);
// A busy machine wakes up late.
const watchedMs = performance.now() - startedAtMs;
isWatching = false;

stop.abort();
await Promise.all(running);
await bus.close();
const perSecond = (count: number): number => count / (watchedMs / 1_000);
const cpuPercent = (user + system) / (watchedMs * 10);
process.stdout.write(JSON.stringify({ timers: perSecond(counts.timers), requests: perSecond(counts.requests), cpuPercent }));
