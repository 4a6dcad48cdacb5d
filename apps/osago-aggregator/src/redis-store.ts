/**
 * Redis, which only speeds recovery: what it cannot do answers `undefined`, is counted, and the caller goes on without
 * it. Scripts run by their hash. Once a command got no answer, Redis counts as away and nobody waits for it any more: a
 * probe in the background finds out when it is back.
 */
import { createHash } from 'node:crypto';
import { Counter, Gauge, type Log, type Registry } from '@osago/service-kit';
import { Redis, ReplyError } from 'ioredis';

const COMMAND_TIMEOUT_MS = 500;
const PROBE_EVERY_MS = 200;
const LOG_EVERY_MS = 5_000;

export class RedisStore {
  readonly #redis: Redis;
  readonly #log: Log;
  readonly #failures: Counter;
  readonly #away: Gauge;
  readonly #hashes = new Map<string, string>();
  /** Nothing is asked but the probe. Until the first answer it is away. */
  #isAway = true;
  /** Since when no script has succeeded: it is away, or answers with errors (a replica that may not write, no memory). */
  #failingSinceMs: number | undefined = performance.now();
  #probe: NodeJS.Timeout | undefined;
  #isClosed = false;
  #loggedAtMs = -LOG_EVERY_MS;

  constructor(deps: { log: Log; metrics: Registry }, url: string) {
    this.#log = deps.log;
    this.#failures = new Counter({
      name: 'osago_redis_failures_total',
      help: 'Redis commands that failed; the work went on without them',
      registers: [deps.metrics],
    });
    this.#away = new Gauge({
      name: 'osago_redis_away',
      help: '1 while Redis does not answer: runs go on without stored state, each pod keeps the rates by itself',
      registers: [deps.metrics],
    });
    this.#away.set(1);
    this.#redis = new Redis(url, {
      commandTimeout: COMMAND_TIMEOUT_MS,
      maxRetriesPerRequest: 0,
      enableOfflineQueue: false,
      // A write to the socket costs more than a script: those of one turn of the event loop go together.
      enableAutoPipelining: true,
      retryStrategy: (tries) => Math.min(100 * tries, 2_000),
    });
    this.#redis.on('error', (error) => {
      this.#failed(error);
    });
    this.#redis.on('ready', () => void this.#ask());
  }

  /** For how long Redis has done nothing that it was asked; 0 while it does. */
  awayForMs(): number {
    return this.#failingSinceMs === undefined ? 0 : performance.now() - this.#failingSinceMs;
  }

  #failed(error: unknown): void {
    this.#failures.inc();
    this.#failingSinceMs ??= performance.now();
    this.#away.set(1);
    // An error that Redis itself says costs no time: it may be asked again.
    if (!(error instanceof ReplyError)) this.#goneAway();
    const nowMs = performance.now();
    if (nowMs - this.#loggedAtMs < LOG_EVERY_MS) return;
    this.#loggedAtMs = nowMs;
    this.#log.warn({ error }, 'redis failed; runs go on without stored state');
  }

  #goneAway(): void {
    if (this.#isClosed) return;
    this.#isAway = true;
    this.#probe ??= setInterval(() => void this.#ask(), PROBE_EVERY_MS);
  }

  /** Commands of a connection are answered in order: the answer to a PING means that no older one hangs. */
  async #ask(): Promise<void> {
    try {
      await this.#redis.ping();
    } catch {
      return this.#goneAway();
    }
    clearInterval(this.#probe);
    this.#probe = undefined;
    if (!this.#isAway || this.#isClosed) return;
    this.#isAway = false;
    this.#log.info({}, 'redis answers');
  }

  #succeeded(): void {
    if (this.#failingSinceMs !== undefined) this.#away.set(0);
    this.#failingSinceMs = undefined;
  }

  /** Runs a Lua script. Its keys must share a slot. Undefined when Redis could not do it; at once while it is away. */
  async script<T>(lua: string, keys: string | readonly string[], args: readonly (string | number)[]): Promise<T | undefined> {
    if (this.#isAway) {
      this.#failures.inc();
      return undefined;
    }
    const hash = this.#hashes.get(lua) ?? createHash('sha1').update(lua).digest('hex');
    this.#hashes.set(lua, hash);
    const all = typeof keys === 'string' ? [keys] : keys;
    try {
      const reply = await this.#redis
        .evalsha(hash, all.length, ...all, ...args)
        .catch((error: unknown) => {
          if (!(error as Error).message.startsWith('NOSCRIPT')) throw error;
          return this.#redis.eval(lua, all.length, ...all, ...args);
        });
      this.#succeeded();
      return reply as T;
    } catch (error) {
      this.#failed(error);
      return undefined;
    }
  }

  close(): Promise<void> {
    this.#isClosed = true;
    clearInterval(this.#probe);
    this.#redis.disconnect();
    return Promise.resolve();
  }
}
