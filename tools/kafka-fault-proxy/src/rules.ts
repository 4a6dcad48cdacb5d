/**
 * Which faults are made, and when. A rule reads as a sentence: `{ on: 'Produce', topic: 'orders', partition: 1,
 * answerWith: 'NOT_LEADER_OR_FOLLOWER', times: 1 }`. All rules that match a request take part in it: delays add up, a
 * close or a drop beats an error, of two errors for a partition the older rule's counts.
 */
import { apiOf, type ApiName } from './apis.ts';
import type { ErrorName } from './error-codes.ts';

export interface PartitionName {
  readonly topic: string;
  /** Absent where the request is about a whole topic (Metadata). */
  readonly partition?: number;
}

/** What is left out matches all. */
export interface Target {
  /** An API by name; by key where it has none here. */
  readonly on?: ApiName | number;
  /** Of requests that name topics: Produce, Fetch, ListOffsets, OffsetCommit, Metadata. */
  readonly topic?: string;
  readonly partition?: number;
  readonly node?: number;
  /** The client's id. */
  readonly client?: string;
}

/** The broker never sees what is refused; other partitions of the request are handled. */
export interface AnswerWith {
  readonly answerWith: ErrorName | number;
  /** The broker does what was asked, and the client is told of an error all the same. */
  readonly handled?: boolean;
}

/** `request`: it never reaches the broker. `answer`: it does. */
interface Drop {
  readonly drop: 'request' | 'answer';
}

/** What follows on the connection waits, too. A request is held even if the client goes away, and then handled. */
interface Delay {
  readonly delay: 'request' | 'answer';
  readonly ms: number;
}

interface Close {
  readonly close: 'before handling' | 'after handling';
}

interface Times {
  /** How many requests it takes part in; if left out, it does until it is lifted. */
  readonly times?: number;
}

export type RequestRule = Target & Times & (AnswerWith | Drop | Delay | Close);

/** The node's connections are reset, those there are and new ones; or live on, and nothing moves on them. */
export interface ConnectionRule {
  readonly node?: number;
  readonly connections: 'refused' | 'frozen';
}

export type Rule = RequestRule | ConnectionRule;

/** A request as rules see it. */
export interface Asked {
  readonly on: ApiName | number;
  readonly node: number;
  readonly client: string | null;
  /** Empty if it names none; undefined if it is about all topics. */
  readonly partitions: readonly PartitionName[] | undefined;
}

export const covers = (target: Target, { topic, partition }: PartitionName): boolean =>
  (target.topic === undefined || target.topic === topic) &&
  (target.partition === undefined || partition === undefined || target.partition === partition);

export const matches = (target: Target, asked: Asked): boolean =>
  (target.on === undefined || target.on === asked.on) &&
  (target.node === undefined || target.node === asked.node) &&
  (target.client === undefined || target.client === asked.client) &&
  ((target.topic === undefined && target.partition === undefined) ||
    asked.partitions === undefined ||
    asked.partitions.some((partition) => covers(target, partition)));

/** A rule that cannot be followed. */
export class RuleError extends Error {
  override readonly name = 'RuleError';
}

export interface RuleHandle {
  readonly id: number;
  readonly rule: Rule;
  /** How many requests or connections it had a part in. */
  readonly hits: number;
  /** No effect when it is over already. */
  lift(): void;
  /** Resolves before the client is answered. Stays pending if it never comes to that: bound it. */
  untilHit(times?: number): Promise<void>;
}

export class ActiveRule implements RuleHandle {
  readonly id: number;
  readonly rule: Rule;
  /** Resolves when the rule is over. */
  readonly over: Promise<void>;
  readonly #end = Promise.withResolvers<undefined>();
  readonly #waiting: { times: number; resolve: () => void }[] = [];
  #hits = 0;
  #lifted = false;

  constructor(id: number, rule: Rule) {
    this.id = id;
    this.rule = rule;
    this.over = this.#end.promise;
  }

  get hits(): number {
    return this.#hits;
  }

  get active(): boolean {
    const times = 'times' in this.rule ? this.rule.times : undefined;
    return !this.#lifted && this.#hits < (times ?? Infinity);
  }

  hit(): void {
    this.#hits += 1;
    for (const { times, resolve } of this.#waiting) if (times <= this.#hits) resolve();
  }

  lift(): void {
    this.#lifted = true;
    this.#end.resolve(undefined);
  }

  untilHit(times = 1): Promise<void> {
    if (times <= this.#hits) return Promise.resolve();
    const { promise, resolve } = Promise.withResolvers<undefined>();
    this.#waiting.push({ times, resolve: () => resolve(undefined) });
    return promise;
  }
}

const checked = (rule: Rule): Rule => {
  if (!('answerWith' in rule)) return rule;
  const api = rule.on === undefined ? undefined : apiOf(rule.on);
  if (!api) throw new RuleError(`${rule.on ?? 'every API'} cannot be answered with an error: close or drop it`);
  return rule;
};

export class RuleBook {
  readonly #rules = new Map<number, ActiveRule>();
  #last = 0;

  /** Throws {@link RuleError}. */
  add(rule: Rule): ActiveRule {
    const active = new ActiveRule((this.#last += 1), checked(rule));
    this.#rules.set(active.id, active);
    void active.over.then(() => this.#rules.delete(active.id));
    return active;
  }

  get(id: number): ActiveRule | undefined {
    return this.#rules.get(id);
  }

  /** Those that are not lifted, used up or not. */
  all(): ActiveRule[] {
    return [...this.#rules.values()];
  }

  /** The rules that take part in this request; it counts for each of them. */
  take(asked: Asked): ActiveRule[] {
    const taking = this.all().filter(({ active, rule }) => active && !('connections' in rule) && matches(rule, asked));
    for (const rule of taking) rule.hit();
    return taking;
  }

  ofConnections(kind: ConnectionRule['connections'], node: number): ActiveRule | undefined {
    return this.all().find(
      ({ rule, active }) =>
        active && 'connections' in rule && rule.connections === kind && (rule.node === undefined || rule.node === node),
    );
  }
}
