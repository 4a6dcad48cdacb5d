/**
 * The partition owner of design §7: consumes `osago.requests.v1`, hands over at once, never holds the consumer. It keeps
 * each record until every leg that the record asked for is settled, has runs driven that nobody drives, and ends what
 * nobody ended; what a crash interrupts is delivered again. Cancels and retries go to whoever drives the run. What cannot
 * be decoded or applied is buried among the dead letters.
 */
import { type CommandEvent, decodeEvent, type EventOf, isLegEvent, TOPICS } from '@osago/contracts';
import type { DeadLetters, EventBus, LogRecord, Subscription, TopicPartition } from '@osago/event-bus';
import {
  ABANDONED_MS,
  type AskedLeg,
  decideAsOwner,
  type Look,
  openLegs,
  OWNER_LOOK_MS,
  type RunCommand,
  type RunHead,
} from '@osago/quotes';
import type { Keyring, Service } from '@osago/service-kit';
import { Applications, UNREADABLE } from './applications.ts';
import { RunDriver, type RunDriverDeps } from './run-driver.ts';
import type { RunStore } from './run-store.ts';

/** How exactly the owner keeps to its moments. */
const SWEEP_MS = 200;

type Submitted = EventOf<'osago.request.submitted.v1'>;
type RetryAsked = EventOf<'osago.leg.retry-asked.v1'>;

export interface AggregatorDeps extends Omit<RunDriverDeps, 'applications' | 'runStore'> {
  bus: EventBus;
  deadLetters: Pick<DeadLetters, 'bury'>;
  logKeys: Keyring;
  /** Insurers by id, as the person is shown them: a retry does not name its insurer. */
  names: ReadonlyMap<string, string>;
  runStore: RunDriverDeps['runStore'] & Pick<RunStore, 'look'>;
}

/** A record that is not done, and what of it is not settled. */
interface Kept {
  readonly record: LogRecord;
  readonly asked: readonly AskedLeg[];
  open: readonly AskedLeg[];
}

/** What the owner holds of a request, from the first record that it keeps to the last. */
interface Tracked {
  readonly partition: number;
  /** Aborted when the partition goes. */
  readonly lost: AbortController;
  head: RunHead;
  readonly commands: RunCommand[];
  kept: Kept[];
  /** New: no pod can be driving it, unless it is delivered again. Then the claim says so. */
  isNew: boolean;
  lookAtMs: number;
  isLooking: boolean;
  isChanged: boolean;
}

export class Aggregator implements Service {
  readonly name = 'aggregator';
  readonly #deps: AggregatorDeps;
  readonly #applications: Applications;
  readonly #driver: RunDriver;
  readonly #subscription: Subscription;
  readonly #tracked = new Map<string, Tracked>();
  readonly #owned = new Set<number>();
  /** Aborted when this pod has left the group: what is not buried by then, the next owner buries. */
  readonly #left = new AbortController();

