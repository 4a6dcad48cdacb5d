/** Test kit: a whole core-app in this process, on real parts. */
import type { InsurerSettings } from '@osago/contracts';
import { STREAMS_OPTIONS } from './testing-api.ts';
import { createKafkajsEventBus, type EventBus, type LogRecord } from '@osago/event-bus';
import { freePort } from '@osago/local-parts';
import { createMetrics, runServices, systemClock } from '@osago/service-kit';
import pg from 'pg';
import { createCoreApp } from './core-app.ts';
import { type Cleanup, type LogLine, rememberingLog, until } from './testing-events.ts';
import { fetchAll } from './testing-http.ts';
import type { TestKeys } from './testing-parts.ts';

type LogReader = 'feed' | 'archive';

/** Holds back what a pod reads from the log: its feed, its part of the archive, or both. */
export class LogGate {
  /** What came for those that are held. */
  readonly #held = new Map<LogReader, (() => void)[]>();

  hold(...readers: LogReader[]): void {
    for (const reader of readers) this.#held.set(reader, this.#held.get(reader) ?? []);
  }

  /** Hands over what came meanwhile, in its order. */
  release(...readers: LogReader[]): void {
    for (const reader of readers) {
      const waiting = this.#held.get(reader) ?? [];
      this.#held.delete(reader);
      for (const read of waiting) read();
    }
  }

  around(bus: EventBus): EventBus {
    const passed =
      (reader: LogReader, read: (record: LogRecord) => void) =>
      (record: LogRecord): void => {
        const waiting = this.#held.get(reader);
        if (waiting) waiting.push(() => read(record));
        else read(record);
      };
    return {
      ...bus,
      tail: (options, onRecord) => bus.tail(options, passed('feed', onRecord)),
      subscribe: (options, handlers) =>
        bus.subscribe(options, { ...handlers, onRecord: passed('archive', (record) => handlers.onRecord(record)) }),
    };
  }
}

export interface PodOptions {
  name: string;
  databaseUrl: string;
  brokers: readonly string[];
  keys: TestKeys;
  insurers: readonly InsurerSettings[];
  /** Where nobody answers, unless the test is about it. */
  redisUrl?: string;
  gate?: LogGate;
}

export interface TestPod {
  origin: string;
  privateOrigin: string;
  lines: readonly LogLine[];
  /** As SIGTERM does; resolves when all of it has stopped. */
  stop: () => Promise<void>;
}

/** Resolves when it is ready. */
export const startPod = async (cleanup: Cleanup, options: PodOptions): Promise<TestPod> => {
  const { name, databaseUrl, brokers, keys, insurers, redisUrl = 'redis://127.0.0.1:1', gate = new LogGate() } = options;
  const log = rememberingLog();
  const bus = gate.around(createKafkajsEventBus({ log }, { brokers, clientId: name }));
  const pool = new pg.Pool({ connectionString: databaseUrl, max: 8 });
  pool.on('error', () => undefined);
  const [port, privatePort] = [await freePort(), await freePort()];
  const services = createCoreApp(
    {
      bus,
      pool,
      logKeys: keys.log,
      storeKeys: keys.store,
      accessSecrets: keys.access,
      insurers,
      clock: systemClock,
      log,
      metrics: createMetrics('core-app'),
      random: Math.random,
    },
    { port, privatePort, podName: name, redisUrl, streams: STREAMS_OPTIONS, webDir: undefined },
  );
  const stopped = new AbortController();
  const closeLast = [bus, { close: () => pool.end() }];
  const running = runServices(services, { log, stopTimeoutMs: 15_000, closeLast, stop: stopped.signal });
  const stop = async (): Promise<void> => {
    stopped.abort();
    await running;
  };
  cleanup.add(stop);
  const privateOrigin = `http://127.0.0.1:${privatePort}`;
  await until(async () => {
    const ready = await fetchAll(`${privateOrigin}/health/ready`).catch(() => undefined);
    return ready?.status === 200;
  }, 30_000);
  return { origin: `http://127.0.0.1:${port}`, privateOrigin, lines: log.lines, stop };
};
