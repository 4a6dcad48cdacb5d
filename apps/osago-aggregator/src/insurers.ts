/**
 * The insurers by id, each behind a gate of its own (`insurer-gate.ts`), so that one slow insurer never delays another.
 */
import type { InsurerSettings } from '@osago/contracts';
import type { InsurerReply, RuleSettings } from '@osago/quotes';
import { type Clock, ConfigError, Counter, Gauge, Histogram, type Registry } from '@osago/service-kit';
import type { Agent } from 'undici';
import { ADAPTERS } from './adapters.ts';
import { CallBudget, type Scripts } from './call-budget.ts';
import { type CallName, GuardedInsurer } from './guarded-insurer.ts';
import type { Insurer } from './insurer.ts';
import { httpCaller } from './insurer-http.ts';
import { InsurerGate } from './insurer-gate.ts';
import { OPEN_MS } from './lease.ts';
import type { PollLearning } from './poll-learning.ts';
import { QuoteCache } from './quote-cache.ts';
import { RememberingInsurer } from './remembering-insurer.ts';

export interface InsurersDeps {
  agent: Agent;
  redis: Scripts;
  clock: Clock;
  metrics: Registry;
  learning: PollLearning;
  /** For the fingerprints of the day cache. */
  cacheKey?: Buffer;
  /** How long a quote holds. */
  rules?: RuleSettings;
}

export interface Insurers {
  /** One for each entry of the file. */
  readonly byId: ReadonlyMap<string, Insurer>;
  readonly gates: ReadonlyMap<string, InsurerGate>;
  /** Refuses what waits. */
  readonly close: () => Promise<void>;
}

const cacheOf = ({ cache_hours: hours, insurer_id: insurerId }: InsurerSettings, deps: InsurersDeps): QuoteCache | undefined => {
  if (hours === 0) return undefined;
  const { cacheKey: key } = deps;
  if (key === undefined) throw new ConfigError('the insurers file', [`cache_hours of ${insurerId} needs CACHE_KEYS_FILE`]);
  return new QuoteCache({ ...deps, key }, { insurerId, hours });
};

const limitsOf = ({ rate_per_s, burst, concurrency }: InsurerSettings) => ({ rate_per_s, burst, concurrency });

export interface InsurersOptions {
  /** Names this process among those that share the limits. */
  pod: string;
  /** How long a breaker stays open the first time; each failed probe doubles it. */
  openMs?: number;
}

/** Throws {@link ConfigError} for an adapter nobody knows, an address that is none, and for a cache without its key. */
export const createInsurers = (
  deps: InsurersDeps,
  settings: readonly InsurerSettings[],
  { pod, openMs = OPEN_MS }: InsurersOptions,
): Insurers => {
  const { agent, clock, learning, metrics, redis } = deps;
  const observe = observer(metrics);
  const gates = new Map<string, InsurerGate>();
  const byId = new Map<string, Insurer>();
  for (const insurer of settings) {
    const { adapter, insurer_id } = insurer;
    const speak = ADAPTERS[adapter];
    if (speak === undefined) {
      throw new ConfigError('the insurers file', [`${insurer_id} has the adapter "${adapter}", none of ${Object.keys(ADAPTERS).join(', ')}`]);
    }
    if (!URL.canParse(insurer.base_url)) throw new ConfigError('the insurers file', [`base_url of ${insurer_id} is no URL`]);
    const inner = speak(httpCaller({ agent, nowMs: () => clock.nowMs() }, insurer.base_url), insurer);
    const budget = new CallBudget(redis, insurer_id, { pod, openMs });
    const gate = new InsurerGate({ budget, clock }, { limits: limitsOf(insurer), breaker: 'auto', paused: false });
    gates.set(insurer_id, gate);
    const guarded = new GuardedInsurer({ inner, gate, learning, observe: observe(insurer_id) }, insurer_id);
    const cache = cacheOf(insurer, deps);
    byId.set(insurer_id, new RememberingInsurer({ inner: guarded, clock, cache }));
  }
  new Gauge({
    name: 'osago_insurer_calls_waiting',
    help: 'Calls of this pod that wait for the budget of their insurer',
    labelNames: ['insurer_id'],
    registers: [metrics],
    collect() {
      for (const [insurer_id, gate] of gates) this.set({ insurer_id }, gate.waiting);
    },
  });
  const close = async (): Promise<void> => {
    await Promise.all([...gates.values()].map((gate) => gate.close()));
  };
  return { byId, gates, close };
};

const observer = (metrics: Registry) => {
  const calls = new Counter({
    name: 'osago_insurer_calls_total',
    help: 'Calls to insurers by what they came to',
    labelNames: ['insurer_id', 'call', 'reply'],
    registers: [metrics],
  });
  const seconds = new Histogram({
    name: 'osago_insurer_call_seconds',
    help: 'How long calls to insurers took',
    labelNames: ['insurer_id', 'call'],
    registers: [metrics],
  });
  return (insurer_id: string) =>
    (call: CallName, reply: InsurerReply, took: number): void => {
      const kind = reply.kind === 'fault' ? reply.fault : reply.kind;
      calls.inc({ insurer_id, call, reply: kind });
      seconds.observe({ insurer_id, call }, took);
    };
};
