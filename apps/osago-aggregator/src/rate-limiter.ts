/** The rate of calls to one insurer, shared by all pods: one number in Redis, by Redis' own clock. */
import { type Rate, reserveCall } from '@osago/quotes';
import type { Clock } from '@osago/service-kit';
import type { RedisStore } from './redis-store.ts';

/** The sum of `reserveCall` in libs/quotes/src/rate-budget.ts, in microseconds as integers. Returns -1 for "not in time". */
const RESERVE = `
  local time = redis.call('TIME')
  local now = time[1] * 1000000 + time[2]
  local interval = tonumber(ARGV[1])
  local whole = math.max(tonumber(redis.call('GET', KEYS[1]) or 0), now) + interval
  local delay = math.max(0, whole - tonumber(ARGV[2]) * interval - now)
  if delay > tonumber(ARGV[3]) then return -1 end
  redis.call('SET', KEYS[1], string.format('%.0f', whole), 'PX', math.ceil((whole - now) / 1000) + 1000)
  return math.ceil(delay)`;

export class RateLimiter {
  readonly #redis: Pick<RedisStore, 'script'>;
  readonly #clock: Clock;
  readonly #key: string;
  readonly #rate: Rate;
  /** For when Redis is away: this pod keeps the rate by itself. */
  #wholeAtMs = 0;

  constructor(deps: { redis: Pick<RedisStore, 'script'>; clock: Clock }, insurerId: string, rate: Rate) {
    this.#redis = deps.redis;
    this.#clock = deps.clock;
    this.#key = `osago:rate:${insurerId}`;
    this.#rate = rate;
  }

  /** How long to wait before one call; undefined when that is longer than `waitMsMax`: then nothing is reserved. */
  async reserve(waitMsMax: number): Promise<number | undefined> {
    const { perSecond, burst } = this.#rate;
    const intervalUs = Math.ceil(1_000_000 / perSecond);
    const delayUs = await this.#redis.script<number>(RESERVE, this.#key, [
      intervalUs,
      burst,
      Math.max(0, Math.floor(waitMsMax * 1_000)),
    ]);
    if (delayUs !== undefined) return delayUs < 0 ? undefined : delayUs / 1_000;
    const local = reserveCall(this.#wholeAtMs, this.#rate, this.#clock.nowMs(), waitMsMax);
    this.#wholeAtMs = local.wholeAtMs;
    return local.delayMs;
  }
}
