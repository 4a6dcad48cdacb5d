/**
 * An insurer together with what was asked of it: a price that cannot be one for that application is `malformed`, and a
 * quote for the same content is given again from the day cache, where the insurer has one.
 */
import type { Application } from '@osago/contracts';
import { type InsurerReply, isPossiblePrice, moscowDate, priceBounds, type PriceBounds } from '@osago/quotes';
import type { Clock } from '@osago/service-kit';
import type { CallOptions, Insurer, PostCall } from './insurer.ts';
import type { QuoteCache } from './quote-cache.ts';

/** Applications of one pod under way at one insurer. The oldest are forgotten: their quotes are not checked or kept. */
const REMEMBERED_MAX = 20_000;

interface Remembered {
  bounds: PriceBounds | undefined;
  fingerprint: string | undefined;
  policy_start_date?: string;
}

const IMPOSSIBLE: InsurerReply = { kind: 'fault', fault: 'malformed', message: 'a price outside the corridor of the tariff' };

/** One application is sent to ten insurers, mostly within a second. */
const knownBounds = new WeakMap<Application, { today: string; bounds: PriceBounds | undefined }>();

const boundsOf = (application: Application, today: string): PriceBounds | undefined => {
  const known = knownBounds.get(application);
  if (known?.today === today) return known.bounds;
  const bounds = priceBounds(application, today);
  knownBounds.set(application, { today, bounds });
  return bounds;
};

export class RememberingInsurer implements Insurer {
  readonly #inner: Insurer;
  readonly #clock: Clock;
  readonly #cache: QuoteCache | undefined;
  readonly #remembered = new Map<string, Remembered>();

  constructor(deps: { inner: Insurer; clock: Clock; cache: QuoteCache | undefined }) {
    this.#inner = deps.inner;
    this.#clock = deps.clock;
    this.#cache = deps.cache;
  }

  async post(call: PostCall, options: CallOptions): Promise<InsurerReply> {
    const fingerprint = this.#cache?.fingerprint(call.application);
    const cached = fingerprint === undefined ? undefined : await this.#cache?.find(fingerprint);
    if (cached !== undefined) return { kind: 'quoted', ...cached };
    const reply = await this.#inner.post(call, options);
    if (reply.kind !== 'accepted' && reply.kind !== 'quoted') return reply;
    const bounds = boundsOf(call.application, moscowDate(this.#clock.nowMs()));
    const { policy_start_date } = call.application;
    const remembered = { bounds, fingerprint, ...(policy_start_date !== undefined && { policy_start_date }) };
    if (reply.kind === 'quoted') return this.#checked(reply, remembered);
    this.#remember(reply.application_id, remembered);
    return reply;
  }

  async poll(applicationId: string, options: CallOptions): Promise<InsurerReply> {
    const reply = await this.#inner.poll(applicationId, options);
    const remembered = this.#remembered.get(applicationId);
    if (remembered === undefined) return reply;
    switch (reply.kind) {
      case 'quoted':
      case 'estimated': {
        const checked = this.#checked(reply, remembered);
        if (checked.kind === 'quoted') this.#remembered.delete(applicationId);
        return checked;
      }
      case 'declined':
      case 'needs_data':
      case 'failed':
        this.#remembered.delete(applicationId);
        return reply;
      case 'accepted':
      case 'pending':
      case 'unknown':
      case 'skipped':
      case 'fault':
        return reply;
    }
  }

  #remember(applicationId: string, remembered: Remembered): void {
    const [oldest] = this.#remembered.keys();
    if (this.#remembered.size >= REMEMBERED_MAX && oldest !== undefined) this.#remembered.delete(oldest);
    this.#remembered.set(applicationId, remembered);
  }

  #checked(reply: Extract<InsurerReply, { kind: 'quoted' | 'estimated' }>, remembered: Remembered): InsurerReply {
    const { bounds, fingerprint } = remembered;
    if (bounds !== undefined && !isPossiblePrice(reply.quote, bounds)) return IMPOSSIBLE;
    if (reply.kind === 'quoted' && fingerprint !== undefined) void this.#cache?.keep(fingerprint, reply.quote, remembered);
    return reply;
  }
}
