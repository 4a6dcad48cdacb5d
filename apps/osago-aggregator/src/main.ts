/** Composition root of osago-aggregator: the only file that names real adapters and reads the environment. */
import { randomUUID } from 'node:crypto';
import { InsurersFile } from '@osago/contracts';
import { createEventBus, DeadLetters } from '@osago/event-bus';
import { ruleSettings } from '@osago/quotes';
import {
  createLog,
  createMetrics,
  loadConfig,
  loadKeyring,
  loadSecrets,
  loadYamlFile,
  privateServer,
  runUntilStopped,
  startMain,
  systemClock,
} from '@osago/service-kit';
import { Aggregator } from './aggregator.ts';
import { AggregatorConfig } from './config.ts';
import { InsurerControls } from './insurer-controls.ts';
import { InsurerOperations } from './insurer-operations.ts';
import { createInsurers } from './insurers.ts';
import { operatorCalls } from './operator-api.ts';
import { PollLearning } from './poll-learning.ts';
import { Publisher } from './publisher.ts';
import { RedisStore } from './redis-store.ts';
import { RunStore } from './run-store.ts';
import { ServerClock } from './server-clock.ts';
import { createAgent } from './insurer-http.ts';

startMain(async () => {
  const config = loadConfig(AggregatorConfig, process.env);
  const settings = loadYamlFile(InsurersFile, config.INSURERS_FILE, process.env);
  const log = createLog('osago-aggregator', config.LOG_LEVEL);
  const metrics = createMetrics('osago-aggregator');
  const clock = new ServerClock({ clock: systemClock, log, metrics });
  const bus = await createEventBus(
    { log },
    {
      client: config.EVENT_BUS_CLIENT,
      brokers: config.KAFKA_BROKERS.split(','),
      clientId: config.POD_NAME,
    },
  );
  const redis = new RedisStore({ log, metrics }, config.REDIS_URL);
  const pod = `${config.POD_NAME}:${randomUUID()}`;
  const agent = createAgent(settings);
  const learning = new PollLearning(config.POLL_EVERY_MS);
  const cacheKey = config.CACHE_KEYS_FILE === '' ? undefined : [...loadSecrets(config.CACHE_KEYS_FILE).values()][0];
  const rules = ruleSettings(config);
  const around = { agent, redis, clock, metrics, learning, rules, ...(cacheKey !== undefined && { cacheKey }) };
  const insurers = createInsurers(around, settings, { pod });
  const controls = new InsurerControls(redis);
  const operations = new InsurerOperations({ controls, learning, gates: insurers.gates, clock, log }, settings);
  const aggregator = new Aggregator(
    {
      bus,
      deadLetters: new DeadLetters({ bus, clock, log, metrics }, { source: '/osago/osago-aggregator' }),
      insurers: insurers.byId,
      publisher: new Publisher({ bus, log, metrics }),
      runStore: new RunStore(redis, pod),
      names: new Map(settings.map(({ insurer_id, name }) => [insurer_id, name])),
      logKeys: await loadKeyring(config.LOG_KEYS_FILE),
      clock,
      log,
      metrics,
      rules,
    },
    { runsMax: config.RUNS_MAX },
  );
  const ready = { group: () => aggregator.readiness() };
  await runUntilStopped(
    [
      aggregator,
      operations,
      privateServer(
        { log, metrics },
        { port: config.PRIVATE_PORT, live: {}, ready, operatorCalls: operatorCalls(operations) },
      ),
    ],
    { log, stopTimeoutMs: config.STOP_TIMEOUT_MS, closeLast: [bus, insurers, redis, { close: () => agent.destroy() }] },
  );
});
