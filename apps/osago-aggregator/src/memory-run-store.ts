/** For the tests of this folder: the promises of the run store in memory, for one pod, over a Redis that pods share. */
import type { Beat, Claim, LegRun, Look, RunState, Saved } from '@osago/quotes';
import { SimulatedRedis } from '@osago/quotes/simulation-redis';
import type { AggregatorDeps } from './aggregator.ts';
import type { RunStore } from './run-store.ts';

type StorePort = AggregatorDeps['runStore'];

let holders = 0;

export class MemoryRunStore implements Pick<RunStore, keyof StorePort> {
  readonly holder: string;
  readonly redis: SimulatedRedis;
  readonly #awaySinceMs: number[] = [];

  constructor(redis: SimulatedRedis = new SimulatedRedis(() => Date.now())) {
    holders += 1;
    this.holder = `pod-${holders}`;
    this.redis = redis;
  }

  /** From now on, and since so long. */
  goAway(sinceMs = 0): void {
    this.#awaySinceMs[0] = performance.now() - sinceMs;
  }

  comeBack(): void {
    this.#awaySinceMs.length = 0;
  }

  awayForMs(): number {
    const [sinceMs] = this.#awaySinceMs;
    return sinceMs === undefined ? 0 : performance.now() - sinceMs;
  }

  /** As through a connection: not at once. */
  async #ask<T>(answer: () => T): Promise<T | undefined> {
    await Promise.resolve();
    return this.#awaySinceMs.length > 0 ? undefined : answer();
  }

  claim(...[partition, requestId, head, heard]: Parameters<StorePort['claim']>): Promise<Claim | 'driven' | 'unknown' | undefined> {
    return this.#ask(() => this.redis.claim(partition, requestId, this.holder, { head, heard }));
  }

  save(partition: number, run: RunState, what: Parameters<StorePort['save']>[2]): Promise<Saved | undefined> {
    return this.#ask(() => this.redis.save(partition, run, this.holder, what));
  }

  command(...[partition, requestId, command]: Parameters<StorePort['command']>): Promise<'told' | 'not driven' | undefined> {
    return this.#ask(() => this.redis.command(partition, requestId, this.holder, command));
  }

  look(partition: number, requestId: string): Promise<Look | undefined> {
    return this.#ask(() => this.redis.look(partition, requestId, this.holder));
  }

  beat(partition: number, what: Parameters<StorePort['beat']>[1]): Promise<Beat | undefined> {
    return this.#ask(() => this.redis.beat(partition, this.holder, what));
  }

  async release(partition: number): Promise<void> {
    await this.#ask(() => this.redis.release(partition, this.holder));
  }

  /** As it is stored. */
  leg(requestId: string, insurerId: string, partition = 2): LegRun | undefined {
    return this.redis.look(partition, requestId, 'somebody').legs.get(insurerId);
  }
}
