/**
 * The lease holder of design §7: drives runs under the lease of this pod, hears their cancels and retries with each
 * renewal, and takes the runs of holders that are gone, whoever owns the partition. Without Redis there are no leases:
 * then it drives what the owner of a partition gives it to drive.
 */
import { type Application, TOPICS } from '@osago/contracts';
import type { EventBus } from '@osago/event-bus';
import {
  beginRun,
  type Beat,
  type Claim,
  type InsurerReply,
  isRunOver,
  LEASE_MS,
  type LegRun,
  type Look,
  type Mail,
  mayDrive,
  RENEW_MS,
  revisionOf,
  type RunCommand,
  type RunHead,
  type RunState,
} from '@osago/quotes';
import { Counter, Gauge, pause, type Registry } from '@osago/service-kit';
import type { Applications } from './applications.ts';
import { RunExecutor, type RunExecutorDeps } from './run-executor.ts';
import type { RunStore } from './run-store.ts';
import type { ServerClock } from './server-clock.ts';

/** Partitions may be added to a topic that lives. */
const PARTITIONS_EVERY_MS = 30_000;

export interface RunDriverDeps extends RunExecutorDeps {
  applications: Applications;
  bus: Pick<EventBus, 'partitions'>;
  clock: ServerClock;
  metrics: Registry;
  runStore: Pick<RunStore, 'awayForMs' | 'beat' | 'claim' | 'command' | 'release' | 'save'>;
}

export interface RunDriverOptions {
  /** Of the runs that others leave behind, no more are taken when this pod drives so many. */
  runsMax: number;
  owns: (partition: number) => boolean;
  /** A run that this pod drives has changed, or is not driven here any more. */
  onChange: (requestId: string) => void;
}

/** What the owner of a partition knows of a run that is to be driven. It may hear more commands until the run is claimed. */
export interface RunBeginning {
  readonly partition: number;
  readonly head: RunHead;
  readonly commands: readonly RunCommand[];
}

interface Driven {
  readonly partition: number;
  readonly executor: RunExecutor;
  readonly head: RunHead;
  readonly commands: Map<number, RunCommand>;
  /** Opened once, by what was sealed. */
  readonly applications: Map<string | undefined, Promise<Application | InsurerReply>>;
}

export class RunDriver {
  readonly #deps: RunDriverDeps;
  readonly #options: RunDriverOptions;
  readonly #taken: Counter;
  readonly #runs = new Map<string, Driven>();
  /** The partition of each request that is being claimed. */
  readonly #claiming = new Map<string, number>();
  /** Until when the lease in each partition surely holds, by `performance.now()`. */
  readonly #leaseUntilMs = new Map<number, number>();
  readonly #handled = new Map<number, Mail[]>();
  #partitions: ReadonlySet<number> = new Set();
  #isStopped = false;

