/**
 * Redis, which only speeds recovery: a command that fails or is slow answers `undefined`, is counted, and the caller goes
 * on without it. Scripts run by their hash.
 */
import { createHash } from 'node:crypto';
import { Counter, type Log, type Registry } from '@osago/service-kit';
import { Redis } from 'ioredis';

const COMMAND_TIMEOUT_MS = 500;
const LOG_EVERY_MS = 5_000;

export class RedisStore {
  readonly #redis: Redis;
  readonly #log: Log;
  readonly #failures: Counter;
  readonly #hashes = new Map<string, string>();
  #loggedAtMs = 0;

  constructor(deps: { log: Log; metrics: Registry }, url: string) {
    this.#log = deps.log;
    this.#failures = new Counter({
      name: 'osago_redis_failures_total',
      help: 'Redis commands that failed; the work went on without them',
      registers: [deps.metrics],
    });
    this.#redis = new Redis(url, {
      commandTimeout: COMMAND_TIMEOUT_MS,
      maxRetriesPerRequest: 0,
      enableOfflineQueue: false,
      retryStrategy: (tries) => Math.min(100 * tries, 2_000),
    });
    this.#redis.on('error', (error) => {
      this.#failed(error);
    });
  }

  #failed(error: unknown): void {
    this.#failures.inc();
    const nowMs = performance.now();
    if (nowMs - this.#loggedAtMs < LOG_EVERY_MS) return;
    this.#loggedAtMs = nowMs;
    this.#log.warn({ error }, 'redis failed; runs go on without stored state');
  }

  /** Runs a Lua script on one key. Undefined when Redis could not do it. */
  async script<T>(lua: string, key: string, args: readonly (string | number)[]): Promise<T | undefined> {
    const hash = this.#hashes.get(lua) ?? createHash('sha1').update(lua).digest('hex');
    this.#hashes.set(lua, hash);
    try {
      return (await this.#redis.evalsha(hash, 1, key, ...args)) as T;
    } catch (error) {
      if (!(error as Error).message.startsWith('NOSCRIPT')) {
        this.#failed(error);
        return undefined;
      }
    }
    try {
      return (await this.#redis.eval(lua, 1, key, ...args)) as T;
    } catch (error) {
      this.#failed(error);
      return undefined;
    }
  }

  close(): Promise<void> {
    this.#redis.disconnect();
    return Promise.resolve();
  }
}
