/**
 * The whole life of one request in virtual time, from a seed: insurers of every character, a person who cancels and
 * retries, an aggregator that crashes at any step, loses its lease to another pod and goes on as a zombie, a broker
 * that fails now and then, and the owner of the partition, who ends what nobody drives. Same seed, same trace.
 */
import { type CommandEvent, type OsagoEvent, type Quote, topicOf } from '@osago/contracts';
import { fold, type RequestState } from './fold.ts';
import { ownerTimeout } from './leg-events.ts';
import { type Random, seededRandom } from './random.ts';
import { resumeRun } from './run.ts';
import { type LegRun, type RunInput, type RunStep, startRun } from './run-state.ts';
import { Agenda } from './simulation-agenda.ts';
import {
  at,
  cancelled,
  type Deadlines,
  foldRecords,
  type LogRecord,
  retryAsked,
  submitted,
} from './simulation-events.ts';
import { RunStore, SimulatedExecutor, type Surroundings } from './simulation-executor.ts';
import { SimulatedInsurer } from './simulation-insurer.ts';
import type { Entry, Trace } from './simulation-trace.ts';
import { isFinished, isVisible, view } from './view.ts';

const NAMES = ['alpha', 'beta', 'gamma', 'delta', 'epsilon'] as const;
const CRASHES_MAX = 4;
/** Far above the longest life seen (about 3,000). */
const ITEMS_MAX = 50_000;
/** Design §7: at deadline + 2 s the owner ends what has no outcome. */
const OWNER_MS = 2_000;
/** The person may act until long after the last deadline. */
const COMMANDS_UNTIL_MS = 200_000;
/** Commands reach the lease holder with its next renewal. */
const COMMAND_DELAY_MS_MAX = 500;

const deadlinesOf = (random: Random): Deadlines => {
  const count = random.integer(1, NAMES.length);
  const deadline = (): number => random.pick([60_000, 60_000, random.integer(1_000, 60_000)]);
  return Object.fromEntries(NAMES.slice(0, count).map((name) => [name, deadline()]));
};

class Life {
  readonly #random: Random;
  readonly #agenda = new Agenda(at(0));
  readonly #store = new RunStore();
  readonly #submitted: ReturnType<typeof submitted>;
  readonly #around: Surroundings;
  readonly #entries: Entry[] = [];
  readonly #log: LogRecord[] = [];
  readonly #ends = new Map<string, number>();
  /** Commands as core-app has committed them, and those that the aggregator has heard of. */
  readonly #committed: CommandEvent[] = [];
  readonly #heard: RunInput[] = [];
  #heardAtMs = 0;
  #crashes = 0;
  #executor: SimulatedExecutor | undefined;