  constructor(deps: RunDriverDeps, options: RunDriverOptions) {
    this.#deps = deps;
    this.#options = options;
    const runs = this.#runs;
    new Gauge({
      name: 'osago_runs',
      help: 'Runs that this pod drives, those in their late window included',
      registers: [deps.metrics],
      collect() {
        this.set(runs.size);
      },
    });
    this.#taken = new Counter({
      name: 'osago_runs_taken_total',
      help: 'Runs that this pod has taken from a holder that was gone',
      registers: [deps.metrics],
    });
  }

  /** Until `signal` aborts; then the runs are left to peers at once. */
  async run(signal: AbortSignal): Promise<void> {
    void this.#watchPartitions(signal);
    while (!signal.aborted) {
      const startedAtMs = performance.now();
      const held = this.#heldPartitions();
      await Promise.all([...new Set([...this.#partitions, ...held])].map((at) => this.#beat(at, held.has(at))));
      this.#dropWithoutLease();
      await pause(RENEW_MS - (performance.now() - startedAtMs), signal);
    }
    this.#isStopped = true;
    const left = this.#heldPartitions();
    for (const requestId of this.#runs.keys()) this.#drop(requestId);
    await Promise.all([...left].map((partition) => this.#deps.runStore.release(partition)));
  }

  /** Undefined when this pod does not drive it. */
  look(requestId: string): Look | undefined {
    const run = this.#runs.get(requestId)?.executor.run;
    if (run === undefined) return undefined;
    return { drivenBy: 'this pod', legs: new Map(run.legs.map((leg) => [leg.insurer_id, leg])) };
  }

  /** Nothing when this pod does not drive it. */
  command(requestId: string, command: RunCommand): void {
    const run = this.#runs.get(requestId);
    if (run === undefined || run.commands.has(revisionOf(command))) return;
    run.commands.set(revisionOf(command), command);
    run.executor.input(command);
  }

  /** Drives the run from now on, unless another pod does. Without a lease only until `lost` aborts. */
  async begin(requestId: string, beginning: RunBeginning, lost: AbortSignal): Promise<void> {
    const { partition, head, commands } = beginning;
    const claim = await this.#claim(partition, requestId, head, commands);
    if (claim === 'not ours' || (claim === undefined && lost.aborted) || this.#isStopped) return;
    this.#drive(requestId, beginning, claim);
  }

  async #take(partition: number, requestId: string): Promise<void> {
    const claim = await this.#claim(partition, requestId);
    if (claim === 'not ours' || claim === undefined || this.#isStopped) return;
    this.#taken.inc();
    this.#drive(requestId, { partition, head: claim.head, commands: [] }, claim);
  }

  async #claim(...[partition, requestId, head, heard]: Parameters<RunStore['claim']>): Promise<Claim | 'not ours' | undefined> {
    if (this.#runs.has(requestId) || this.#claiming.has(requestId) || this.#isStopped) return 'not ours';
    this.#claiming.set(requestId, partition);
    try {
      const claim = await this.#deps.runStore.claim(partition, requestId, head, heard);
      return claim === 'driven' || claim === 'unknown' ? 'not ours' : claim;
    } finally {
      this.#claiming.delete(requestId);
    }
  }

  #drive(requestId: string, { partition, commands, ...beginning }: RunBeginning, claim: Claim | undefined): void {
    const { clock, log } = this.#deps;
    const nowMs = clock.nowMs();
    const fence = claim?.fence ?? nowMs;
    const head = { ...claim?.head, ...beginning.head };
    const { panel = [], policy_start_date: policyStartDate } = head.asked ?? {};
    const asked = { request_id: requestId, revision: 1 as const, panel, policyStartDate };
    if (claim !== undefined) {
      if (claim.legs.size > 0) log.info({ request_id: requestId, fence, count: claim.legs.size }, 'run resumed');
      this.#leaseUntilMs.set(partition, Math.max(this.#leaseUntilMs.get(partition) ?? 0, performance.now() + RENEW_MS));
    }
    const known = [...(claim?.commands ?? []), ...commands].sort((a, b) => revisionOf(a) - revisionOf(b));
    const executor = new RunExecutor(this.#deps, {
      begin: beginRun(asked, claim?.legs ?? new Map<string, LegRun>(), fence, nowMs),
      destination: { partition, traceparent: head.traceparent },
      application: (insurerId, attempt) => this.#open(run, requestId, sealedOf(run, insurerId, attempt)),
      save: (state, legs) => this.#save(run, state, legs),
      onStep: () => this.#options.onChange(requestId),
      onEnd: () => {
        if (this.#runs.get(requestId) === run) this.#runs.delete(requestId);
        this.#options.onChange(requestId);
      },
    });
    const run: Driven = {
      partition,
      executor,
      head,
      commands: new Map(),
      applications: new Map(),
    };
    this.#runs.set(requestId, run);
    for (const command of known) this.command(requestId, command);
    executor.start();
  }

  #open({ applications }: Driven, requestId: string, sealed: string | undefined): Promise<Application | InsurerReply> {
    const opened = applications.get(sealed) ?? this.#deps.applications.open(sealed, requestId);
    applications.set(sealed, opened);
    return opened;
  }

  async #save({ partition, head, commands }: Driven, run: RunState, legs: readonly LegRun[]): Promise<'saved' | 'superseded'> {
    const { runStore } = this.#deps;
    const isOver = isRunOver(run);
    const saved = await runStore.save(partition, run, { legs, isOver });
    if (saved !== 'lost') return saved ?? 'saved';
    const whole = { head, commands: [...commands.values()] };
    return (await runStore.save(partition, run, { legs: run.legs, isOver, whole })) === 'superseded' ? 'superseded' : 'saved';
  }

  #heldPartitions(): ReadonlySet<number> {
    return new Set([...this.#claiming.values(), ...[...this.#runs.values()].map(({ partition }) => partition)]);
  }

  async #beat(partition: number, isHolding: boolean): Promise<void> {
    const sentAtMs = performance.now();
    const handled = this.#handled.get(partition) ?? [];
    const beat = await this.#deps.runStore.beat(partition, { isHolding, handled });
    if (beat === undefined || this.#isStopped) return;
    this.#deps.clock.heard(beat.nowMs, performance.now() - sentAtMs);
    this.#handled.delete(partition);
    if (isHolding) this.#leaseUntilMs.set(partition, sentAtMs + LEASE_MS);
    if (isHolding && !beat.isKept) this.#storeAgain(partition);
    this.#read(partition, beat);
    for (const requestId of beat.orphans) {
      if (this.#runs.size + this.#claiming.size >= this.#options.runsMax && !this.#options.owns(partition)) return;
      this.#take(partition, requestId).catch((error: unknown) => {
        this.#deps.log.error({ error, request_id: requestId }, 'run could not be taken');
      });
    }
  }

  #read(partition: number, { mail }: Beat): void {
    const mine = mail.filter(({ request_id }) => this.#runs.has(request_id));
    for (const { request_id, command } of mine) this.command(request_id, command);
    if (mine.length > 0) this.#handled.set(partition, mine);
  }

  /** The lease was gone, and with it perhaps everything: what a peer would need is stored anew. */
  #storeAgain(partition: number): void {
    for (const run of this.#runs.values()) if (run.partition === partition) run.executor.storeAgain();
  }

  #dropWithoutLease(): void {
    const nowMs = performance.now();
    for (const [requestId, { partition, executor }] of this.#runs) {
      const leaseUntilMs = this.#leaseUntilMs.get(partition) ?? 0;
      const isOwner = this.#options.owns(partition);
      if (!mayDrive({ leaseUntilMs, isOwner, isFinished: executor.isFinished }, nowMs)) this.#drop(requestId);
    }
  }

  #drop(requestId: string): void {
    this.#runs.get(requestId)?.executor.abandon();
    this.#runs.delete(requestId);
  }

  async #watchPartitions(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        const count = await this.#deps.bus.partitions(TOPICS.requests);
        this.#partitions = new Set(Array.from({ length: count }, (_, at) => at));
      } catch (error) {
        this.#deps.log.debug({ error }, 'the number of partitions is not known yet');
      }
      await pause(this.#partitions.size === 0 ? RENEW_MS : PARTITIONS_EVERY_MS, signal);
    }
  }
}

const sealedOf = ({ head, commands }: Driven, insurerId: string, attempt: number): string | undefined => {
  if (attempt === 1) return head.application_sealed;
  for (const command of commands.values()) {
    if (command.kind !== 'retry-asked') continue;
    const { insurer_id, attempt: asked } = command.retry;
    if (insurer_id === insurerId && asked === attempt) return command.application_sealed;
  }
  return undefined;
};
