/**
 * The whole life of one request in virtual time, from a seed: insurers of every character, a person who cancels and
 * retries, up to three aggregator pods that crash at any step, stand still, leave and come, a consumer group that moves
 * the partition between them, a Redis that is away, forgets, fails over or answers too late, a broker that fails now and
 * then. Same seed, same trace.
 */
import { type CommandEvent, type OsagoEvent, type Quote, topicOf } from '@osago/contracts';
import { fold, type RequestState } from './fold.ts';
import { type Random, seededRandom } from './random.ts';
import { Agenda } from './simulation-agenda.ts';
import { at, cancelled, type Deadlines, foldRecords, type LogRecord, REQUEST_ID, retryAsked, submitted } from './simulation-events.ts';
import { SimulatedGroup } from './simulation-group.ts';
import { SimulatedInsurer } from './simulation-insurer.ts';
import { SimulatedPod } from './simulation-pod.ts';
import { SimulatedRedis } from './simulation-redis.ts';
import type { Entry, Trace } from './simulation-trace.ts';
import { PARTITION, type World } from './simulation-world.ts';
import { isFinished, isVisible, LATE_WINDOW_MS, view } from './view.ts';

const NAMES = ['alpha', 'beta', 'gamma', 'delta', 'epsilon'] as const;
const CRASHES_MAX = 4;
/** Far above the longest life seen. */
const ITEMS_MAX = 100_000;
/** The person may act until long after the last deadline. */
const COMMANDS_UNTIL_MS = 200_000;
/** From the transaction to the log. */
const RELAY_MS_MAX = 500;
/** A member that is silent for so long loses its partitions. */
const SESSION_MS = 10_000;
const REBALANCE_MS_MAX = 1_000;
const RESTART_MS_MAX = 5_000;
/** Time for everything to settle after the last late window. */
const AFTER_ALL_MS = 60_000;

const deadlinesOf = (random: Random): Deadlines => {
  const count = random.integer(1, NAMES.length);
  const deadline = (): number => random.pick([60_000, 60_000, random.integer(1_000, 60_000)]);
  return Object.fromEntries(NAMES.slice(0, count).map((name) => [name, deadline()]));
};

class Life {
  readonly #random: Random;
  readonly #agenda = new Agenda(at(0));
  readonly #redis = new SimulatedRedis(() => this.#agenda.nowMs);
  readonly #group = new SimulatedGroup();
  readonly #submitted: ReturnType<typeof submitted>;
  readonly #world: World;
  readonly #entries: Entry[] = [];
  readonly #log: LogRecord[] = [];
  readonly #ends = new Map<string, number>();
  /** Commands as core-app has committed them. */
  readonly #committed: CommandEvent[] = [];
  #appendedAtMs = 0;
  /** What a person or a disaster is still to do. */
  #pending = 0;
  #lastDeadlineMs: number;
  #crashes = 0;
  /** How often a pod could have died. */
  #steps = 0;
  #pods: SimulatedPod[] = [];
  #podCount = 0;
  /** Without Redis: all pods, or one. */
  #away: { sinceMs: number; pod: SimulatedPod | undefined } | undefined;

