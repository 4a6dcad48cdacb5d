/**
 * Run by a test in a process of its own, with the client, the brokers and an empty topic as arguments: a bus with a
 * publisher, a subscription and a tail that have nothing to do. Prints how many timers such a process makes in a second
 * and what share of a core it takes.
 */
import { createHook } from 'node:async_hooks';
import { createLog, pause } from '@osago/service-kit';
import { createEventBus, type EventBusClient } from './index.ts';

const [, , client, brokers = '', topic = ''] = process.argv;
const WATCH_MS = 2_000;

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

let timers = 0;
const hook = createHook({
  init: (_id, type) => {
    if (type === 'Timeout') timers += 1;
  },
}).enable();
const before = process.cpuUsage();
await pause(WATCH_MS, stop.signal);
const { user, system } = process.cpuUsage(before);
hook.disable();

stop.abort();
await Promise.all(running);
await bus.close();
const cpuPercent = (user + system) / (WATCH_MS * 10);
process.stdout.write(JSON.stringify({ timersPerSecond: timers / (WATCH_MS / 1000), cpuPercent }));
