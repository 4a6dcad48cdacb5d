/**
 * How far the feed is below the ends of the log. That a broker answers says nothing of the others: with the leader of one
 * partition gone, its requests stand still while all else goes on. And a feed that reads nothing more although the broker
 * answers and has records for it will not mend itself.
 */
import { REQUEST_TOPICS } from '@osago/contracts';
import type { EventBus, TailPosition } from '@osago/event-bus';
import { type Clock, Gauge, type Log, pause, type Registry, type Service } from '@osago/service-kit';

const LOOK_MS = 5_000;
/** As for a broker that is not heard. A new partition may be unknown to the feed for longer, and then that is true of it. */
const BEHIND_MS = 15_000;
/** A feed joins anew within seconds, and waits half a minute for a session that went without a word. */
const DEAD_MS = 120_000;
export interface FeedLagDeps {
  bus: Pick<EventBus, 'endOffsets'>;
  feed: { positions(): readonly TailPosition[] };
  clock: Clock;
  log: Log;
  metrics: Registry;
}

/** Where a partition stands that has more to read. */
interface Standing {
  next: bigint;
  sinceMs: number;
}

export class FeedLag implements Service {
  readonly name = 'feed-lag';
  readonly #deps: FeedLagDeps;
  readonly #lag: Gauge;
  readonly #ends = new Map<string, readonly bigint[]>();
  /** Of those below their end, by topic and partition. */
  #below = new Map<string, Standing>();
  /** When the ends of all topics were known last. */
  #answeredAtMs: number;

  constructor(deps: FeedLagDeps) {
    this.#deps = deps;
    this.#answeredAtMs = deps.clock.nowMs();
    this.#lag = new Gauge({
      name: 'osago_feed_lag_records',
      help: 'Records of the log that the showcase feed has not read, by topic',
      labelNames: ['topic'],
      registers: [deps.metrics],
    });
  }

  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.look();
      await pause(LOOK_MS, signal);
    }
  }

  async look(): Promise<void> {
    const { bus, clock, feed, log } = this.#deps;
    const answers = await Promise.allSettled(REQUEST_TOPICS.map((topic) => bus.endOffsets(topic)));
    answers.forEach((answer, at) => {
      if (answer.status === 'fulfilled') this.#ends.set(REQUEST_TOPICS[at] ?? '', answer.value);
      else log.debug({ topic: REQUEST_TOPICS[at], error: answer.reason as unknown }, 'the end of the log is not known');
    });
    const nowMs = clock.nowMs();
    if (answers.every(({ status }) => status === 'fulfilled')) this.#answeredAtMs = nowMs;
    const positions = feed.positions();
    // Not begun: the feed waits for the broker, and says so itself.
    if (positions.length === 0) return;
    const nexts = new Map(positions.map(({ topic, partition, next }) => [`${topic}/${partition}`, next]));
    const below = new Map<string, Standing>();
    for (const [topic, ends] of this.#ends) {
      let lag = 0n;
      ends.forEach((end, partition) => {
        const key = `${topic}/${partition}`;
        const next = nexts.get(key) ?? 0n;
        if (next >= end) return;
        lag += end - next;
        const before = this.#below.get(key);
        below.set(key, before?.next === next ? before : { next, sinceMs: nowMs });
      });
      this.#lag.set({ topic }, Number(lag));
    }
    this.#below = below;
  }

  /** Answers carry `feed: stale` then: of some requests what is shown is behind. */
  isBehind(): boolean {
    return !this.#isAnswered() || this.#standsFor(BEHIND_MS).length > 0;
  }

  /** Red when the feed is dead: it stands still although the broker answers and has more for it. */
  liveness(): string | undefined {
    const [dead] = this.#isAnswered() ? this.#standsFor(DEAD_MS) : [];
    return dead && `the feed has read nothing of ${dead} for two minutes, and there is more`;
  }

  /** The leader of a partition that does not answer this pod may answer those who write. */
  #isAnswered(): boolean {
    return this.#deps.clock.nowMs() - this.#answeredAtMs <= BEHIND_MS;
  }

  #standsFor(ms: number): string[] {
    const nowMs = this.#deps.clock.nowMs();
    return [...this.#below].filter(([, { sinceMs }]) => nowMs - sinceMs > ms).map(([key]) => key);
  }
}
