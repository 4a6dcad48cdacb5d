/**
 * The insurers of bench:aggregator, a process of its own: the simulator over `market.yaml`, and when each application
 * reached it. With that moment `planFor` says when its answer was ready.
 */
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { systemClock } from '@osago/service-kit';
import { createSimulator } from '../apps/insurer-simulator/src/server.ts';
import { answerQuestions, settingsOf } from './aggregator-process.ts';
import { type InsurersSettings, marketOf } from './aggregator-market.ts';

const { seed, speed, isClean } = settingsOf() as InsurersSettings;
const server = createSimulator(systemClock, { profiles: marketOf({ isClean }), seed, speed });
const receivedAtMs = new Map<string, number>();
server.prependListener('request', (request) => {
  const key = request.headers['idempotency-key'];
  if (typeof key !== 'string' || receivedAtMs.has(key)) return;
  // The simulator decides about an application when it has the whole of it.
  request.once('end', () => receivedAtMs.set(key, systemClock.nowMs()));
});
server.listen(0, '127.0.0.1');
await once(server, 'listening');

answerQuestions({
  port: () => (server.address() as AddressInfo).port,
  received: () => [...receivedAtMs],
  stop: () => server.closeAllConnections(),
});
