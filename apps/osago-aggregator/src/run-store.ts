/**
 * In-flight runs in Redis: one hash a run, a field a leg. The fence only grows with each holder, and a holder writes
 * nothing once there is a newer one. Holds no personal data. The hash tag is the partition, so that on a cluster a run and
 * what else its partition has share a slot.
 */
import type { LegRun, RunState } from '@osago/quotes';
import type { RedisStore } from './redis-store.ts';

/** Longer than any deadline, outage and rebalance together; then Kafka has nothing of the run to redeliver either. */
const TTL_S = 3 * 3_600;

const CLAIM = `
  local time = redis.call('TIME')
  local fence = math.max(tonumber(redis.call('HGET', KEYS[1], 'fence') or 0) + 1,
                         time[1] * 1000 + math.floor(time[2] / 1000))
  redis.call('HSET', KEYS[1], 'fence', string.format('%.0f', fence))
  redis.call('EXPIRE', KEYS[1], ARGV[1])
  return redis.call('HGETALL', KEYS[1])`;

/** A holder whose claim Redis never saw, or has lost, is the newest when its fence is the highest. */
const SAVE = `
  if tonumber(redis.call('HGET', KEYS[1], 'fence') or 0) > tonumber(ARGV[1]) then return 0 end
  redis.call('HSET', KEYS[1], 'fence', ARGV[1])
  for at = 3, #ARGV, 2 do redis.call('HSET', KEYS[1], ARGV[at], ARGV[at + 1]) end
  redis.call('EXPIRE', KEYS[1], ARGV[2])
  return 1`;

export interface Claim {
  fence: number;
  /** The legs that a former holder stored, by insurer. */
  legs: ReadonlyMap<string, LegRun>;
}

const LEG_FIELD = 'leg:';

export class RunStore {
  readonly #redis: Pick<RedisStore, 'script'>;

  constructor(redis: Pick<RedisStore, 'script'>) {
    this.#redis = redis;
  }

  #key(partition: number, requestId: string): string {
    return `osago:{p${partition}}:run:${requestId}`;
  }

  /** Becomes the newest holder of the run. Undefined when Redis is away. */
  async claim(partition: number, requestId: string): Promise<Claim | undefined> {
    const reply = await this.#redis.script<string[]>(CLAIM, this.#key(partition, requestId), [TTL_S]);
    if (reply === undefined) return undefined;
    const fields = new Map<string, string>();
    for (let at = 0; at + 1 < reply.length; at += 2) fields.set(reply[at] ?? '', reply[at + 1] ?? '');
    const legs = new Map<string, LegRun>();
    for (const [name, text] of fields) {
      if (name.startsWith(LEG_FIELD)) {
        const leg = JSON.parse(text) as LegRun;
        legs.set(leg.insurer_id, leg);
      }
    }
    return { fence: Number(fields.get('fence')), legs };
  }

  /** False when a newer holder has the run: this one must end. True also when Redis is away. */
  async save(partition: number, { request_id, fence }: RunState, legs: readonly LegRun[]): Promise<boolean> {
    const fields = legs.flatMap((leg) => [`${LEG_FIELD}${leg.insurer_id}`, JSON.stringify(leg)]);
    const saved = await this.#redis.script<number>(SAVE, this.#key(partition, request_id), [
      String(fence),
      TTL_S,
      ...fields,
    ]);
    return saved !== 0;
  }
}
