/**
 * What operators changed, and how each insurer is: in Redis, for all pods, for core-app and for after a restart. A pod
 * keeps what it knew: an emptied Redis gets the changes back from it, without their history.
 */
import {
  checker,
  INSURER_CONTROL_KEY,
  INSURER_HISTORY_MAX,
  INSURER_STATE_KEY,
  type InsurerChange,
  InsurerControl,
  InsurerHistory,
  type InsurerState,
} from '@osago/contracts';
import type { Scripts } from './call-budget.ts';

/** States say nothing after a while; then nobody writes them any more either. */
const STATE_TTL_S = 3_600;

const CHANGE = `
  local id, change, entry, longest = ARGV[1], cjson.decode(ARGV[2]), cjson.decode(ARGV[3]), tonumber(ARGV[4])
  local known = redis.call('HGET', KEYS[1], id)
  local control = known and cjson.decode(known) or { paused = false, limits = {}, breaker = 'auto' }
  if change.paused ~= nil then control.paused = change.paused end
  if change.breaker ~= nil then control.breaker = change.breaker end
  if change.limits == cjson.null then
    control.limits = {}
  elseif change.limits ~= nil then
    for name, value in pairs(change.limits) do control.limits[name] = value end
  end
  local history = cjson.decode(redis.call('HGET', KEYS[1], 'history:' .. id) or '[]')
  table.insert(history, 1, entry)
  while #history > longest do table.remove(history) end
  local encoded = cjson.encode(control)
  redis.call('HSET', KEYS[1], id, encoded, 'history:' .. id, cjson.encode(history))
  return encoded`;

const READ = `return redis.call('HGETALL', KEYS[1])`;
const READ_ONE = `return redis.call('HGET', KEYS[1], ARGV[1]) or ''`;
/** Nothing that is there is overwritten: another pod was quicker, or an operator. */
const RESTORE = `
  for at = 1, #ARGV, 2 do redis.call('HSETNX', KEYS[1], ARGV[at], ARGV[at + 1]) end
  return 1`;
const PUBLISH = `
  for at = 2, #ARGV, 2 do redis.call('HSET', KEYS[1], ARGV[at], ARGV[at + 1]) end
  redis.call('EXPIRE', KEYS[1], ARGV[1])
  return 1`;

const checkControl = checker(InsurerControl);
const checkHistory = checker(InsurerHistory);

export const NO_CONTROL: InsurerControl = { paused: false, limits: {}, breaker: 'auto' };

/** What somebody else has written there, or an older version, is as if it were not there. */
const parsed = <T>(text: string, check: (value: unknown) => { ok: true; value: T } | { ok: false }): T | undefined => {
  try {
    const checked = check(JSON.parse(text));
    return checked.ok ? checked.value : undefined;
  } catch {
    return undefined;
  }
};

export class InsurerControls {
  readonly #redis: Scripts;
  readonly #known = new Map<string, InsurerControl>();

  constructor(redis: Scripts) {
    this.#redis = redis;
  }

  of(insurerId: string): InsurerControl {
    return this.#known.get(insurerId) ?? NO_CONTROL;
  }

  /** Learns what was changed by any pod. Without Redis what was known holds. */
  async refresh(): Promise<void> {
    const reply = await this.#redis.script<string[]>(READ, INSURER_CONTROL_KEY, []);
    if (reply === undefined) return;
    const found = new Set<string>();
    for (let at = 0; at + 1 < reply.length; at += 2) {
      const [id = '', text = ''] = [reply[at], reply[at + 1]];
      const control = id.startsWith('history:') ? undefined : parsed(text, checkControl);
      if (control === undefined) continue;
      this.#known.set(id, control);
      found.add(id);
    }
    const lost = [...this.#known].filter(([id]) => !found.has(id));
    if (lost.length === 0) return;
    const args = lost.flatMap(([id, control]) => [id, JSON.stringify(control)]);
    await this.#redis.script(RESTORE, INSURER_CONTROL_KEY, args);
  }

  /** Undefined when Redis is away: then nothing has changed. */
  async change(insurerId: string, change: InsurerChange, nowMs: number): Promise<InsurerControl | undefined> {
    const entry = { ...change, at: new Date(nowMs).toISOString() };
    const args = [insurerId, JSON.stringify(change), JSON.stringify(entry), INSURER_HISTORY_MAX];
    const reply = await this.#redis.script<string>(CHANGE, INSURER_CONTROL_KEY, args);
    const control = reply === undefined ? undefined : parsed(reply, checkControl);
    if (control !== undefined) this.#known.set(insurerId, control);
    return control;
  }

  /** The newest first. Undefined when Redis is away. */
  async history(insurerId: string): Promise<InsurerHistory | undefined> {
    const reply = await this.#redis.script<string>(READ_ONE, INSURER_CONTROL_KEY, [`history:${insurerId}`]);
    return reply === undefined ? undefined : (parsed(reply, checkHistory) ?? []);
  }

  async publish(states: readonly InsurerState[]): Promise<void> {
    const args = states.flatMap((state) => [state.insurer_id, JSON.stringify(state)]);
    if (args.length > 0) await this.#redis.script(PUBLISH, INSURER_STATE_KEY, [STATE_TTL_S, ...args]);
  }
}
