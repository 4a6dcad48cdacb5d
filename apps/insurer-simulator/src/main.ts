/** Ten insurers in one process. */
import { join } from 'node:path';
import { ruleSettings } from '@osago/quotes';
import { createLog, loadConfig, runUntilStopped, startMain, systemClock } from '@osago/service-kit';
import { SimulatorConfig } from './config.ts';
import { loadProfiles } from './profile.ts';
import { createSimulator, simulatorService } from './server.ts';

/** Nothing needs to drain: open calls are cut. */
const STOP_TIMEOUT_MS = 2_000;

startMain(async () => {
  const config = loadConfig(SimulatorConfig, process.env);
  const log = createLog('insurer-simulator', config.LOG_LEVEL);
  const profiles = loadProfiles(config.PROFILES_FILE || join(import.meta.dirname, '..', 'profiles.yaml'));
  const server = createSimulator(systemClock, { profiles, seed: config.SEED, speed: config.SPEED, rules: ruleSettings(config) });
  await runUntilStopped([simulatorService(server, log, { port: config.PORT })], {
    log,
    stopTimeoutMs: STOP_TIMEOUT_MS,
  });
});
