/** Composition root of osago-aggregator: the only file that names real adapters and reads the environment. */
import { InsurersFile } from '@osago/contracts';
import { createEventBus, DeadLetters } from '@osago/event-bus';
import {
  createLog,
  createMetrics,
  loadConfig,
  loadKeyring,
  loadYamlFile,
  privateServer,
  runUntilStopped,
  startMain,
  systemClock,
} from '@osago/service-kit';
import { Aggregator } from './aggregator.ts';
import { AggregatorConfig } from './config.ts';
import { createInsurers } from './insurers.ts';
import { Publisher } from './publisher.ts';
import { RedisStore } from './redis-store.ts';
import { RunStore } from './run-store.ts';
import { createAgent } from './standard-insurer.ts';

startMain(async () => {
  const config = loadConfig(AggregatorConfig, process.env);
  const settings = loadYamlFile(InsurersFile, config.INSURERS_FILE, process.env);
  const log = createLog('osago-aggregator', config.LOG_LEVEL);
  const metrics = createMetrics('osago-aggregator');
  for (const { insurer_id, cache_hours } of settings) {
    if (cache_hours > 0) log.warn({ insurer_id }, 'cache_hours is above 0: this version caches nothing');
  }
  const clock = systemClock;
  const bus = await createEventBus(
    { log },
    {
      client: config.EVENT_BUS_CLIENT,
      brokers: config.KAFKA_BROKERS.split(','),
      clientId: config.POD_NAME,
    },
  );
  const redis = new RedisStore({ log, metrics }, config.REDIS_URL);
  const agent = createAgent(settings);
  const aggregator = new Aggregator(
    {
      bus,
      deadLetters: new DeadLetters({ bus, clock, log, metrics }, { source: '/osago/osago-aggregator' }),
      insurers: createInsurers({ agent, redis, clock, metrics }, settings),
      publisher: new Publisher({ bus, log, metrics }),
      runStore: new RunStore(redis),
      logKeys: await loadKeyring(config.LOG_KEYS_FILE),
      clock,
      log,
      metrics,
    },
    { runsMax: config.RUNS_MAX },
  );
  const ready = { group: () => aggregator.readiness() };
  await runUntilStopped(
    [aggregator, privateServer({ log, metrics }, { port: config.PRIVATE_PORT, live: {}, ready })],
    { log, stopTimeoutMs: config.STOP_TIMEOUT_MS, closeLast: [bus, redis, { close: () => agent.destroy() }] },
  );
});
