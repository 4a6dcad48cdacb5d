/**
 * Consumes `osago.requests.v1` and keeps a run for each request: hands over at once, never holds the consumer. A record
 * is done when every outcome of its run is on the log, so what a crash interrupts is delivered again and resumed from
 * Redis. The late window goes on after that and holds nothing. What cannot be decoded or applied is buried among the dead
 * letters.
 */
import {
  type Application,
  decodeEvent,
  type EventOf,
  type LegEvent,
  TOPICS,
} from '@osago/contracts';
import type { DeadLetters, EventBus, LogRecord, Subscription, TopicPartition } from '@osago/event-bus';
import {
  type InsurerReply,
  ownerTimeout,
  resumeRun,
  type RunInput,
  type RunStep,
  startRun,
} from '@osago/quotes';
import { Gauge, type Keyring, pause, type Registry, type Service } from '@osago/service-kit';
import { RunExecutor, type RunExecutorDeps } from './run-executor.ts';
import type { Claim } from './run-store.ts';

/** From its deadline until the owner of its partition ends a run that another pod took and did not finish. */
const OWNER_GRACE_MS = 2_000;
/** Older than this nothing is published: nobody waits, and `view()` has long ended the request. */
const ABANDONED_MS = 3_600_000;

type Submitted = EventOf<'osago.request.submitted.v1'>;

export interface AggregatorDeps extends RunExecutorDeps {
  bus: EventBus;
  deadLetters: Pick<DeadLetters, 'bury'>;
  logKeys: Keyring;
  metrics: Registry;
}

/** A request in hand, from its record to the end of its late window. */
interface Run {
  readonly partition: number;
  /** Aborted when the partition goes: what is being prepared must not start. */
  readonly lost: AbortController;
  /** Undefined while nothing drives it: what comes meanwhile waits in `inputs`. */
  executor: RunExecutor | undefined;
  readonly inputs: RunInput[];
}

export class Aggregator implements Service {
  readonly name = 'aggregator';
  readonly #deps: AggregatorDeps;
  readonly #subscription: Subscription;
  readonly #runs = new Map<string, Run>();
  /** Aborted when this pod has left the group: what is not buried by then, the next owner buries. */
  readonly #left = new AbortController();

