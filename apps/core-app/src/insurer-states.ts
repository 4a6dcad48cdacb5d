/**
 * How insurers are, as the aggregator's pods say in Redis each second. Redis away, or nothing said lately: `unknown`.
 * Nothing else of core-app needs Redis, so it may be away for as long as it likes.
 */
import { checker, INSURER_STATE_KEY, INSURER_STATE_STALE_MS, InsurerState, type InsurersReply } from '@osago/contracts';
import { type Clock, type Log, redisCluster, type RedisCluster, type Service } from '@osago/service-kit';
import { Cluster, Redis } from 'ioredis';

type State = InsurersReply['insurers'][number]['state'];

const ANSWER_MS = 500;
/** The pods write each second: reading it more often says nothing new, however many ask. */
const FRESH_MS = 1_000;
const RECONNECT_MS_MAX = 5_000;

const check = checker(InsurerState);

export class InsurerStates implements Service {
  readonly name = 'insurer-states';
  readonly #redis: Redis | Cluster;
  readonly #clock: Clock;
  #states: Promise<ReadonlyMap<string, State>> | undefined;
  #readAtMs = Number.NEGATIVE_INFINITY;

  constructor({ clock, log }: { clock: Clock; log: Log }, { redisUrl }: { redisUrl: string }) {
    this.#clock = clock;
    const cluster = redisCluster(redisUrl);
    this.#redis = cluster === undefined ? serverOf(redisUrl) : clusterOf(cluster);
    this.#redis.on('error', (error: Error) => log.debug({ error }, 'redis is away: insurers are unknown'));
  }

  async run(signal: AbortSignal): Promise<void> {
    // It goes on trying by itself; with a cluster that does not answer this never ends.
    void this.#redis.connect().catch(() => undefined);
    await new Promise<void>((resolve) => {
      if (signal.aborted) resolve();
      signal.addEventListener('abort', () => resolve(), { once: true });
    });
    this.#redis.disconnect();
  }

  async stateOf(insurerId: string): Promise<State> {
    const nowMs = this.#clock.nowMs();
    if (this.#states === undefined || nowMs - this.#readAtMs >= FRESH_MS) {
      this.#readAtMs = nowMs;
      this.#states = this.#read();
    }
    return (await this.#states).get(insurerId) ?? 'unknown';
  }

  async #read(): Promise<ReadonlyMap<string, State>> {
    const states = new Map<string, State>();
    const texts = await this.#redis.hvals(INSURER_STATE_KEY).catch((): string[] => []);
    for (const text of texts) {
      const checked = check(parsed(text));
      if (!checked.ok || this.#clock.nowMs() - Date.parse(checked.value.at) > INSURER_STATE_STALE_MS) continue;
      states.set(checked.value.insurer_id, checked.value.state);
    }
    return states;
  }
}

const retryStrategy = (times: number): number => Math.min(times * 200, RECONNECT_MS_MAX);

const serverOf = (url: string): Redis =>
  new Redis(url, { lazyConnect: true, commandTimeout: ANSWER_MS, maxRetriesPerRequest: 0, enableOfflineQueue: false, retryStrategy });

/** Redirections are followed for about as long as an answer is waited for. */
const clusterOf = ({ nodes, isSecure, ...user }: RedisCluster): Cluster =>
  new Cluster([...nodes], {
    lazyConnect: true,
    enableOfflineQueue: false,
    maxRedirections: 4,
    retryDelayOnClusterDown: 0,
    clusterRetryStrategy: retryStrategy,
    redisOptions: { ...user, commandTimeout: ANSWER_MS, ...(isSecure && { tls: {} }) },
  });

const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};
