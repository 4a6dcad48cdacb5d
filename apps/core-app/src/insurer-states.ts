/**
 * How insurers are, as the aggregator's pods say in Redis each second. Redis away, or nothing said lately: `unknown`.
 * Nothing else of core-app needs Redis, so it may be away for as long as it likes.
 */
import { checker, INSURER_STATE_KEY, INSURER_STATE_STALE_MS, InsurerState, type InsurersReply } from '@osago/contracts';
import type { Clock, Log, Service } from '@osago/service-kit';
import { Redis } from 'ioredis';

type State = InsurersReply['insurers'][number]['state'];

const ANSWER_MS = 500;
/** The pods write each second: reading it more often says nothing new, however many ask. */
const FRESH_MS = 1_000;
const RECONNECT_MS_MAX = 5_000;

const check = checker(InsurerState);

export class InsurerStates implements Service {
  readonly name = 'insurer-states';
  readonly #redis: Redis;
  readonly #clock: Clock;
  #states: Promise<ReadonlyMap<string, State>> | undefined;
  #readAtMs = Number.NEGATIVE_INFINITY;

  constructor({ clock, log }: { clock: Clock; log: Log }, { redisUrl }: { redisUrl: string }) {
    this.#clock = clock;
    this.#redis = new Redis(redisUrl, {
      lazyConnect: true,
      commandTimeout: ANSWER_MS,
      maxRetriesPerRequest: 0,
      enableOfflineQueue: false,
      retryStrategy: (times) => Math.min(times * 200, RECONNECT_MS_MAX),
    });
    this.#redis.on('error', (error: Error) => log.debug({ error }, 'redis is away: insurers are unknown'));
  }

  async run(signal: AbortSignal): Promise<void> {
    // It goes on trying by itself.
    await this.#redis.connect().catch(() => undefined);
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

const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};
