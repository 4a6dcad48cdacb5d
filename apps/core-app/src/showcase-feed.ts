/**
 * Tails the three topics into the showcase: catching-up, then live. A record that is no event of ours is counted and
 * passed over: dead letters are written by the shared groups, never by a feed that every pod has.
 */
import { decodeEvent, REQUEST_TOPICS } from '@osago/contracts';
import type { EventBus, LogRecord, Tail, TailPosition } from '@osago/event-bus';
import {
  type Clock,
  Counter,
  Gauge,
  type Log,
  type Registry,
  type Service,
} from '@osago/service-kit';
import { REQUEST_DEADLINE_MS } from './request-store.ts';
import { type Showcase, SHOWCASE_TTL_MS } from './showcase.ts';

/** The oldest record that a request still in the showcase can have, and five minutes for clocks that differ. */
const WINDOW_MS = REQUEST_DEADLINE_MS + SHOWCASE_TTL_MS + 5 * 60_000;
/** A fetch is answered at least each five seconds, records or not; three missed ones are a broker that is away. */
const STALE_MS = 15_000;
/** With the broker away at the start nothing can be caught up with: after this the pod serves what Postgres knows. */
const CATCH_UP_MS_MAX = 30_000;

export class ShowcaseFeed implements Service {
  readonly name = 'showcase-feed';
  readonly #tail: Tail;
  readonly #showcase: Showcase;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #records: Counter;
  /** By topic, since the counter was last asked: to count in it costs more for each record than to hand one over. */
  readonly #folded = new Map<string, number>(REQUEST_TOPICS.map((topic) => [topic, 0]));
  readonly #readySeconds: Gauge;
  #isCaughtUp = false;
  #isServing = false;
  #startedAtMs = 0;

  constructor(deps: { bus: Pick<EventBus, 'tail'>; showcase: Showcase; clock: Clock; log: Log; metrics: Registry }) {
    this.#showcase = deps.showcase;
    this.#clock = deps.clock;
    this.#log = deps.log;
    const folded = this.#folded;
    this.#records = new Counter({
      name: 'osago_feed_records_total',
      help: 'Records the showcase feed has read, by topic and result',
      labelNames: ['topic', 'result'],
      registers: [deps.metrics],
      collect() {
        for (const [topic, count] of folded) {
          this.inc({ topic, result: 'folded' }, count);
          folded.set(topic, 0);
        }
      },
    });
    this.#readySeconds = new Gauge({
      name: 'osago_feed_ready_seconds',
      help: 'From the start of the feed until it had caught up',
      registers: [deps.metrics],
    });
    const showcase = deps.showcase;
    new Gauge({
      name: 'osago_showcase_requests',
      help: 'Requests in the showcase',
      registers: [deps.metrics],
      collect() {
        this.set(showcase.size);
      },
    });
    new Gauge({
      name: 'osago_showcase_off_heap_bytes',
      help: 'Of the showcase, outside of the heap: in none of the figures of Node but the resident set',
      registers: [deps.metrics],
      collect() {
        this.set(showcase.offHeapBytes);
      },
    });
    this.#tail = deps.bus.tail(
      {
        topics: REQUEST_TOPICS,
        fromMs: deps.clock.nowMs() - WINDOW_MS,
        // One for all pods: whichever starts sweeps what dead ones of any name have left on the broker.
        groupPrefix: 'osago-showcase',
      },
      (record) => {
        this.#onRecord(record);
      },
    );
  }

  #onRecord({ topic, partition, offset, value }: LogRecord): void {
    const decoded = decodeEvent(value);
    if (decoded.ok && value !== null) {
      this.#folded.set(topic, (this.#folded.get(topic) ?? 0) + 1);
      this.#showcase.feed(decoded.event, partition, { value, offset: Number(offset) });
    } else if (!decoded.ok) {
      this.#records.inc({ topic, result: 'undecodable' });
      this.#log.warn({ topic, partition, offset: String(offset), reason: decoded.reason }, 'record passed over');
    }
  }

  /**
   * Catching-up, until every partition has reached the end it had at the start; red only for that, and never again. A pod
   * that serves since the broker was away too long goes on to while it catches up.
   */
  readiness(): string | undefined {
    const isAway = this.#tail.health().lastFetchAtMs === 0;
    const isTimeUp = this.#clock.nowMs() - this.#startedAtMs > CATCH_UP_MS_MAX;
    this.#isServing ||= this.#isCaughtUp || (isAway && isTimeUp);
    return this.#isServing ? undefined : 'the showcase is catching up';
  }

  /** How far it has read; empty until the log was asked where to begin. */
  positions(): readonly TailPosition[] {
    return this.#tail.positions();
  }

  /** Answers carry `feed: stale` then: what is shown may be behind. */
  isStale(): boolean {
    if (!this.#isCaughtUp) return true;
    const lastFetchAtMs = Math.max(this.#tail.health().lastFetchAtMs, this.#startedAtMs);
    return this.#clock.nowMs() - lastFetchAtMs > STALE_MS;
  }

  async run(signal: AbortSignal): Promise<void> {
    const startedAtMs = this.#clock.nowMs();
    this.#startedAtMs = startedAtMs;
    void this.#tail.caughtUp.then(() => {
      const durationMs = this.#clock.nowMs() - startedAtMs;
      this.#isCaughtUp = true;
      this.#readySeconds.set(durationMs / 1_000);
      this.#log.info({ duration_ms: durationMs, count: this.#showcase.size }, 'showcase is live');
    });
    await this.#tail.run(signal);
  }
}
