/** Composition root of core-app: the only file that names real adapters and reads the environment. */
import { resolve } from 'node:path';
import { InsurersFile } from '@osago/contracts';
import { createEventBus } from '@osago/event-bus';
import { ruleSettings } from '@osago/quotes';
import {
  createLog,
  createMetrics,
  loadConfig,
  loadKeyring,
  loadSecrets,
  loadYamlFile,
  runUntilStopped,
  startMain,
  systemClock,
} from '@osago/service-kit';
import { CoreAppConfig } from './config.ts';
import { createCoreApp } from './core-app.ts';
import { PostgresClock } from './postgres-clock.ts';
import { createPostgresPool } from './postgres-pool.ts';

startMain(async () => {
  const config = loadConfig(CoreAppConfig, process.env);
  const log = createLog('core-app', config.LOG_LEVEL);
  const pool = createPostgresPool(
    { log },
    { databaseUrl: config.DATABASE_URL, connectionsMax: config.DATABASE_POOL_MAX },
  );
  const metrics = createMetrics('core-app');
  const clock = new PostgresClock({ clock: systemClock, pool, log, metrics });
  const bus = await createEventBus(
    { log, clock },
    {
      client: config.EVENT_BUS_CLIENT,
      brokers: config.KAFKA_BROKERS.split(','),
      clientId: config.POD_NAME,
    },
  );
  const services = createCoreApp(
    {
      bus,
      pool,
      logKeys: await loadKeyring(config.LOG_KEYS_FILE),
      storeKeys: await loadKeyring(config.STORE_KEYS_FILE),
      accessSecrets: loadSecrets(config.ACCESS_KEYS_FILE),
      insurers: loadYamlFile(InsurersFile, config.INSURERS_FILE, process.env),
      clock,
      log,
      metrics,
      random: Math.random,
      rules: ruleSettings(config),
    },
    {
      port: config.PORT,
      privatePort: config.PRIVATE_PORT,
      podName: config.POD_NAME,
      redisUrl: config.REDIS_URL,
      streams: {
        streamsMax: config.STREAMS_MAX,
        perOwnerMax: config.STREAMS_PER_OWNER_MAX,
        pendingBytesMax: config.STREAM_PENDING_BYTES_MAX,
        pendingBytesSumMax: config.STREAMS_PENDING_BYTES_MAX,
        stalledMs: config.STREAM_STALLED_MS,
        drainMs: config.STREAMS_DRAIN_MS,
      },
      webDir: config.WEB_DIR === undefined ? undefined : resolve(config.WEB_DIR),
    },
  );
  const closePool = { close: () => pool.end() };
  await runUntilStopped([...services, clock], { log, stopTimeoutMs: config.STOP_TIMEOUT_MS, closeLast: [bus, closePool] });
});
