/**
 * A simulated insurer with a character of its own: prompt or slow, late or for ever silent, faulty, forgetful after a
 * POST (404), given to saying things twice. It keeps its word on idempotency: one key, one application.
 */
import type { FaultKind, InsurerReply } from './insurer-reply.ts';
import type { Random } from './random.ts';

export interface Answer {
  readonly reply: InsurerReply;
  readonly afterMs: number;
  /** The same reply comes once more, so much after the first. */
  readonly againAfterMs?: number;
}

interface Application {
  readonly id: string;
  readonly sinceMs: number;
}

const FAULTS = ['connection', 'timeout', 'busy', 'server', 'malformed', 'rejected'] as const satisfies FaultKind[];
const VERDICTS = ['quoted', 'quoted', 'quoted', 'declined', 'needs_data', 'failed'] as const;

const characterOf = (random: Random) => ({
  /** From the POST to the answer; 0: in the reply to the POST itself. */
  readyAfterMs: random.pick([
    0,
    random.integer(200, 5_000),
    random.integer(200, 5_000),
    random.integer(5_000, 59_000),
    random.integer(55_000, 65_000),
    random.integer(60_000, 175_000),
    Number.POSITIVE_INFINITY,
  ]),
  estimateAfterMs: random.pick([Number.POSITIVE_INFINITY, random.integer(500, 100_000)]),
  /** Answers 404 so long after the POST. */
  unknownForMs: random.pick([0, 0, 0, 1_500, 8_000, 100_000]),
  verdict: random.pick(VERDICTS),
  faultShare: random.pick([0, 0, 0, 0.1, 0.5, 1]),
  silentShare: random.pick([0, 0, 0, 0.02, 0.5]),
  againShare: random.pick([0, 0, 0, 0.2]),
  skipShare: random.pick([0, 0, 0, 0.05]),
  hintMs: random.pick([undefined, undefined, 100, 2_000, 30_000]),
  slowestMs: random.pick([50, 300, 1_000, 6_000]),
});

export class SimulatedInsurer {
  readonly #random: Random;
  readonly #character: ReturnType<typeof characterOf>;
  readonly #applications = new Map<string, Application>();

  constructor(random: Random) {
    this.#random = random;
    this.#character = characterOf(random);
  }

  /** Undefined: nothing ever comes back, not even a broken connection. */
  post(key: string, nowMs: number): Answer | undefined {
    const skipped = this.#skipped();
    if (skipped !== undefined) return skipped;
    const fault = this.#fault();
    if (fault !== undefined && this.#random.chance(0.5)) return this.#answer(fault);
    // From here on the insurer has the application, even when its reply is lost or a fault.
    const known = this.#applications.get(key) ?? { id: `${key}=${this.#applications.size}`, sinceMs: nowMs };
    this.#applications.set(key, known);
    if (fault !== undefined) return this.#answer(fault);
    const isReady = nowMs - known.sinceMs >= this.#character.readyAfterMs;
    if (isReady && this.#character.verdict !== 'failed') return this.#answer(this.#verdict());
    return this.#answer({ kind: 'accepted', application_id: known.id, ...this.#hint() });
  }

  poll(applicationId: string, nowMs: number): Answer | undefined {
    const unwell = this.#skipped() ?? this.#fault();
    if (unwell !== undefined) return 'reply' in unwell ? unwell : this.#answer(unwell);
    const known = [...this.#applications.values()].find(({ id }) => id === applicationId);
    const ageMs = known === undefined ? -1 : nowMs - known.sinceMs;
    const { readyAfterMs, estimateAfterMs, unknownForMs } = this.#character;
    if (ageMs < unknownForMs) return this.#answer({ kind: 'unknown' });
    if (ageMs >= readyAfterMs) return this.#answer(this.#verdict());
    if (ageMs < estimateAfterMs) return this.#answer({ kind: 'pending', ...this.#hint() });
    return this.#answer({ kind: 'estimated', quote: this.#quote(), ...this.#hint() });
  }

  #quote() {
    return { premium_kopecks: this.#random.pick([500_000, 612_300]) };
  }

  #verdict(): InsurerReply {
    switch (this.#character.verdict) {
      case 'quoted':
        return { kind: 'quoted', quote: this.#quote() };
      case 'declined':
        return { kind: 'declined', reason: { code: 'too_many_claims' } };
      case 'needs_data':
        return { kind: 'needs_data', missing_fields: ['/drivers/0/licence'] };
      case 'failed':
        return { kind: 'failed' };
    }
  }

  #hint() {
    const { hintMs } = this.#character;
    return hintMs === undefined ? {} : { retryAfterMs: hintMs };
  }

  #skipped(): Answer | undefined {
    if (!this.#random.chance(this.#character.skipShare)) return undefined;
    return { reply: { kind: 'skipped', reason: { code: 'capacity' } }, afterMs: 1 };
  }

  #fault(): InsurerReply | undefined {
    if (!this.#random.chance(this.#character.faultShare)) return undefined;
    const fault = this.#random.pick(FAULTS);
    const retryAfterMs = this.#random.pick([undefined, 1_000, 70_000]);
    return { kind: 'fault', fault, message: fault, ...(retryAfterMs !== undefined && { retryAfterMs }) };
  }

  #answer(reply: InsurerReply): Answer | undefined {
    const { silentShare, slowestMs, againShare } = this.#character;
    if (this.#random.chance(silentShare)) return undefined;
    const afterMs = this.#random.integer(5, slowestMs);
    if (!this.#random.chance(againShare)) return { reply, afterMs };
    return { reply, afterMs, againAfterMs: this.#random.integer(0, 3_000) };
  }
}