  constructor(random: Random, crashAtStep: number | undefined) {
    this.#random = random;
    const deadlines = deadlinesOf(random);
    this.#submitted = submitted(deadlines);
    this.#lastDeadlineMs = at(Math.max(...Object.values(deadlines)));
    const crashShare = random.pick([0, 0, 0.003, 0.02]);
    this.#world = {
      agenda: this.#agenda,
      random,
      redis: this.#redis,
      group: this.#group,
      insurers: new Map(Object.keys(deadlines).map((name) => [name, new SimulatedInsurer(random)])),
      append: (event) => this.#append(event),
      note: (entry) => this.#entries.push(entry),
      isFatal: () => {
        this.#steps += 1;
        if (crashAtStep !== undefined) return this.#steps === crashAtStep;
        return this.#crashes < CRASHES_MAX && random.chance(crashShare);
      },
      onCrash: (pod) => this.#crashed(pod),
      redisAwaySinceMs: (pod) => {
        const isAway = this.#away !== undefined && (this.#away.pod === undefined || this.#away.pod === pod);
        return isAway ? this.#away?.sinceMs : undefined;
      },
      isOver: () => this.#isOver(),
      publishFailShare: random.pick([0, 0, 0.2, 0.8]),
      replyLostShare: random.pick([0, 0, 0, 0.01]),
    };
  }

  live(seed: number | string): Trace {
    const random = this.#random;
    const podCount = random.integer(1, 3);
    for (let pod = 0; pod < podCount; pod += 1) this.#join();
    this.#group.assign(this.#world, this.#pods[0]);
    this.#append(this.#submitted);
    const arrivesMs = random.chance(0.05) ? random.integer(55_000, 70_000) : random.integer(5, 200);
    this.#happens(arrivesMs, () => this.#group.append(this.#world, this.#submitted));
    this.#appendedAtMs = at(arrivesMs);
    const times = (max: number, untilMs: number, happen: () => void): void => {
      for (let left = random.chance(0.5) ? 0 : random.integer(1, max); left > 0; left -= 1) {
        this.#happens(random.integer(0, random.pick([1_000, 20_000, 62_000, untilMs])), happen);
      }
    };
    times(4, COMMANDS_UNTIL_MS, () => this.#command());
    if (random.chance(0.5)) times(3, 150_000, () => this.#disaster());
    if (random.chance(0.4)) times(2, 150_000, () => this.#redisTrouble());
    this.#agenda.run(ITEMS_MAX);
    return {
      seed,
      entries: this.#entries,
      stored: [...this.#redis.look(PARTITION, REQUEST_ID, 'nobody').legs.values()],
      uncommitted: this.#group.uncommitted.map(({ data }) => data.revision),
      endedAtMs: this.#agenda.nowMs,
      steps: this.#steps,
    };
  }

  #happens(afterMs: number, happen: () => void): void {
    this.#pending += 1;
    this.#agenda.after(afterMs, () => {
      this.#pending -= 1;
      happen();
    });
  }

  #isOver(): boolean {
    const isQuiet =
      this.#pending === 0 &&
      this.#redis.isIdle(PARTITION) &&
      this.#group.uncommitted.length === 0 &&
      this.#pods.every((pod) => !pod.isBusy);
    return isQuiet || this.#agenda.nowMs > this.#lastDeadlineMs + LATE_WINDOW_MS + AFTER_ALL_MS;
  }

  #append(event: OsagoEvent): void {
    const topic = topicOf(event.type);
    // Other requests stand in between.
    const offset = (this.#ends.get(topic) ?? this.#random.integer(0, 1_000)) + this.#random.integer(1, 3);
    this.#ends.set(topic, offset);
    const record = { event, offset };
    this.#log.push(record);
    this.#entries.push({ kind: 'recorded', atMs: this.#agenda.nowMs, record });
  }

  // The pods -----------------------------------------------------------------------------------------------------------

  #alive(): SimulatedPod[] {
    return this.#pods.filter((pod) => pod.isAlive && !pod.isPaused);
  }

  #join(): SimulatedPod {
    this.#podCount += 1;
    const pod = new SimulatedPod(this.#world, `pod-${this.#podCount}`);
    this.#pods.push(pod);
    return pod;
  }

  /** The group gives the partition to somebody who answers; while nobody does, to the first who joins. */
  #reassign(): void {
    const [first, ...others] = this.#alive();
    this.#group.assign(this.#world, first === undefined ? undefined : this.#random.pick([first, ...others]));
  }

  #restart(): void {
    this.#happens(this.#random.integer(300, RESTART_MS_MAX), () => {
      const pod = this.#join();
      const { owner } = this.#group;
      // Who joins may get the partition; a member that died keeps it until its session ends.
      if (owner === undefined || (owner.isAlive && this.#random.chance(0.3))) this.#group.assign(this.#world, pod);
    });
  }

  #crashed(pod: SimulatedPod): void {
    this.#crashes += 1;
    this.#restart();
    if (this.#group.owner === pod) this.#silent(pod);
  }

  #silent(pod: SimulatedPod): void {
    this.#happens(SESSION_MS + this.#random.integer(0, REBALANCE_MS_MAX), () => {
      const isSilent = !pod.isAlive || pod.isPaused;
      if (this.#group.owner === pod && isSilent) this.#reassign();
    });
  }

  #disaster(): void {
    const random = this.#random;
    const [first, ...others] = this.#alive();
    if (first === undefined) return;
    const pod = random.pick([first, ...others]);
    switch (random.pick(['crash', 'crash', 'pause', 'leave', 'rebalance', 'join'] as const)) {
      case 'crash':
        pod.crash();
        return;
      case 'pause': {
        const forMs = random.pick([random.integer(100, 3_000), random.integer(3_000, 45_000)]);
        pod.pause(forMs);
        if (this.#group.owner === pod && forMs > SESSION_MS) this.#silent(pod);
        // Awake again, it joins again.
        this.#happens(forMs + 1, () => {
          if (this.#group.owner === undefined && pod.isAlive) this.#group.assign(this.#world, pod);
        });
        return;
      }
      case 'leave':
        if (this.#group.owner === pod) this.#group.assign(this.#world, others.find((other) => other !== pod));
        pod.leave();
        this.#restart();
        if (this.#group.owner === undefined) this.#reassign();
        return;
      case 'rebalance':
        this.#reassign();
        return;
      case 'join':
        this.#group.assign(this.#world, this.#join());
    }
  }

  #redisTrouble(): void {
    const random = this.#random;
    const note = (what: Extract<Entry, { kind: 'redis' }>['what']): void => {
      this.#entries.push({ kind: 'redis', atMs: this.#agenda.nowMs, what });
    };
    switch (random.pick(['flush', 'away', 'away from one', 'fail-over'] as const)) {
      case 'flush':
        this.#redis.flush();
        note('flushed');
        return;
      case 'fail-over': {
        const { restore } = this.#redis.snapshot();
        this.#happens(random.integer(1, 2_000), () => {
          restore();
          note('failed over');
        });
        return;
      }
      case 'away':
      case 'away from one': {
        if (this.#away !== undefined) return;
        const away = { sinceMs: this.#agenda.nowMs, pod: random.pick([undefined, this.#alive()[0]]) };
        this.#away = away;
        note('away');
        this.#happens(random.pick([random.integer(100, 3_000), random.integer(3_000, 90_000)]), () => {
          this.#away = undefined;
          if (random.chance(0.3)) this.#redis.flush();
          note('back');
        });
      }
    }
  }

  // The person ---------------------------------------------------------------------------------------------------------

  /** What a person may do at this moment by what core-app shows, if anything. */
  #command(): void {
    const { nowMs } = this.#agenda;
    const shown = this.#shownBy(nowMs);
    const revision = this.#committed.length + 2;
    const afterMs = nowMs - at(0);
    const isRetryable = ({ status, retryable }: Quote): boolean =>
      ['needs_data', 'cancelled', 'timeout'].includes(status) || retryable === true;
    const [first, ...others] = shown.quotes.filter(isRetryable);
    if (!isFinished(shown) && this.#random.chance(0.5)) {
      this.#commit(cancelled(revision, afterMs));
    } else if (first !== undefined) {
      const { insurer_id, attempt } = this.#random.pick([first, ...others]);
      const deadlineMs = afterMs + this.#random.integer(5_000, 60_000);
      this.#lastDeadlineMs = Math.max(this.#lastDeadlineMs, at(deadlineMs));
      this.#commit(retryAsked(revision, { insurer_id, attempt: attempt + 1, deadlineMs }, afterMs));
    }
  }

  #shownBy(nowMs: number) {
    const folded = foldRecords(this.#log);
    const state = this.#committed.reduce<RequestState | undefined>((held, event) => fold(held, event), folded);
    if (!isVisible(state)) throw new Error('the submitted event is the first on the log');
    return view(state, nowMs);
  }

  #commit(event: CommandEvent): void {
    this.#committed.push(event);
    const soonMs = this.#agenda.nowMs + this.#random.integer(1, RELAY_MS_MAX);
    // One partition: a command never overtakes the one before it.
    this.#appendedAtMs = Math.max(this.#appendedAtMs, soonMs);
    this.#happens(this.#appendedAtMs - this.#agenda.nowMs, () => {
      this.#append(event);
      this.#group.append(this.#world, event);
    });
  }
}

/** Lives one request through. The same seed gives the same trace; with `crashAtStep` a pod dies there, and nowhere by chance. */
export const simulate = (seed: number | string, { crashAtStep }: { crashAtStep?: number } = {}): Trace =>
  new Life(seededRandom(seed), crashAtStep).live(seed);
