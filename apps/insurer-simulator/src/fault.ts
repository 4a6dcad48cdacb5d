/**
 * What may go wrong at a simulated insurer: the faults of its profile, replaced and put back while it runs. Whether a
 * fault strikes derives from the seed, the insurer and the call, never from the order of arrival; in bursts, from the
 * stretch of time that the call falls into.
 */
import { seededRandom } from '@osago/quotes';
import type { Clock } from '@osago/service-kit';
import { type Static, type TProperties, Type } from '@sinclair/typebox';

const when = {
  calls: Type.Union([Type.Literal('post'), Type.Literal('poll'), Type.Literal('all')], {
    default: 'all',
    description: 'The calls that it strikes',
  }),
  share: Type.Number({ minimum: 0, maximum: 1, default: 1, description: 'Of these calls, how many it strikes' }),
  burst_ms: Type.Optional(
    Type.Integer({ minimum: 1, description: 'It strikes whole stretches of this length instead of single calls' }),
  ),
  lasts_ms: Type.Optional(Type.Integer({ minimum: 1, description: 'From when it was set; absent: until it is replaced' })),
};

const fault = <const K extends string, P extends TProperties>(kind: K, members: P, description: string) =>
  Type.Object({ kind: Type.Literal(kind), ...members, ...when }, { additionalProperties: false, description });

const BY_MS = { by_ms: Type.Integer({ minimum: -86_400_000 * 400, maximum: 86_400_000 * 400 }) };

export const Fault = Type.Union([
  fault('outage', {}, 'The connection breaks before the call is read'),
  fault('status', { status: Type.Integer({ minimum: 500, maximum: 599 }) }, 'Answers with this 5xx'),
  fault('busy', { retry_after_s: Type.Number({ minimum: 0, maximum: 3_600 }) }, '429 with Retry-After'),
  fault('reset_after_accept', {}, 'Takes a new application and breaks the connection instead of answering'),
  fault('malformed_json', {}, 'The body ends in the middle'),
  fault('slow_drip', { bytes_per_s: Type.Number({ exclusiveMinimum: 0 }) }, 'The body comes byte by byte'),
  fault('not_found_first', { for_ms: Type.Integer({ minimum: 1 }) }, 'Polls get a 404 for so long after the POST'),
  fault('duplicates', {}, 'The same idempotency key makes another application each time'),
  fault('late', { by_ms: Type.Integer({ minimum: 1, maximum: 600_000 }) }, 'New applications take so much longer'),
  fault('clock_skew', BY_MS, 'Its clock is off: valid_until is moved'),
]);
export type Fault = Static<typeof Fault>;
export type FaultKind = Fault['kind'];
type FaultOf<K extends FaultKind> = Extract<Fault, { kind: K }>;

export const Faults = Type.Array(Fault, { maxItems: 20 });

/** One call as the draw of a fault sees it. `mark` tells it from all other calls: the key or id, and the how-manieth. */
export interface MarkedCall {
  call: 'post' | 'poll';
  mark: string;
}

interface Standing {
  fault: Fault;
  endsAtMs: number;
}

export class FaultBook {
  readonly #ofProfile: readonly Fault[];
  readonly #seed: string;
  readonly #speed: number;
  readonly #clock: Clock;
  #standing: readonly Standing[] = [];

  /** `speed` divides every duration. */
  constructor(ofProfile: readonly Fault[], seed: string, speed: number, clock: Clock) {
    this.#ofProfile = ofProfile;
    this.#seed = seed;
    this.#speed = speed;
    this.#clock = clock;
    this.reset();
  }

  get current(): readonly Fault[] {
    const nowMs = this.#clock.nowMs();
    return this.#standing.filter(({ endsAtMs }) => endsAtMs > nowMs).map(({ fault: standing }) => standing);
  }

  replace(faults: readonly Fault[]): void {
    const nowMs = this.#clock.nowMs();
    this.#standing = faults.map((one) => ({
      fault: one,
      endsAtMs: one.lasts_ms === undefined ? Infinity : nowMs + one.lasts_ms / this.#speed,
    }));
  }

  /** Back to what the profile says. */
  reset(): void {
    this.replace(this.#ofProfile);
  }

  /** The fault of that kind that strikes the call, if one does. */
  strike<K extends FaultKind>(kind: K, { call, mark }: MarkedCall): FaultOf<K> | undefined {
    return this.current.find((one, index): one is FaultOf<K> => {
      if (one.kind !== kind || (one.calls !== 'all' && one.calls !== call)) return false;
      const what = one.burst_ms === undefined ? `${call} ${mark}` : `burst ${this.#stretch(one.burst_ms)}`;
      return seededRandom(`${this.#seed} fault ${index} ${one.kind} ${what}`).unit() < one.share;
    });
  }

  #stretch(burstMs: number): number {
    return Math.floor(this.#clock.nowMs() / (burstMs / this.#speed));
  }
}