  constructor(random: Random) {
    this.#random = random;
    const deadlines = deadlinesOf(random);
    this.#submitted = submitted(deadlines);
    const crashShare = random.pick([0, 0, 0.005, 0.03]);
    this.#around = {
      agenda: this.#agenda,
      random,
      store: this.#store,
      insurers: new Map(Object.keys(deadlines).map((name) => [name, new SimulatedInsurer(random)])),
      append: (event) => this.#append(event),
      note: (entry) => this.#entries.push(entry),
      isFatal: () => this.#crashes < CRASHES_MAX && random.chance(crashShare),
      onCrash: (executor) => this.#crashed(executor),
      publishFailShare: random.pick([0, 0, 0.2, 0.8]),
    };
  }

  live(seed: number | string): Trace {
    this.#append(this.#submitted);
    const arrivesMs = this.#random.chance(0.05)
      ? this.#random.integer(55_000, 70_000)
      : this.#random.integer(5, 200);
    this.#agenda.after(arrivesMs, () => {
      if (this.#executor === undefined) this.#takeOver();
    });
    for (const { insurer_id, deadline_at } of this.#submitted.data.panel) {
      this.#watch({ insurer_id, attempt: 1, revision: 1, deadlineAtMs: Date.parse(deadline_at) });
    }
    const count = (max: number): number => (this.#random.chance(0.5) ? 0 : this.#random.integer(1, max));
    for (let left = count(2); left > 0; left -= 1) {
      this.#agenda.after(this.#random.integer(100, 150_000), () => this.#loseLease());
    }
    for (let left = count(4); left > 0; left -= 1) {
      const afterMs = this.#random.pick([1_000, 20_000, 62_000, COMMANDS_UNTIL_MS]);
      this.#agenda.after(this.#random.integer(0, afterMs), () => this.#command());
    }
    this.#agenda.run(ITEMS_MAX);
    const stored = this.#store.run;
    if (stored === undefined) throw new Error('no run was ever stored');
    return { seed, entries: this.#entries, stored, endedAtMs: this.#agenda.nowMs };
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

  /** Another pod drives the run from now on, from what is stored. */
  #takeOver(): void {
    const { nowMs } = this.#agenda;
    const fence = this.#store.nextFence(nowMs);
    const stored = this.#store.run;
    const { run, effects }: RunStep =
      stored === undefined
        ? { run: startRun(this.#submitted.data, fence, nowMs), effects: [] }
        : resumeRun(stored, fence, nowMs);
    const kind = stored === undefined ? 'started' : 'resumed';
    this.#entries.push({ kind, atMs: nowMs, fence, run, effects });
    this.#store.save(run);
    const executor = new SimulatedExecutor(this.#around, run);
    this.#executor = executor;
    executor.start(effects);
    for (const input of [...this.#heard]) executor.handle(input);
  }

  #crashed(executor: SimulatedExecutor): void {
    this.#crashes += 1;
    if (executor !== this.#executor) return;
    const soonMs = this.#random.integer(300, 2_000);
    const delayMs = this.#random.chance(0.85) ? soonMs : this.#random.integer(2_000, 90_000);
    this.#agenda.after(delayMs, () => {
      if (this.#executor === executor) this.#takeOver();
    });
  }

  /** The holder does not notice, and goes on for a while. */
  #loseLease(): void {
    const zombie = this.#executor;
    if (zombie?.isAlive !== true) return;
    this.#entries.push({ kind: 'lease-lost', atMs: this.#agenda.nowMs, fence: zombie.fence });
    this.#takeOver();
    this.#agenda.after(this.#random.integer(10, 10_000), () => {
      if (zombie.isAlive) zombie.stop('stopped');
    });
  }

  /** The owner of the partition: drives the run itself, or ends the leg with fence 0 when it holds no outcome. */
  #watch(leg: Pick<LegRun, 'insurer_id' | 'attempt' | 'revision' | 'deadlineAtMs'>): void {
    this.#agenda.at(leg.deadlineAtMs + OWNER_MS, () => {
      const isCancelled = this.#heard.some((input) => input.kind === 'cancelled' && input.revision > leg.revision);
      const stored = this.#store.run?.legs.find(({ insurer_id }) => insurer_id === leg.insurer_id);
      if (isCancelled || (stored?.attempt ?? 1) > leg.attempt) return;
      const hasOutcome = stored?.attempt === leg.attempt && stored.outcome !== undefined;
      const isDriven = this.#executor?.isAlive === true;
      if (!isDriven && (hasOutcome || this.#random.chance(0.5))) this.#takeOver();
      else if (!hasOutcome) {
        const member = this.#submitted.data.panel.find(({ insurer_id }) => insurer_id === leg.insurer_id);
        const deadline_at = new Date(leg.deadlineAtMs).toISOString();
        if (member === undefined) throw new Error(`${leg.insurer_id} is not in the panel`);
        this.#append(ownerTimeout(this.#submitted.data, { ...member, deadline_at }, leg.attempt));
      }
    });
  }

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
      this.#commit(cancelled(revision, afterMs), { kind: 'cancelled', revision });
    } else if (first !== undefined) {
      const { insurer_id, attempt } = this.#random.pick([first, ...others]);
      const deadlineMs = afterMs + this.#random.integer(5_000, 60_000);
      const event = retryAsked(revision, { insurer_id, attempt: attempt + 1, deadlineMs }, afterMs);
      this.#commit(event, { kind: 'retry-asked', retry: event.data });
      this.#watch({ insurer_id, attempt: attempt + 1, revision, deadlineAtMs: at(deadlineMs) });
    }
  }

  #shownBy(nowMs: number) {
    const folded = foldRecords(this.#log);
    const state = this.#committed.reduce<RequestState | undefined>((held, event) => fold(held, event), folded);
    if (!isVisible(state)) throw new Error('the submitted event is the first on the log');
    return view(state, nowMs);
  }

  #commit(event: CommandEvent, input: RunInput): void {
    this.#committed.push(event);
    const soonMs = this.#agenda.nowMs + this.#random.integer(1, COMMAND_DELAY_MS_MAX);
    // One partition: a command never overtakes the one before it.
    this.#heardAtMs = Math.max(this.#heardAtMs, soonMs);
    this.#agenda.at(this.#heardAtMs, () => {
      this.#append(event);
      this.#heard.push(input);
      this.#executor?.handle(input);
    });
  }
}

/** Lives one request through. The same seed gives the same trace. */
export const simulate = (seed: number | string): Trace => new Life(seededRandom(seed)).live(seed);
