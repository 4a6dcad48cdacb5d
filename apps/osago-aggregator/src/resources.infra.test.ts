/**
 * What many legs leave behind: nothing. 5,000 here; `RESOURCE_LEGS=100000 npm test -- infra
 * apps/osago-aggregator/src/resources.infra.test.ts` is the long lane.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterEach, expect, test } from '@jest/globals';
import type { InsurerSettings } from '@osago/contracts';
import { createMetrics, systemClock } from '@osago/service-kit';
import { APPLICATION } from './aggregator-given.ts';
import { createAgent } from './insurer-http.ts';
import { type AnswerWith, closeLater, closeServers, json, startInsurer } from './insurer-server.ts';
import { createInsurers } from './insurers.ts';
import { PollLearning } from './poll-learning.ts';
import { cleanUp, connectedStore } from './redis-given.ts';

const { REDIS_URL = '', RESOURCE_LEGS = '5000' } = process.env;
const LEGS = Number(RESOURCE_LEGS);
const WARM_UP = 1_000;
const AT_ONCE = 60;
const TEST_MS = 60_000 + LEGS * 20;
/** Undici closes idle connections after 4 s. */
const IDLE_MS = 15_000;
const LIMITS = { rate_per_s: 10_000, burst: 10_000, concurrency: 100 };

afterEach(async () => {
  await closeServers();
  await cleanUp();
});

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

const heapMb = (): number => {
  collectGarbage();
  return process.memoryUsage().heapUsed / 2 ** 20;
};
const timers = (): number => process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length;

const until = async (what: string, isSo: () => Promise<boolean>): Promise<void> => {
  const giveUpAtMs = performance.now() + IDLE_MS;
  while (!(await isSo())) {
    if (performance.now() > giveUpAtMs) throw new Error(`waited in vain until ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
};

/** Of ten applications one gets no answer, one a broken connection, one a body without end, one is abandoned. */
const answer: AnswerWith = (asked, response) => {
  const kind = Number(/(\d)$/.exec(asked.method === 'POST' ? String(asked.headers['idempotency-key']) : asked.path)?.[1]);
  if (asked.method === 'GET') json(200, { application_id: 'a', status: 'ready', quote: { premium_kopecks: 700_000 } })(asked, response);
  else if (kind === 0 || kind === 3) asked.socket.once('close', () => response.destroy());
  else if (kind === 1) response.destroy();
  else if (kind === 2) response.writeHead(200).write(' ');
  else json(201, { application_id: `a${kind}`, status: 'pending' })(asked, response);
};

test(
  'legs that are answered, time out, break or are abandoned leave memory, sockets and timers where they began',
  async () => {
    const { url, server, asked } = await startInsurer(answer);
    const { store } = await connectedStore(REDIS_URL);
    const insurer_id = `test-${crypto.randomUUID().slice(0, 8)}`;
    const settings: InsurerSettings[] = [
      { insurer_id, name: 'A', base_url: url, adapter: 'standard', ...LIMITS, deadline_ms: 60_000, post_timeout_ms: 500, cache_hours: 0 },
    ];
    const agent = createAgent(settings);
    closeLater(() => agent.destroy());
    const around = { agent, redis: store, clock: systemClock, metrics: createMetrics('test'), learning: new PollLearning(2_000) };
    const insurers = createInsurers(around, settings, { pod: 'pod' });
    closeLater(insurers.close);
    // So many failures would open the breaker; here every leg is to be asked.
    insurers.gates.get(insurer_id)?.setControl({ limits: LIMITS, breaker: 'closed', paused: false });
    const insurer = insurers.byId.get(insurer_id);
    if (insurer === undefined) throw new Error('the insurer is missing');

    const kinds = new Map<string, number>();
    const leg = async (at: number): Promise<void> => {
      const stop = new AbortController();
      const options = { signal: stop.signal, startByMs: Date.now() + 60_000 };
      const posted = insurer.post({ request_id: 'r', idempotencyKey: `k${at % 10}`, application: APPLICATION }, options);
      if (at % 10 === 3) setTimeout(() => stop.abort(), 20);
      let reply = await posted;
      if (reply.kind === 'accepted') reply = await insurer.poll(reply.application_id, options);
      const kind = reply.kind === 'fault' ? reply.fault : reply.kind;
      kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
    };
    const work = async (count: number): Promise<void> => {
      let next = 0;
      const worker = async (): Promise<void> => {
        while (next < count) await leg(next++);
      };
      await Promise.all(Array.from({ length: AT_ONCE }, worker));
      asked.length = 0;
    };
    const sockets = (): Promise<number> =>
      new Promise((resolve, reject) => {
        server.getConnections((error, count) => (error === null ? resolve(count) : reject(error)));
      });
    const settled = () => until('every socket is closed', async () => (await sockets()) === 0);

    await work(WARM_UP);
    await settled();
    const before = { heapMb: heapMb(), timers: timers() };
    kinds.clear();
    await work(LEGS);
    await settled();
    const after = { heapMb: heapMb(), timers: timers() };
    process.stdout.write(
      `${LEGS} legs (${[...kinds].map(([kind, count]) => `${kind} ${count}`).join(', ')}): heap ${before.heapMb.toFixed(1)} → ${after.heapMb.toFixed(1)} MB, timers ${before.timers} → ${after.timers}\n`,
    );
    expect([...kinds.keys()].sort()).toEqual(expect.arrayContaining(['connection', 'quoted', 'timeout']));
    expect(after.timers).toBeLessThanOrEqual(before.timers + 3);
    expect(after.heapMb).toBeLessThanOrEqual(before.heapMb + 8);
  },
  TEST_MS,
);
