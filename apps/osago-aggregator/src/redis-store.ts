/**
 * Redis, one server or a cluster, which only speeds recovery: what it cannot do answers `undefined`, is counted, and the
 * caller goes on without it. Scripts run by their hash. Nobody waits for what is away (`redis-circuit.ts`): on a cluster
 * the loss of a node is a matter of the partitions and insurers that it has.
 */
import { createHash } from 'node:crypto';
import { Counter, Gauge, type Log, redisCluster, type RedisCluster, type Registry } from '@osago/service-kit';
import { Cluster, Redis, ReplyError } from 'ioredis';
import { RedisCircuit } from './redis-circuit.ts';

const COMMAND_TIMEOUT_MS = 500;
const LOG_EVERY_MS = 5_000;

export class RedisStore {
  readonly #redis: Redis | Cluster;
  readonly #log: Log;
  readonly #failures: Counter;
  readonly #away: Gauge;
  readonly #hashes = new Map<string, string>();
  /** One, or one for each hash tag of a cluster. */
  readonly #circuits = new Map<string, RedisCircuit>();
  #isSaidAway = false;
  #isGathering = false;
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
    const cluster = redisCluster(url);
    this.#redis = cluster === undefined ? connectServer(url) : connectCluster(cluster);
    this.#redis.on('error', (error) => {
      this.#failed(error, [...this.#circuits.values()]);
    });
    this.#redis.on('ready', () => {
      for (const circuit of this.#circuits.values()) circuit.check();
    });
    if (cluster === undefined) this.#circuitOf(ONE_SERVER);
  }

  /** For how long Redis has done nothing with that key, or with some key, that it was asked; 0 while it does. */
  awayForMs(key?: string): number {
    const circuits = key === undefined ? [...this.#circuits.values()] : [this.#circuitOf(key)];
    return Math.max(0, ...circuits.map((circuit) => circuit.awayForMs()));
  }

  #circuitOf(key: string): RedisCircuit {
    const redis = this.#redis;
    const name = redis instanceof Cluster ? hashTagOf(key) : ONE_SERVER;
    const known = this.#circuits.get(name);
    if (known !== undefined) return known;
    const circuit = new RedisCircuit({
      // Commands of a connection are answered in order: an answer means that no older one hangs.
      probe: () => (redis instanceof Cluster ? redis.eval('return 1', 1, key) : redis.ping()),
      onChange: () => this.#show(),
      isAway: redis.status !== 'ready',
    });
    this.#circuits.set(name, circuit);
    return circuit;
  }

  #show(): void {
    const circuits = [...this.#circuits.values()];
    this.#away.set(circuits.some(({ isFailing }) => isFailing) ? 1 : 0);
    const isAway = circuits.some((circuit) => circuit.isAway);
    if (this.#isSaidAway && !isAway) this.#log.info({}, 'redis answers');
    this.#isSaidAway = isAway;
  }

  #failed(error: unknown, circuits: readonly RedisCircuit[]): void {
    this.#failures.inc();
    for (const circuit of circuits) circuit.failed({ isSilent: !(error instanceof ReplyError) });
    const nowMs = performance.now();
    if (nowMs - this.#loggedAtMs < LOG_EVERY_MS) return;
    this.#loggedAtMs = nowMs;
    this.#log.warn({ error }, 'redis failed; runs go on without stored state');
  }

  /** Runs a Lua script. Its keys must share a slot. Undefined when Redis could not do it; at once while it is away. */
  async script<T>(lua: string, keys: string | readonly string[], args: readonly (string | number)[]): Promise<T | undefined> {
    const all = typeof keys === 'string' ? [keys] : keys;
    const circuit = this.#circuitOf(all[0] ?? ONE_SERVER);
    if (circuit.isAway) {
      this.#failures.inc();
      return undefined;
    }
    const hash = this.#hashOf(lua);
    this.#gather();
    try {
      const reply = await this.#run(hash, lua, all, args);
      circuit.succeeded();
      return reply as T;
    } catch (error) {
      this.#failed(error, [circuit]);
      return undefined;
    }
  }

  #hashOf(lua: string): string {
    const known = this.#hashes.get(lua);
    if (known !== undefined) return known;
    const hash = createHash('sha1').update(lua).digest('hex');
    this.#hashes.set(lua, hash);
    return hash;
  }

  async #run(hash: string, lua: string, keys: readonly string[], args: readonly (string | number)[]): Promise<unknown> {
    try {
      return await this.#redis.evalsha(hash, keys.length, ...keys, ...args);
    } catch (error) {
      if (!(error as Error).message.startsWith('NOSCRIPT')) throw error;
      return this.#redis.eval(lua, keys.length, ...keys, ...args);
    }
  }

  /**
   * A write to the socket costs more than a script: those of one turn of the event loop go together. Ioredis can do that
   * too (`enableAutoPipelining`), for about as much CPU as it saves where most turns have one script.
   */
  #gather(): void {
    if (this.#isGathering || this.#redis instanceof Cluster) return;
    const { stream } = this.#redis;
    this.#isGathering = true;
    stream.cork();
    setImmediate(() => {
      this.#isGathering = false;
      stream.uncork();
    });
  }

  close(): Promise<void> {
    for (const circuit of this.#circuits.values()) circuit.close();
    this.#redis.disconnect();
    return Promise.resolve();
  }
}

/** The name of the circuit where there is one for all keys. */
const ONE_SERVER = '';

/** What decides the slot of a key, by the specification of the cluster. */
const hashTagOf = (key: string): string => /\{([^}]+)\}/.exec(key)?.[1] ?? key;

const retryStrategy = (tries: number): number => Math.min(100 * tries, 2_000);

const connectServer = (url: string): Redis =>
  new Redis(url, { commandTimeout: COMMAND_TIMEOUT_MS, maxRetriesPerRequest: 0, enableOfflineQueue: false, retryStrategy });

/** Redirections are followed for about as long as an answer is waited for. */
const connectCluster = ({ nodes, isSecure, ...user }: RedisCluster): Cluster =>
  new Cluster([...nodes], {
    enableOfflineQueue: false,
    enableAutoPipelining: true,
    maxRedirections: 4,
    // Then a node says so itself, at once.
    retryDelayOnClusterDown: 0,
    clusterRetryStrategy: retryStrategy,
    redisOptions: { ...user, commandTimeout: COMMAND_TIMEOUT_MS, ...(isSecure && { tls: {} }) },
  });