  constructor(deps: AggregatorDeps, { runsMax, sessionTimeoutMs }: { runsMax: number; sessionTimeoutMs?: number }) {
    this.#deps = deps;
    this.#applications = new Applications(deps);
    this.#driver = new RunDriver(
      { ...deps, applications: this.#applications },
      {
        runsMax,
        owns: (partition) => this.#owned.has(partition),
        onChange: (requestId) => this.#look(requestId),
      },
    );
    this.#subscription = deps.bus.subscribe(
      {
        group: 'osago-aggregator',
        topics: [TOPICS.requests],
        inFlightMax: runsMax,
        ...(sessionTimeoutMs !== undefined && { sessionTimeoutMs }),
      },
      {
        onRecord: (record) => {
          this.#onRecord(record);
        },
        onAssigned: (partitions) => {
          for (const { partition } of partitions) this.#owned.add(partition);
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
    const either = AbortSignal.any([signal, this.#left.signal]);
    const sweep = setInterval(() => {
      this.#sweep();
    }, SWEEP_MS);
    const driving = this.#driver.run(either);
    try {
      await this.#subscription.run(signal);
    } finally {
      clearInterval(sweep);
      this.#left.abort();
      this.#applications.close();
      this.#forget(() => true);
      await driving;
    }
  }

  /** Its runs go on under the lease of this pod; the next owner commits them. */
  #onRevoked(revoked: readonly TopicPartition[]): void {
    const partitions = new Set(revoked.map(({ partition }) => partition));
    for (const partition of partitions) this.#owned.delete(partition);
    this.#forget(({ partition }) => partitions.has(partition));
  }

  #forget(isLost: (tracked: Tracked) => boolean): void {
    for (const [requestId, tracked] of this.#tracked) {
      if (!isLost(tracked)) continue;
      tracked.lost.abort();
      this.#tracked.delete(requestId);
    }
  }

  #onRecord(record: LogRecord): void {
    const decoded = decodeEvent(record.value);
    if (!decoded.ok) this.#bury(record, decoded.reason);
    else if (isLegEvent(decoded.event)) this.#bury(record, `${decoded.event.type} is not for the aggregator`);
    else this.#onEvent(record, decoded.event);
  }

  #onEvent(record: LogRecord, event: CommandEvent): void {
    switch (event.type) {
      case 'osago.request.submitted.v1':
        this.#onSubmitted(record, event);
        return;
      case 'osago.leg.retry-asked.v1':
        this.#onRetryAsked(record, event);
        return;
      case 'osago.request.cancelled.v1': {
        const { request_id, revision } = event.data;
        const command: RunCommand = { kind: 'cancelled', revision, atMs: Date.parse(event.time) };
        void this.#command(record.partition, request_id, command).then(() => this.#subscription.done(record));
      }
    }
  }

