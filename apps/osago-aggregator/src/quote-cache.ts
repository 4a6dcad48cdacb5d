/**
 * The day cache of one insurer: a quote is given again for the same content. The content is known by a keyed hash of
 * everything sent but the contacts and consents, and what is kept is the quote alone: Redis holds nothing of a person.
 */
import { createHmac } from 'node:crypto';
import { type Application, checker, InsurerQuote, Timestamp } from '@osago/contracts';
import { earliestStart, moscowDate, type RuleSettings, validUntil } from '@osago/quotes';
import type { Clock } from '@osago/service-kit';
import { Type } from '@sinclair/typebox';
import type { Scripts } from './call-budget.ts';

const HOUR_MS = 3_600_000;
const READ = `return redis.call('GET', KEYS[1]) or ''`;
const KEEP = `return redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2]) and 1`;

const Kept = Type.Object({ quote: InsurerQuote, cached_at: Timestamp });
const checkKept = checker(Kept);

export interface CachedQuote {
  quote: InsurerQuote;
  /** When the insurer gave it. */
  cached_at: string;
}

/** Members in the order of their names, so that the order on the wire does not matter. */
const canonical = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(canonical);
  if (typeof value !== 'object' || value === null) return value;
  const members = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return members.map(([name, member]) => [name, canonical(member)]);
};

export class QuoteCache {
  readonly #redis: Scripts;
  readonly #clock: Clock;
  readonly #key: Buffer;
  readonly #insurerId: string;
  readonly #keepMs: number;
  readonly #rules: RuleSettings | undefined;

  constructor(
    deps: { redis: Scripts; clock: Clock; key: Buffer; rules?: RuleSettings },
    { insurerId, hours }: { insurerId: string; hours: number },
  ) {
    this.#redis = deps.redis;
    this.#clock = deps.clock;
    this.#key = deps.key;
    this.#rules = deps.rules;
    this.#insurerId = insurerId;
    this.#keepMs = hours * HOUR_MS;
  }

  /** The same for the same content; where no start is asked for, it is the earliest of that day. */
  fingerprint({ contacts: _contacts, consents: _consents, ...content }: Application): string {
    const { policy_start_date = `from ${moscowDate(this.#clock.nowMs())}` } = content;
    const text = JSON.stringify([this.#insurerId, canonical({ ...content, policy_start_date })]);
    return createHmac('sha256', this.#key).update(text).digest('base64url');
  }

  #keyOf(fingerprint: string): string {
    return `osago:{insurer:${this.#insurerId}}:quote:${fingerprint}`;
  }

  async find(fingerprint: string): Promise<CachedQuote | undefined> {
    const text = await this.#redis.script<string>(READ, this.#keyOf(fingerprint), []);
    if (text === undefined || text === '') return undefined;
    const kept = checkKept(JSON.parse(text));
    if (!kept.ok || this.#leftMs(kept.value.quote) <= 0) return undefined;
    return kept.value;
  }

  /** No longer than the application would get that price: not across the start of its policy, another tariff, 1 April. */
  async keep(fingerprint: string, quote: InsurerQuote, { policy_start_date }: Pick<Application, 'policy_start_date'>): Promise<void> {
    const answeredAtMs = this.#clock.nowMs();
    const policyStartDate = policy_start_date ?? earliestStart(moscowDate(answeredAtMs), this.#rules);
    const valid_until = validUntil({ answeredAtMs, policyStartDate, insurersUntil: quote.valid_until }, this.#rules);
    const bounded: InsurerQuote = { ...quote, valid_until };
    const keepMs = Math.floor(Math.min(this.#keepMs, this.#leftMs(bounded)));
    if (keepMs <= 0) return;
    const kept: CachedQuote = { quote: bounded, cached_at: new Date(answeredAtMs).toISOString() };
    await this.#redis.script(KEEP, this.#keyOf(fingerprint), [JSON.stringify(kept), keepMs]);
  }

  #leftMs({ valid_until }: InsurerQuote): number {
    return valid_until === undefined ? Infinity : Date.parse(valid_until) - this.#clock.nowMs();
  }
}
