/**
 * A pod of a simulated life as the owner of the partition: what `aggregator.ts` of the app does, in virtual time. The
 * decisions are those of `run-lease.ts`; what is said here again is who asks whom, in what order, and what may happen in
 * between.
 */
import type { CommandEvent } from '@osago/contracts';
import { type AskedLeg, decideAsOwner, type Look, openLegs, OWNER_LOOK_MS, type RunCommand, type RunHead } from './run-lease.ts';
import { REQUEST_ID } from './simulation-events.ts';
import type { SimulatedPod } from './simulation-pod.ts';
import { PARTITION, type World } from './simulation-world.ts';

const SWEEP_MS = 200;

interface Kept {
  readonly asked: readonly AskedLeg[];
  open: readonly AskedLeg[];
  readonly done: () => void;
}

export interface Tracked {
  head: RunHead;
  readonly commands: RunCommand[];
  kept: Kept[];
  isNew: boolean;
  isLooking: boolean;
  isChanged: boolean;
  /** Counts the looks: only the last one says when to look again. */
  turn: number;
}

export class SimulatedOwner {
  readonly #world: World;
  readonly #pod: SimulatedPod;
  #isOwner = false;
  #tracked: Tracked | undefined;

  constructor(world: World, pod: SimulatedPod) {
    this.#world = world;
    this.#pod = pod;
  }

  onAssigned(): void {
    this.#isOwner = true;
  }

  onRevoked(): void {
    this.#isOwner = false;
    this.#tracked = undefined;
  }

  get isOwner(): boolean {
    return this.#isOwner;
  }

  get isBusy(): boolean {
    return this.#tracked !== undefined;
  }

  onRecord({ type, data, time }: CommandEvent, done: () => void): void {
    if (this.#pod.dies()) return;
    if (type === 'osago.request.cancelled.v1') {
      this.#hear({ kind: 'cancelled', revision: data.revision, atMs: Date.parse(time) }, done);
      return;
    }
    const members = type === 'osago.request.submitted.v1' ? data.panel : [{ ...data, name: data.insurer_id.toUpperCase() }];
    const attempt = type === 'osago.request.submitted.v1' ? 1 : data.attempt;
    const asked = members.map(({ insurer_id, name, deadline_at }) => ({
      insurer_id,
      name,
      attempt,
      revision: data.revision,
      deadlineAtMs: Date.parse(deadline_at),
    }));
    const { nowMs } = this.#world.agenda;
    const isNew = type === 'osago.request.submitted.v1' && asked.some(({ deadlineAtMs }) => nowMs < deadlineAtMs);
    this.#tracked ??= { head: { traceparent: '' }, commands: [], kept: [], isNew, isLooking: false, isChanged: false, turn: 0 };
    this.#tracked.kept.push({ asked, open: asked, done });
    if (type === 'osago.request.submitted.v1') {
      const { application_sealed, panel, tariff } = data;
      this.#tracked.head = { traceparent: '', application_sealed, asked: { panel, policy_start_date: tariff.policy_start_date } };
      this.look();
    } else {
      this.#tracked.isNew = false;
      const { tariff, application_sealed, ...asked } = data;
      const retry = { ...asked, policy_start_date: tariff.policy_start_date };
      const name = retry.insurer_id.toUpperCase();
      this.#hear({ kind: 'retry-asked', name, retry, application_sealed }, () => undefined);
    }
  }

  #hear(command: RunCommand, then: () => void): void {
    this.#tracked?.commands.push(command);
    this.#pod.command(command);
    this.#pod.ask(
      () => this.#world.redis.command(PARTITION, REQUEST_ID, this.#pod.name, command),
      () => {
        this.#pod.command(command);
        this.look();
        then();
      },
    );
  }

  look(): void {
    if (this.#tracked === undefined) return;
    this.#tracked.isChanged = true;
    this.#lookOn(this.#tracked);
  }

  #lookOn(tracked: Tracked): void {
    if (tracked.isLooking || !tracked.isChanged || this.#tracked !== tracked) return;
    tracked.isChanged = false;
    tracked.isLooking = true;
    const then = (look: Look | undefined): void => this.#decide(tracked, look);
    const { run } = this.#pod;
    if (run !== undefined) then({ drivenBy: 'this pod', legs: new Map(run.legs.map((leg) => [leg.insurer_id, leg])) });
    else if (tracked.isNew) then({ drivenBy: 'nobody', legs: new Map() });
    else this.#pod.ask(() => this.#world.redis.look(PARTITION, REQUEST_ID, this.#pod.name), then);
  }

  #looked(tracked: Tracked, againAtMs: number): void {
    tracked.isLooking = false;
    const { agenda, random } = this.#world;
    tracked.turn += 1;
    const { turn } = tracked;
    this.#pod.later(againAtMs - agenda.nowMs + random.integer(0, SWEEP_MS), () => {
      if (tracked.turn !== turn) return;
      tracked.isChanged = true;
      this.#lookOn(tracked);
    });
    this.#lookOn(tracked);
  }

  #decide(tracked: Tracked, look: Look | undefined): void {
    if (this.#tracked !== tracked) return;
    const { nowMs } = this.#world.agenda;
    tracked.isNew = false;
    this.#settle(tracked, look);
    if (tracked.kept.length === 0) {
      this.#tracked = undefined;
      return;
    }
    const open = tracked.kept.flatMap((kept) => kept.open);
    const decision = decideAsOwner({ requestId: REQUEST_ID, open, look }, { nowMs, awayForMs: this.#pod.awayForMs() });
    switch (decision.kind) {
      case 'drive':
        this.#pod.begin(
          () => this.#tracked !== tracked,
          tracked,
          () => {
            if (this.#tracked === tracked) this.#looked(tracked, this.#world.agenda.nowMs + OWNER_LOOK_MS);
          },
        );
        return;
      case 'end':
        this.#pod.later(this.#world.random.integer(1, 60), () => {
          if (this.#tracked !== tracked) return;
          for (const event of decision.events) this.#world.append(event);
          if (this.#pod.dies()) return;
          for (const kept of tracked.kept) kept.open = kept.open.filter((leg) => !decision.legs.includes(leg));
          tracked.isChanged = true;
          this.#looked(tracked, nowMs + OWNER_LOOK_MS);
        });
        return;
      case 'wait':
        this.#looked(tracked, decision.untilMs);
    }
  }

  #settle(tracked: Tracked, look: Look | undefined): void {
    const cancels = tracked.commands.filter((command) => command.kind === 'cancelled');
    for (const kept of tracked.kept) kept.open = openLegs(kept.open, look?.legs, cancels);
    const settled = tracked.kept.filter(({ open }) => open.length === 0);
    tracked.kept = tracked.kept.filter(({ open }) => open.length > 0);
    for (const { done } of settled) done();
  }
}
