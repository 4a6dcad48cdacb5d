/** The edge as a process: `PODS` is "public|private,…", as origins. */
import { createLog, createMetrics, type LogLevel, privateServer, runUntilStopped, startMain } from '@osago/service-kit';
import { createEdge, edgeService } from './edge.ts';
import { EdgePods, parsePods, watchPods } from './edge-pods.ts';

const STOP_TIMEOUT_MS = 3000;

startMain(async () => {
  const { PORT, PRIVATE_PORT, PODS = '', LOG_LEVEL = 'info' } = process.env;
  const log = createLog('edge', LOG_LEVEL as LogLevel);
  const pods = new EdgePods(parsePods(PODS));
  const ready = { pods: () => (pods.anyReady ? undefined : 'no pod is ready') };
  const services = [
    edgeService(createEdge(pods, log), Number(PORT)),
    watchPods(pods),
    privateServer({ log, metrics: createMetrics('edge') }, { port: Number(PRIVATE_PORT), live: {}, ready }),
  ];
  await runUntilStopped(services, { log, stopTimeoutMs: STOP_TIMEOUT_MS });
});