  /** Done once the dead letter is on the log; until then it holds its partition's commit, and nothing else. */
  #bury(record: LogRecord, reason: string): void {
    void this.#deps.deadLetters.bury(record, reason, this.#left.signal).then((isBuried) => {
      if (isBuried) this.#subscription.done(record);
    });
  }

  #onSubmitted(record: LogRecord, { data }: Submitted): void {
    const { request_id, panel, revision, application_sealed, tariff } = data;
    const asked = panel.map(({ insurer_id, name, deadline_at }) => ({
      insurer_id,
      name,
      attempt: 1,
      revision,
      deadlineAtMs: Date.parse(deadline_at),
    }));
    const tracked = this.#keep(record, request_id, asked);
    if (tracked === undefined) return;
    const { policy_start_date } = tariff;
    tracked.head = { ...tracked.head, application_sealed, asked: { panel, policy_start_date } };
    this.#look(request_id);
  }

  #onRetryAsked(record: LogRecord, { data }: RetryAsked): void {
    const { request_id, insurer_id, attempt, revision, deadline_at, application_sealed, tariff } = data;
    const name = this.#deps.names.get(insurer_id) ?? insurer_id;
    const leg = { insurer_id, name, attempt, revision, deadlineAtMs: Date.parse(deadline_at) };
    const tracked = this.#keep(record, request_id, [leg]);
    if (tracked === undefined) return;
    tracked.isNew = false;
    const { policy_start_date } = tariff;
    const retry = { request_id, insurer_id, attempt, revision, deadline_at, policy_start_date };
    const command: RunCommand = { kind: 'retry-asked', name, retry, application_sealed };
    void this.#command(record.partition, request_id, command).then(() => this.#look(request_id));
  }

  /** Undefined when the record has no work: it is long over, or another one that is kept asked for the same. */
  #keep(record: LogRecord, requestId: string, asked: readonly AskedLeg[]): Tracked | undefined {
    const nowMs = this.#deps.clock.nowMs();
    const held = this.#tracked.get(requestId);
    const isAbandoned = asked.every(({ deadlineAtMs }) => nowMs - deadlineAtMs > ABANDONED_MS);
    const isRepeated = held?.kept.some((kept) => kept.asked[0]?.revision === asked[0]?.revision) === true;
    if (isAbandoned || isRepeated) {
      this.#subscription.done(record);
      return undefined;
    }
    const tracked: Tracked = held ?? {
      partition: record.partition,
      lost: new AbortController(),
      head: { traceparent: record.headers['traceparent'] ?? '' },
      commands: [],
      kept: [],
      isNew: asked.some(({ deadlineAtMs }) => nowMs < deadlineAtMs),
      lookAtMs: Infinity,
      isLooking: false,
      isChanged: false,
    };
    tracked.kept.push({ record, asked, open: asked });
    this.#tracked.set(requestId, tracked);
    return tracked;
  }

  /** To the run if this pod drives it, and to Redis for whoever drives it now or after this pod. */
  async #command(partition: number, requestId: string, command: RunCommand): Promise<void> {
    this.#tracked.get(requestId)?.commands.push(command);
    this.#driver.command(requestId, command);
    await this.#deps.runStore.command(partition, requestId, command);
    // Begun meanwhile, by a claim that came before the command.
    this.#driver.command(requestId, command);
    this.#look(requestId);
  }

  #sweep(): void {
    const nowMs = this.#deps.clock.nowMs();
    for (const [requestId, tracked] of this.#tracked) if (tracked.lookAtMs <= nowMs) this.#look(requestId);
  }

  /** Looks what there is to do for a request, now. One look at a time; what changes meanwhile is looked at after it. */
  #look(requestId: string): void {
    const tracked = this.#tracked.get(requestId);
    if (tracked === undefined) return;
    tracked.isChanged = true;
    if (!tracked.isLooking) void this.#lookOn(requestId, tracked);
  }

  async #lookOn(requestId: string, tracked: Tracked): Promise<void> {
    tracked.isLooking = true;
    while (tracked.isChanged && !tracked.lost.signal.aborted) {
      tracked.isChanged = false;
      try {
        await this.#decide(requestId, tracked);
      } catch (error) {
        this.#deps.log.error({ error, request_id: requestId }, 'request could not be looked after');
        tracked.lookAtMs = this.#deps.clock.nowMs() + OWNER_LOOK_MS;
      }
    }
    tracked.isLooking = false;
  }

  async #decide(requestId: string, tracked: Tracked): Promise<void> {
    const { clock, runStore } = this.#deps;
    const { partition } = tracked;
    const lost = tracked.lost.signal;
    const look = this.#driver.look(requestId) ?? (tracked.isNew ? UNKNOWN : await runStore.look(partition, requestId));
    if (lost.aborted) return;
    tracked.isNew = false;
    this.#settle(requestId, tracked, look);
    if (tracked.kept.length === 0) return;
    const open = tracked.kept.flatMap((kept) => kept.open);
    const decision = decideAsOwner({ requestId, open, look }, { nowMs: clock.nowMs(), awayForMs: runStore.awayForMs(partition) });
    switch (decision.kind) {
      case 'drive':
        await this.#driver.begin(requestId, tracked, lost);
        // Driven here it changes with each step; driven elsewhere it is looked after now and then.
        tracked.lookAtMs = clock.nowMs() + OWNER_LOOK_MS;
        return;
      case 'end': {
        const destination = { partition, traceparent: tracked.head.traceparent };
        const acks = decision.events.map((event) => this.#deps.publisher.publish(event, destination, lost));
        if (!(await Promise.all(acks)).every(Boolean)) return;
        const ended = new Set(decision.legs);
        for (const kept of tracked.kept) kept.open = kept.open.filter((leg) => !ended.has(leg));
        tracked.isChanged = true;
        return;
      }
      case 'wait':
        tracked.lookAtMs = decision.untilMs;
    }
  }

  #settle(requestId: string, tracked: Tracked, look: Look | undefined): void {
    const cancels = tracked.commands.filter((command) => command.kind === 'cancelled');
    for (const kept of tracked.kept) kept.open = openLegs(kept.open, look?.legs, cancels);
    const settled = tracked.kept.filter(({ open }) => open.length === 0);
    if (settled.length === 0) return;
    tracked.kept = tracked.kept.filter(({ open }) => open.length > 0);
    if (tracked.kept.length === 0) this.#tracked.delete(requestId);
    for (const { record, asked } of settled) {
      // Its legs have ended with errors, and the record is kept for the day when its key is found.
      if (isUnreadable(asked, look)) this.#bury(record, UNREADABLE);
      else this.#subscription.done(record);
    }
  }
}

const UNKNOWN: Look = { drivenBy: 'nobody', legs: new Map() };

const isUnreadable = (asked: readonly AskedLeg[], look: Look | undefined): boolean =>
  asked.some(({ insurer_id, attempt }) => {
    const leg = look?.legs.get(insurer_id);
    return leg?.attempt === attempt && leg.outcome?.event.data.reason?.message === UNREADABLE;
  });
