/** One registry a process; names start with `osago_`, durations are in seconds as Prometheus wants them. */
import { collectDefaultMetrics, Registry } from 'prom-client';

export { Counter, Gauge, Histogram, type Registry } from 'prom-client';

export const createMetrics = (app: string): Registry => {
  const registry = new Registry();
  registry.setDefaultLabels({ app });
  collectDefaultMetrics({ register: registry });
  return registry;
};
