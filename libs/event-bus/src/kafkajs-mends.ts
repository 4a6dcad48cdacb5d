/**
 * Two faults of kafkajs 2.2.4 that no option avoids, mended in its classes, once per process and by name: a version in
 * which the methods are gone makes this fail at start, not silently.
 */
import brokerPool from 'kafkajs/src/cluster/brokerPool.js';
import requestQueue from 'kafkajs/src/network/requestQueue/index.js';

let isMended = false;

export const mendKafkajs = (): void => {
  if (isMended) return;
  isMended = true;
  mend(requestQueue, 'scheduleCheckPendingRequests', askOnlyWhileSomethingWaits);
  mend(brokerPool, 'removeBroker', keepTheLastBroker);
};

/**
 * Each connection asks itself again and again whether a throttled request may go, and with nothing waiting it asks with
 * a negative delay, which Node turns into 1 ms: a thousand timers a second per connection, and a
 * TimeoutNegativeWarning since Node 24. While something waits, kafkajs computes a positive delay.
 */
const askOnlyWhileSomethingWaits: Mend<RequestQueue> = (queue, original) => {
  if (queue.pending.length > 0) original();
};

/**
 * A broker whose connection broke is forgotten until the next look at the metadata. When it was the only one left, a
 * consumer finds "no broker available" and gives up its membership within a tenth of a second; the group then waits a
 * whole session for the member that is gone. Kept, it is connected to again, and the membership goes on.
 */
const keepTheLastBroker: Mend<BrokerPool> = (pool, original) => {
  if (Object.keys(pool.brokers).length > 1) original();
  else pool.metadataExpireAt = null;
};

interface RequestQueue {
  readonly pending: readonly unknown[];
}

interface BrokerPool {
  readonly brokers: Readonly<Record<string, unknown>>;
  metadataExpireAt: number | null;
}

type Mend<T> = (self: T, original: () => unknown) => unknown;

const mend = <T>(kafkajsClass: unknown, method: string, mended: Mend<T>): void => {
  const { prototype } = kafkajsClass as { prototype: Record<string, unknown> };
  const original = prototype[method];
  if (typeof original !== 'function') throw new Error(`kafkajs has no ${method} any more: see kafkajs-mends.ts`);
  prototype[method] = function (this: T, ...args: unknown[]): unknown {
    return mended(this, () => Reflect.apply(original, this, args) as unknown);
  };
};
