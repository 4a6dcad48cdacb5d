/**
 * A pod of osago-aggregator in a process of bench:aggregator: put together from the same parts as `main.ts`, with the way
 * to poll that is compared. Counts what it asks of Redis, its CPU time, and profiles itself.
 */
import { randomUUID } from 'node:crypto';
import type { InsurerSettings } from '@osago/contracts';
import { createEventBus, DeadLetters } from '@osago/event-bus';
import { createLog, createMetrics, loadKeyring, systemClock } from '@osago/service-kit';
import { Aggregator } from '../apps/osago-aggregator/src/aggregator.ts';
import { LEASE } from '../apps/osago-aggregator/src/call-budget-scripts.ts';
import { InsurerControls } from '../apps/osago-aggregator/src/insurer-controls.ts';
import { createAgent } from '../apps/osago-aggregator/src/insurer-http.ts';
import { InsurerOperations } from '../apps/osago-aggregator/src/insurer-operations.ts';
import { createInsurers } from '../apps/osago-aggregator/src/insurers.ts';
import { Publisher } from '../apps/osago-aggregator/src/publisher.ts';
import { RedisStore } from '../apps/osago-aggregator/src/redis-store.ts';
import { BEAT, CLAIM, SAVE } from '../apps/osago-aggregator/src/run-scripts.ts';
import { RunStore } from '../apps/osago-aggregator/src/run-store.ts';
import { ServerClock } from '../apps/osago-aggregator/src/server-clock.ts';
import { type InsurersSettings, marketOf } from './aggregator-market.ts';
import { ComparedPolling, EvenPolling, type Polling, teach } from './aggregator-plans.ts';
import { answerQuestions, settingsOf } from './aggregator-process.ts';
import { startProfile, stopProfile } from './aggregator-profile.ts';

export interface PodSettings {
  brokers: string[];
  redisUrl: string;
  keysFile: string;
  settings: InsurerSettings[];
  insurers: InsurersSettings;
  /** Every so often; or several ways to poll at the same time. */
  polling: { everyMs: number } | { compared: Polling[]; lessons: number };
}

export interface Spent {
  cpuUs: number;
  /** Scripts that Redis was asked to run, by what they do. */
  scripts: Record<string, number>;
}

const RUNS_MAX = 5_000;
const SCRIPTS: ReadonlyMap<string, string> = new Map([[LEASE, 'lease'], [SAVE, 'save'], [CLAIM, 'claim'], [BEAT, 'beat']]);

const name = `pod-${process.pid}`;
const { brokers, redisUrl, keysFile, settings, insurers: simulated, polling } = settingsOf() as PodSettings;
const log = createLog(name, 'error');
const metrics = createMetrics(name);
const clock = new ServerClock({ clock: systemClock, log, metrics });
const bus = await createEventBus({ log }, { brokers, clientId: name });
const store = new RedisStore({ log, metrics }, redisUrl);
/** By their text: to name them by each call would be measured too. */
const scripts = new Map<string, number>();
const redis: Pick<RedisStore, 'script' | 'awayForMs'> = {
  awayForMs: () => store.awayForMs(),
  script: (lua, keys, args) => {
    scripts.set(lua, (scripts.get(lua) ?? 0) + 1);
    return store.script(lua, keys, args);
  },
};
const scriptsByKind = (): Record<string, number> => {
  const counts: Record<string, number> = {};
  for (const [lua, count] of scripts) {
    const kind = SCRIPTS.get(lua) ?? 'other';
    counts[kind] = (counts[kind] ?? 0) + count;
  }
  return counts;
};
const pod = `${name}:${randomUUID()}`;
const agent = createAgent(settings);
const profiles = marketOf(simulated);
/** What it has learned before counts for nothing else. */
const taught = (ways: Polling[], lessons: number): ComparedPolling => {
  const one = new ComparedPolling(ways);
  teach(one, profiles, { insurers: simulated, count: lessons, callMs: (profiles[0]?.call_ms ?? 0) / simulated.speed });
  one.counts.clear();
  return one;
};
const learning = 'compared' in polling ? taught(polling.compared, polling.lessons) : new EvenPolling(polling.everyMs);
const insurers = createInsurers({ agent, redis, clock, metrics, learning }, settings, { pod });
const controls = new InsurerControls(redis);
const operations = new InsurerOperations({ controls, learning, gates: insurers.gates, clock, log }, settings);
const aggregator = new Aggregator(
  {
    bus,
    deadLetters: new DeadLetters({ bus, clock, log, metrics }, { source: '/osago/osago-aggregator' }),
    insurers: insurers.byId,
    publisher: new Publisher({ bus, log, metrics }),
    runStore: new RunStore(redis, pod),
    names: new Map(settings.map((one) => [one.insurer_id, one.name])),
    logKeys: await loadKeyring(keysFile),
    clock,
    log,
    metrics,
  },
  { runsMax: RUNS_MAX },
);
const stop = new AbortController();
const running = Promise.all([aggregator.run(stop.signal), operations.run(stop.signal)]);

answerQuestions({
  isReady: () => aggregator.readiness() === undefined && store.awayForMs() === 0,
  spent: (): Spent => {
    const { user, system } = process.cpuUsage();
    return { cpuUs: user + system, scripts: scriptsByKind() };
  },
  polls: () => (learning instanceof ComparedPolling ? [...learning.counts] : []),
  profile: startProfile,
  profiled: stopProfile,
  stop: async () => {
    stop.abort();
    await running;
    await insurers.close();
    await bus.close();
    await store.close();
    await agent.destroy();
  },
});
