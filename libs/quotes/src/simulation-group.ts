/**
 * The consumer group of a simulated life: one partition, of which we see the records of one request. Its owner gets
 * every record that is not committed; `done` commits up to the lowest record that is not done, within a second.
 */
import type { CommandEvent } from '@osago/contracts';
import type { World } from './simulation-world.ts';
import type { SimulatedPod } from './simulation-pod.ts';

const COMMIT_EVERY_MS = 1_000;

export class SimulatedGroup {
  readonly #records: CommandEvent[] = [];
  #committed = 0;
  #done = new Set<number>();
  #owner: SimulatedPod | undefined;
  /** Counts the owners: what belongs to a former one has no effect. */
  #tenure = 0;
  #deliveredAtMs = 0;

  get owner(): SimulatedPod | undefined {
    return this.#owner;
  }

  get uncommitted(): readonly CommandEvent[] {
    return this.#records.slice(this.#committed);
  }

  append(world: World, record: CommandEvent): void {
    this.#records.push(record);
    world.note({ kind: 'published', atMs: world.agenda.nowMs, revision: record.data.revision });
    this.#deliver(world, this.#records.length - 1);
  }

  /** The former owner hears of it now, if it can: one that is paused goes on as if it still were. */
  assign(world: World, pod: SimulatedPod | undefined): void {
    const former = this.#owner;
    if (former === pod) return;
    this.#commit();
    this.#tenure += 1;
    this.#done = new Set();
    this.#owner = pod;
    this.#deliveredAtMs = world.agenda.nowMs + world.random.integer(5, 300);
    former?.later(0, () => {
      if (this.#owner !== former) former.owner.onRevoked();
    });
    if (pod === undefined) return;
    world.note({ kind: 'owns', atMs: world.agenda.nowMs, pod: pod.name });
    pod.later(0, () => pod.owner.onAssigned());
    for (let at = this.#committed; at < this.#records.length; at += 1) this.#deliver(world, at);
  }

  #deliver(world: World, at: number): void {
    const { agenda, random, note } = world;
    const [owner, tenure, record] = [this.#owner, this.#tenure, this.#records[at]];
    if (owner === undefined || record === undefined) return;
    this.#deliveredAtMs = Math.max(this.#deliveredAtMs, agenda.nowMs + random.integer(1, 30));
    owner.later(this.#deliveredAtMs - agenda.nowMs, () => {
      if (this.#tenure !== tenure) return;
      owner.owner.onRecord(record, () => {
        if (this.#tenure !== tenure) return;
        note({ kind: 'done', atMs: agenda.nowMs, pod: owner.name, revision: record.data.revision });
        this.#done.add(at);
        agenda.after(random.integer(1, COMMIT_EVERY_MS), () => {
          if (this.#tenure === tenure && owner.isAlive) this.#commit();
        });
      });
    });
  }

  #commit(): void {
    while (this.#done.has(this.#committed)) this.#committed += 1;
  }
}