  constructor(deps: AggregatorDeps, { runsMax }: { runsMax: number }) {
    this.#deps = deps;
    const runs = this.#runs;
    new Gauge({
      name: 'osago_runs',
      help: 'Runs of this pod, those in their late window included',
      registers: [deps.metrics],
      collect() {
        this.set(runs.size);
      },
    });
    this.#subscription = deps.bus.subscribe(
      { group: 'osago-aggregator', topics: [TOPICS.requests], inFlightMax: runsMax },
      {
        onRecord: (record) => {
          this.#onRecord(record);
        },
        onRevoked: (partitions) => {
          this.#onRevoked(partitions);
        },
      },
    );
  }

  readiness(): string | undefined {
    return this.#subscription.health().phase === 'live' ? undefined : 'not in the consumer group yet';
  }

  async run(signal: AbortSignal): Promise<void> {
    try {
      await this.#subscription.run(signal);
    } finally {
      this.#left.abort();
      this.#abandon(() => true);
    }
  }

  #onRevoked(revoked: readonly TopicPartition[]): void {
    const partitions = new Set(revoked.map(({ partition }) => partition));
    this.#abandon(({ partition }) => partitions.has(partition));
  }

  #abandon(isLost: (run: Run) => boolean): void {
    for (const [requestId, run] of this.#runs) {
      if (!isLost(run)) continue;
      run.lost.abort();
      run.executor?.abandon();
      this.#runs.delete(requestId);
    }
  }

  #onRecord(record: LogRecord): void {
    const decoded = decodeEvent(record.value);
    if (!decoded.ok) {
      this.#bury(record, decoded.reason);
      return;
    }
    const { event } = decoded;
    if (event.type === 'osago.request.submitted.v1') {
      this.#onSubmitted(record, event);
      return;
    }
    if (event.type !== 'osago.request.cancelled.v1') {
      this.#bury(record, `${event.type} is not for the aggregator`);
      return;
    }
    const { request_id, revision } = event.data;
    const run = this.#runs.get(request_id);
    const input: RunInput = { kind: 'cancelled', revision };
    if (run?.executor !== undefined) run.executor.input(input);
    else run?.inputs.push(input);
    this.#subscription.done(record);
  }

  /** Done once the dead letter is on the log; until then it holds its partition's commit, and nothing else. */
  #bury(record: LogRecord, reason: string): void {
    void this.#deps.deadLetters.bury(record, reason, this.#left.signal).then((isBuried) => {
      if (isBuried) this.#subscription.done(record);
    });
  }

  #onSubmitted(record: LogRecord, event: Submitted): void {
    const { request_id } = event.data;
    if (this.#runs.has(request_id)) {
      // Published twice. The first record holds the commit until the run is finished.
      this.#subscription.done(record);
      return;
    }
    const run: Run = {
      partition: record.partition,
      lost: new AbortController(),
      executor: undefined,
      inputs: [],
    };
    this.#runs.set(request_id, run);
    this.#begin(record, event, run).catch((error: unknown) => {
      // The record stays unfinished: a restart of this pod, or a peer, begins it anew.
      this.#deps.log.error({ error, request_id }, 'run could not begin');
      this.#forget(request_id, run);
    });
  }

  /** Unless the partition went and came back, and another run stands in its place. */
  #forget(requestId: string, run: Run): void {
    if (this.#runs.get(requestId) === run) this.#runs.delete(requestId);
  }

  async #begin(record: LogRecord, event: Submitted, run: Run): Promise<void> {
    const { partition } = record;
    const { clock, runStore } = this.#deps;
    const { request_id, deadline_at } = event.data;
    const lost = run.lost.signal;
    const isLost = (): boolean => lost.aborted;
    const destination = { partition, traceparent: record.headers['traceparent'] ?? '' };
    const lateMs = clock.nowMs() - Date.parse(deadline_at);
    if (lateMs > ABANDONED_MS) {
      this.#subscription.done(record);
      this.#forget(request_id, run);
      return;
    }
    const claim = await runStore.claim(partition, request_id);
    if (isLost()) return;
    if (lateMs > 0) {
      await this.#expire(event, claim, destination, lost);
      this.#subscription.done(record);
      this.#forget(request_id, run);
      return;
    }
    const application = await this.#open(event);
    if (isLost()) return;
    // Its legs end with errors, and the record is kept for the day when its key is found.
    const isUnreadable = 'fault' in application;
    const executor = new RunExecutor(this.#deps, {
      begin: this.#beginning(event, claim),
      destination,
      application,
      onFinished: () => {
        if (isUnreadable) this.#bury(record, 'the application cannot be opened');
        else this.#subscription.done(record);
      },
      onOver: () => {
        this.#forget(request_id, run);
      },
      onTaken: () => {
        run.executor = undefined;
        void this.#endForTaker(record, event, run);
      },
    });
    run.executor = executor;
    for (const input of run.inputs.splice(0)) executor.input(input);
    executor.start();
  }

  /**
   * A pod that took the run and lost the partition before it began leaves nobody behind: the owner of the partition ends
   * the run when its time is over, for otherwise the record would never be done.
   */
  async #endForTaker(record: LogRecord, event: Submitted, run: Run): Promise<void> {
    const { request_id, deadline_at } = event.data;
    const lost = run.lost.signal;
    await pause(Date.parse(deadline_at) + OWNER_GRACE_MS - this.#deps.clock.nowMs(), lost);
    if (lost.aborted) return;
    await this.#begin(record, event, run).catch((error: unknown) => {
      this.#deps.log.error({ error, request_id }, 'run could not be ended');
      this.#forget(request_id, run);
    });
  }

  /** New, or as far as a former holder has stored it; a leg that it never stored begins anew. */
  #beginning({ data }: Submitted, claim: Claim | undefined): RunStep {
    const nowMs = this.#deps.clock.nowMs();
    const fresh = startRun(data, claim?.fence ?? nowMs, nowMs);
    if (claim === undefined || claim.legs.size === 0) return { run: fresh, effects: [] };
    const legs = fresh.legs.map((leg) => claim.legs.get(leg.insurer_id) ?? leg);
    this.#deps.log.info({ request_id: data.request_id, fence: claim.fence, count: claim.legs.size }, 'run resumed');
    return resumeRun({ ...fresh, legs }, claim.fence, nowMs);
  }

  async #open({ data }: Submitted): Promise<Application | InsurerReply> {
    try {
      return JSON.parse(await this.#deps.logKeys.open(data.application_sealed)) as Application;
    } catch (error) {
      this.#deps.log.error({ error, request_id: data.request_id }, 'application cannot be opened');
      return { kind: 'fault', fault: 'rejected', message: 'the application cannot be opened' };
    }
  }

  /** Expired on arrival: asks nobody. What was answered is published again, every other leg has timed out. */
  async #expire(
    { data }: Submitted,
    claim: Claim | undefined,
    destination: { partition: number; traceparent: string },
    lost: AbortSignal,
  ): Promise<void> {
    const events = data.panel.flatMap((member): LegEvent[] => {
      const stored = claim?.legs.get(member.insurer_id)?.outcome;
      if (stored === undefined) return [ownerTimeout(data, member)];
      return stored.acked ? [] : [stored.event];
    });
    await Promise.all(events.map((event) => this.#deps.publisher.publish(event, destination, lost)));
  }
}
