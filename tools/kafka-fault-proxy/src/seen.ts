/** What went through the proxy, for assertions. */
import type { ApiName } from './apis.ts';
import type { PartitionName, Target } from './rules.ts';
import { matches } from './rules.ts';

export interface SeenPartition extends PartitionName {
  /** Kafka's number, as the client was told it; absent while there is no answer. */
  error?: number;
}

export interface SeenRequest {
  readonly on: ApiName | number;
  readonly version: number;
  readonly node: number;
  readonly client: string | null;
  readonly correlationId: number;
  /** Empty if it names none; undefined if it is about all. */
  readonly partitions: readonly SeenPartition[] | undefined;
  /** The ids of the rules that took part. */
  readonly rules: readonly number[];
  /** The broker was asked, for some of the partitions at least. */
  reachedBroker: boolean;
  outcome: 'waiting' | 'answered' | 'no answer is due' | 'dropped' | 'closed';
}

/** An idle consumer fetches twice a second; a test that makes more than this looks at the end only. */
const SEEN_MAX = 10_000;

export class Seen {
  #requests: SeenRequest[] = [];

  add(request: SeenRequest): SeenRequest {
    // Cut in halves: shifting each time would cost as much as the list is long.
    if (this.#requests.length >= 2 * SEEN_MAX) this.#requests = this.#requests.slice(-SEEN_MAX);
    this.#requests.push(request);
    return request;
  }

  /** The latest ones, in order of arrival. */
  find(target: Target): SeenRequest[] {
    return this.#requests.slice(-SEEN_MAX).filter((request) => matches(target, request));
  }
}
