/**
 * The life cycle of a process. This is the only file that touches signals and exit codes.
 *
 * `run` is called once. It resolves after `signal` aborted and the service has drained, and rejects when the service
 * cannot go on; then everything else is stopped and the process ends with code 1, for its supervisor to start it again.
 */
import type { Log } from './log.ts';

export interface Service {
  readonly name: string;
  run(signal: AbortSignal): Promise<void>;
}

/** Something that is closed once nothing uses it any more: a pool, a producer. */
export interface Closeable {
  close(): Promise<void>;
}

export interface RunOptions {
  log: Log;
  /** From the first request to stop until the exit is forced. */
  stopTimeoutMs: number;
  /** Closed in this order after all services have stopped. */
  closeLast?: readonly Closeable[];
  /** Aborting it asks to stop, as SIGTERM does; for tests. */
  stop?: AbortSignal;
}

export type RunResult = 'stopped' | 'failed';

/**
 * Runs all services until the first one ends or `stop` aborts; then stops them in the given order, each after the
 * former has drained (user-facing ones first), and closes `closeLast`. Never rejects.
 */
export const runServices = async (
  services: readonly Service[],
  { log, closeLast = [], stop }: RunOptions,
): Promise<RunResult> => {
  let result: RunResult = 'stopped';
  const running = services.map((service) => {
    const abort = new AbortController();
    const start = async (): Promise<void> => service.run(abort.signal);
    const ended = start().then(
      () => {
        if (abort.signal.aborted) return;
        result = 'failed';
        log.error({ service: service.name }, 'service ended without being asked to');
      },
      (error: unknown) => {
        result = 'failed';
        log.error({ service: service.name, error }, 'service failed');
      },
    );
    return { service, abort, ended };
  });
  const asked = new Promise<void>((resolve) => {
    if (stop?.aborted) resolve();
    stop?.addEventListener('abort', () => resolve(), { once: true });
  });
  await Promise.race([asked, ...running.map(({ ended }) => ended)]);
  for (const { service, abort, ended } of running) {
    abort.abort();
    await ended;
    log.debug({ service: service.name }, 'service stopped');
  }
  for (const closeable of closeLast) {
    try {
      await closeable.close();
    } catch (error) {
      result = 'failed';
      log.error({ error }, 'could not close');
    }
  }
  return result;
};

/** {@link runServices} for `main.ts`: SIGTERM and SIGINT stop it, as does the end of the process that started it. */
export const runUntilStopped = async (
  services: readonly Service[],
  options: Omit<RunOptions, 'stop'>,
): Promise<never> => {
  const { log, stopTimeoutMs } = options;
  const stop = new AbortController();
  const ask = (signal: string): void => {
    if (stop.signal.aborted) return;
    log.info({ signal }, 'stopping');
    setTimeout(() => {
      log.error({}, 'did not stop in time; exit is forced');
      process.exit(1);
    }, stopTimeoutMs).unref();
    stop.abort();
  };
  process.on('SIGTERM', ask);
  process.on('SIGINT', ask);
  process.once('disconnect', () => ask('disconnect'));
  const result = await runServices(services, { ...options, stop: stop.signal });
  log.info({ status: result }, 'stopped');
  process.exit(result === 'stopped' ? 0 : 1);
};

/** For `main.ts`: a configuration error is one readable message and exit code 2, without a stack. */
export const startMain = (main: () => Promise<void>): void => {
  main().catch((error: unknown) => {
    const isConfig = error instanceof Error && error.name === 'ConfigError';
    process.stderr.write(`${isConfig ? error.message : String((error as Error | undefined)?.stack ?? error)}\n`);
    process.exit(isConfig ? 2 : 1);
  });
};
