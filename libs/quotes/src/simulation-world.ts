/** What the pods of a simulated life share: time, chance, Redis, the insurers, the log and its consumer group. */
import type { OsagoEvent } from '@osago/contracts';
import type { Random } from './random.ts';
import type { Agenda } from './simulation-agenda.ts';
import type { SimulatedGroup } from './simulation-group.ts';
import type { SimulatedInsurer } from './simulation-insurer.ts';
import type { SimulatedPod } from './simulation-pod.ts';
import type { SimulatedRedis } from './simulation-redis.ts';
import type { Entry } from './simulation-trace.ts';

/** One partition is enough: runs of different partitions share nothing. */
export const PARTITION = 0;

export interface World {
  readonly agenda: Agenda;
  readonly random: Random;
  readonly redis: SimulatedRedis;
  readonly insurers: ReadonlyMap<string, SimulatedInsurer>;
  readonly group: SimulatedGroup;
  readonly publishFailShare: number;
  /** Redis does what it is asked, and its answer does not come. */
  readonly replyLostShare: number;
  /** Since when this pod has no Redis. */
  redisAwaySinceMs(pod: SimulatedPod): number | undefined;
  readonly append: (event: OsagoEvent) => void;
  readonly note: (entry: Entry) => void;
  /** True: whoever asks dies here. */
  isFatal(): boolean;
  onCrash(pod: SimulatedPod): void;
  /** Nothing can happen any more: loops end. */
  isOver(): boolean;
}
