/**
 * What operators changed, and how each insurer is: in Redis, for all pods, for core-app and for after a restart. A pod
 * keeps what it knew: an emptied Redis gets the changes and their history back from it.
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
  -- What was there before Redis lost it is in the last two arguments.
  local control = cjson.decode(redis.call('HGET', KEYS[1], id) or ARGV[5])
  if change.paused ~= nil then control.paused = change.paused end
  if change.breaker ~= nil then control.breaker = change.breaker end
  if change.limits == cjson.null then
    control.limits = {}
  elseif change.limits ~= nil then
    for name, value in pairs(change.limits) do control.limits[name] = value end
  end
  local history = cjson.decode(redis.call('HGET', KEYS[1], 'history:' .. id) or ARGV[6])
  table.insert(history, 1, entry)
  while #history > longest do table.remove(history) end
  local encoded, told = cjson.encode(control), cjson.encode(history)
  redis.call('HSET', KEYS[1], id, encoded, 'history:' .. id, told)
  return { encoded, told }`;

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

/** Before the id of an insurer: the name of the field with its history. */
const HISTORY = 'history:';

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
  /** Of insurers with a change, as it stands in Redis: their controls and histories. */
  readonly #texts = new Map<string, string>();

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
      const [name = '', text = ''] = [reply[at], reply[at + 1]];
      if (this.#heard(name, text)) found.add(name);
    }
    const lost = [...this.#texts].filter(([name]) => !found.has(name));
    if (lost.length > 0) await this.#redis.script(RESTORE, INSURER_CONTROL_KEY, lost.flat());
  }

  /** False for what cannot be read. */
  #heard(name: string, text: string): boolean {
    if (this.#texts.get(name) === text) return true;
    const isHistory = name.startsWith(HISTORY);
    const control = isHistory ? undefined : parsed(text, checkControl);
    if (isHistory ? parsed(text, checkHistory) === undefined : control === undefined) return false;
    this.#texts.set(name, text);
    if (control !== undefined) this.#known.set(name, control);
    return true;
  }

  /** Undefined when Redis is away: then nothing has changed. */
  async change(insurerId: string, change: InsurerChange, nowMs: number): Promise<InsurerControl | undefined> {
    const entry = { ...change, at: new Date(nowMs).toISOString() };
    const before = [JSON.stringify(this.of(insurerId)), this.#texts.get(`${HISTORY}${insurerId}`) ?? '[]'];
    const args = [insurerId, JSON.stringify(change), JSON.stringify(entry), INSURER_HISTORY_MAX, ...before];
    const reply = await this.#redis.script<[string, string]>(CHANGE, INSURER_CONTROL_KEY, args);
    if (reply === undefined) return undefined;
    const [control, history] = reply;
    this.#heard(`${HISTORY}${insurerId}`, history);
    return this.#heard(insurerId, control) ? this.of(insurerId) : undefined;
  }

  /** The newest first. Undefined when Redis is away. */
  async history(insurerId: string): Promise<InsurerHistory | undefined> {
    const reply = await this.#redis.script<string>(READ_ONE, INSURER_CONTROL_KEY, [`${HISTORY}${insurerId}`]);
    return reply === undefined ? undefined : (parsed(reply, checkHistory) ?? []);
  }

  async publish(states: readonly InsurerState[]): Promise<void> {
    const args = states.flatMap((state) => [state.insurer_id, JSON.stringify(state)]);
    if (args.length > 0) await this.#redis.script(PUBLISH, INSURER_STATE_KEY, [STATE_TTL_S, ...args]);
  }
}
