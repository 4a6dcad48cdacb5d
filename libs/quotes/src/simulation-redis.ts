/**
 * Test kit: the runs and leases in Redis, as the scripts of the aggregator's run store keep them (a test of that store
 * holds the two to each other). Legs and commands are never changed in place, so only what holds them is copied.
 */
import {
  type Beat,
  type Claim,
  LEASE_MS,
  type Look,
  type Mail,
  revisionOf,
  type RunCommand,
  type RunHead,
  type Saved,
} from './run-lease.ts';
import type { LegRun, RunState } from './run-state.ts';

class StoredRun {
  fence = 0;
  /** Absent until a holder has stored the run whole. */
  head: RunHead | undefined;
  legs = new Map<string, LegRun>();
  commands = new Map<number, RunCommand>();

  copy(): StoredRun {
    const { fence, head, legs, commands } = this;
    return Object.assign(new StoredRun(), { fence, head, legs: new Map(legs), commands: new Map(commands) });
  }
}

class Partition {
  /** Until when each holder has its lease. */
  holders = new Map<string, number>();
  holderOf = new Map<string, string>();
  runs = new Map<string, StoredRun>();
  mail = new Map<string, Mail>();

  copy(): Partition {
    const runs = new Map([...this.runs].map(([requestId, run]) => [requestId, run.copy()]));
    const { holders, holderOf, mail } = this;
    return Object.assign(new Partition(), {
      holders: new Map(holders),
      holderOf: new Map(holderOf),
      runs,
      mail: new Map(mail),
    });
  }

  isLive(holder: string | undefined, nowMs: number): boolean {
    return holder !== undefined && (this.holders.get(holder) ?? 0) > nowMs;
  }

  /** The runs of holders that are gone. One that has none left is forgotten. */
  orphans(nowMs: number): string[] {
    const orphans: string[] = [];
    for (const [name, untilMs] of this.holders) {
      if (untilMs > nowMs) continue;
      const before = orphans.length;
      for (const [requestId, holder] of this.holderOf) if (holder === name) orphans.push(requestId);
      if (orphans.length === before) this.holders.delete(name);
    }
    return orphans;
  }

  hold(requestId: string, holder: string, nowMs: number): void {
    this.holderOf.set(requestId, holder);
    if (!this.isLive(holder, nowMs)) this.holders.set(holder, nowMs + LEASE_MS);
  }
}

export class SimulatedRedis {
  readonly #nowMs: () => number;
  #partitions = new Map<number, Partition>();

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  /** All it had is gone. */
  flush(): void {
    this.#partitions.clear();
  }

  /** Nobody holds a run. */
  isIdle(number: number): boolean {
    return this.#partition(number).holderOf.size === 0;
  }

  /** What a replica has that takes over at `restore`: whatever is written meanwhile is lost. */
  snapshot(): { restore: () => void } {
    const kept = [...this.#partitions].map(([number, partition]) => [number, partition.copy()] as const);
    return {
      restore: () => {
        this.#partitions = new Map(kept);
      },
    };
  }

  #partition(number: number): Partition {
    const partition = this.#partitions.get(number) ?? new Partition();
    this.#partitions.set(number, partition);
    return partition;
  }

  claim(
    number: number,
    requestId: string,
    holder: string,
    { head, heard = [] }: { head?: RunHead | undefined; heard?: readonly RunCommand[] | undefined } = {},
  ): Claim | 'driven' | 'unknown' {
    const partition = this.#partition(number);
    const nowMs = this.#nowMs();
    const known = partition.holderOf.get(requestId);
    if (known !== holder && partition.isLive(known, nowMs)) return 'driven';
    const stored = partition.runs.get(requestId);
    if (head === undefined && stored?.head === undefined) {
      partition.holderOf.delete(requestId);
      return 'unknown';
    }
    const run = stored ?? new StoredRun();
    run.fence = Math.max(run.fence + 1, nowMs);
    run.head = { traceparent: '', ...run.head, ...head };
    for (const command of heard) run.commands.set(revisionOf(command), command);
    partition.runs.set(requestId, run);
    partition.hold(requestId, holder, nowMs);
    const commands = [...run.commands.values()].sort((a, b) => revisionOf(a) - revisionOf(b));
    return { fence: run.fence, head: run.head, legs: new Map(run.legs), commands };
  }

  save(
    number: number,
    { request_id, fence }: Pick<RunState, 'request_id' | 'fence'>,
    holder: string,
    { legs, isOver, whole }: { legs: readonly LegRun[]; isOver: boolean; whole?: { head: RunHead; commands: readonly RunCommand[] } },
  ): Saved {
    const partition = this.#partition(number);
    const stored = partition.runs.get(request_id);
    if ((stored?.fence ?? 0) > fence) return 'superseded';
    if (stored?.head === undefined && whole === undefined) return 'lost';
    const run = stored ?? new StoredRun();
    run.fence = fence;
    if (whole !== undefined) run.head = { ...run.head, ...whole.head };
    for (const command of whole?.commands ?? []) run.commands.set(revisionOf(command), command);
    for (const leg of legs) run.legs.set(leg.insurer_id, leg);
    partition.runs.set(request_id, run);
    if (isOver) partition.holderOf.delete(request_id);
    else partition.hold(request_id, holder, this.#nowMs());
    return 'saved';
  }

  command(number: number, requestId: string, holder: string, command: RunCommand): 'told' | 'not driven' {
    const partition = this.#partition(number);
    partition.runs.get(requestId)?.commands.set(revisionOf(command), command);
    const known = partition.holderOf.get(requestId);
    if (known === holder || !partition.isLive(known, this.#nowMs())) return 'not driven';
    partition.mail.set(`${requestId}:${revisionOf(command)}`, { request_id: requestId, command });
    return 'told';
  }

  look(number: number, requestId: string, holder: string): Look {
    const partition = this.#partition(number);
    const known = partition.holderOf.get(requestId);
    const isDriven = known !== holder && partition.isLive(known, this.#nowMs());
    const legs = partition.runs.get(requestId)?.legs ?? new Map<string, LegRun>();
    return { drivenBy: isDriven ? 'another pod' : 'nobody', legs: new Map(legs) };
  }

  beat(number: number, holder: string, { isHolding, handled }: { isHolding: boolean; handled: readonly Mail[] }): Beat {
    const partition = this.#partition(number);
    const nowMs = this.#nowMs();
    for (const { request_id, command } of handled) partition.mail.delete(`${request_id}:${revisionOf(command)}`);
    for (const [id, { request_id }] of partition.mail) {
      if (!partition.holderOf.has(request_id)) partition.mail.delete(id);
    }
    const isKept = partition.holders.has(holder);
    if (isHolding) partition.holders.set(holder, nowMs + LEASE_MS);
    // Whatever it holds by a claim whose answer it never got is an orphan.
    else if (isKept) partition.holders.set(holder, 0);
    return { nowMs, isKept, mail: [...partition.mail.values()], orphans: partition.orphans(nowMs) };
  }

  /** A holder that stops: its runs are orphans from now on. */
  release(number: number, holder: string): void {
    const { holders } = this.#partition(number);
    if (holders.has(holder)) holders.set(holder, 0);
  }
}
