/**
 * In-flight runs and their leases in Redis (design §7). One hash a run, a field a leg; one lease index a partition. The
 * fence of a run only grows with each holder, and a holder writes nothing once there is a newer one. Holds no personal
 * data but the application as it is sealed on the log. All keys of a script share the hash tag of the partition.
 */
import {
  type Beat,
  type Claim,
  LEASE_MS,
  type LegRun,
  type Look,
  type Mail,
  revisionOf,
  type RunCommand,
  type RunHead,
  type RunState,
  type Saved,
} from '@osago/quotes';
import type { RedisStore } from './redis-store.ts';
import { BEAT, CLAIM, COMMAND, LOOK, RELEASE, SAVE } from './run-scripts.ts';

/** Longer than any deadline, outage and rebalance together; then Kafka has nothing of the run to redeliver either. */
const TTL_S = 3 * 3_600;
/** So many orphans a renewal: with 400 ms between, one pod takes the runs of another over within a second or two. */
const ORPHANS_MAX = 1_000;

const LEG = 'leg:';
const COMMAND_FIELD = 'command:';

/** Every operation answers undefined when Redis is away. */
export class RunStore {
  readonly holder: string;
  readonly #redis: Pick<RedisStore, 'script' | 'awayForMs'>;

  /** `holder` names this incarnation of this pod, and no other ever. */
  constructor(redis: Pick<RedisStore, 'script' | 'awayForMs'>, holder: string) {
    this.#redis = redis;
    this.holder = holder;
  }

  /** For how long Redis has done nothing for that partition; 0 while it does. */
  awayForMs(partition: number): number {
    return this.#redis.awayForMs(tagOf(partition));
  }

  /**
   * Becomes the newest holder of the run, unless another pod has its lease. Without `head` only if the run is known. With
   * it the claim stores what a peer needs, should this pod die before it has stored a leg.
   */
  async claim(
    partition: number,
    requestId: string,
    head?: RunHead,
    heard: readonly RunCommand[] = [],
  ): Promise<Claim | 'driven' | 'unknown' | undefined> {
    const reply = await this.#redis.script<number | [string, string[]]>(CLAIM, keysOf(partition, requestId), [
      requestId,
      this.holder,
      LEASE_MS,
      TTL_S,
      head === undefined ? 'known' : 'new',
      ...(head === undefined ? [] : fieldsOf(head, heard)),
    ]);
    if (typeof reply === 'number') return reply === 0 ? 'driven' : 'unknown';
    if (reply === undefined) return undefined;
    const { fields, legs } = runOf(reply[1]);
    const [application_sealed, asked] = [fields.get('application'), fields.get('asked')];
    return {
      fence: Number(reply[0]),
      head: {
        traceparent: fields.get('traceparent') ?? '',
        ...(application_sealed !== undefined && { application_sealed }),
        ...(asked !== undefined && { asked: JSON.parse(asked) as NonNullable<RunHead['asked']> }),
      },
      legs,
      commands: [...fields]
        .filter(([name]) => name.startsWith(COMMAND_FIELD))
        .map(([, text]) => JSON.parse(text) as RunCommand)
        .sort((a, b) => revisionOf(a) - revisionOf(b)),
    };
  }

  /** `whole` stores a run that Redis does not know, or knows no more; `isOver` gives it up. */
  async save(
    partition: number,
    { request_id, fence }: RunState,
    { legs, isOver, whole }: { legs: readonly LegRun[]; isOver: boolean; whole?: { head: RunHead; commands: readonly RunCommand[] } },
  ): Promise<Saved | undefined> {
    const fields = legs.flatMap((leg) => [`${LEG}${leg.insurer_id}`, JSON.stringify(leg)]);
    if (whole !== undefined) fields.push(...fieldsOf(whole.head, whole.commands));
    const saved = await this.#redis.script<number>(SAVE, keysOf(partition, request_id), [
      request_id,
      this.holder,
      LEASE_MS,
      TTL_S,
      String(fence),
      whole === undefined ? 'part' : 'whole',
      isOver ? 'over' : 'held',
      ...fields,
    ]);
    return saved === undefined ? undefined : saved === 0 ? 'superseded' : saved === 2 ? 'lost' : 'saved';
  }

  /** Keeps the command with the run, and puts it where the run's holder finds it with its next renewal. */
  async command(partition: number, requestId: string, command: RunCommand): Promise<'told' | 'not driven' | undefined> {
    const told = await this.#redis.script<number>(COMMAND, keysOf(partition, requestId), [
      requestId,
      this.holder,
      TTL_S,
      fieldOf(command),
      JSON.stringify(command),
    ]);
    return told === undefined ? undefined : told === 1 ? 'told' : 'not driven';
  }

  /** For a run that this pod does not drive. */
  async look(partition: number, requestId: string): Promise<Look | undefined> {
    const reply = await this.#redis.script<[number, string[]]>(LOOK, keysOf(partition, requestId), [requestId, this.holder]);
    if (reply === undefined) return undefined;
    return { drivenBy: reply[0] === 1 ? 'another pod' : 'nobody', legs: runOf(reply[1]).legs };
  }

  /** Renews the lease of this pod in a partition where it drives runs, and hears what there is to do. */
  async beat(partition: number, { isHolding, handled }: { isHolding: boolean; handled: readonly Mail[] }): Promise<Beat | undefined> {
    const reply = await this.#redis.script<[string, number, string[], string[]]>(BEAT, keysOf(partition), [
      this.holder,
      LEASE_MS,
      TTL_S,
      isHolding ? 'holding' : 'idle',
      ORPHANS_MAX,
      ...handled.map(({ request_id, command }) => `${request_id}:${revisionOf(command)}`),
    ]);
    if (reply === undefined) return undefined;
    const [nowMs, isKept, mail, orphans] = reply;
    return { nowMs: Number(nowMs), isKept: isKept === 1, mail: mailOf(mail), orphans };
  }

  /** The runs of this pod are orphans from now on: a peer has them with its next beat. */
  async release(partition: number): Promise<void> {
    await this.#redis.script(RELEASE, keysOf(partition), [this.holder]);
  }
}

const tagOf = (partition: number): string => `osago:{p${partition}}`;

/** The three keys of the partition, then that of the run. */
export const keysOf = (partition: number, requestId?: string): string[] => {
  const tag = tagOf(partition);
  const keys = [`${tag}:holders`, `${tag}:holder-of`, `${tag}:mail`];
  return requestId === undefined ? keys : [...keys, `${tag}:run:${requestId}`];
};

const fieldOf = (command: RunCommand): string => `${COMMAND_FIELD}${revisionOf(command)}`;

/** What a run needs beside its legs, as names and values. */
const fieldsOf = ({ traceparent, application_sealed, asked }: RunHead, commands: readonly RunCommand[]): string[] => [
  'traceparent',
  traceparent,
  ...(application_sealed === undefined ? [] : ['application', application_sealed]),
  ...(asked === undefined ? [] : ['asked', JSON.stringify(asked)]),
  ...commands.flatMap((command) => [fieldOf(command), JSON.stringify(command)]),
];

const pairsOf = (flat: readonly string[]): Map<string, string> => {
  const pairs = new Map<string, string>();
  for (let at = 0; at + 1 < flat.length; at += 2) pairs.set(flat[at] ?? '', flat[at + 1] ?? '');
  return pairs;
};

const runOf = (flat: readonly string[]): { fields: Map<string, string>; legs: Map<string, LegRun> } => {
  const fields = pairsOf(flat);
  const legs = new Map<string, LegRun>();
  for (const [name, text] of fields) {
    if (!name.startsWith(LEG)) continue;
    const leg = JSON.parse(text) as LegRun;
    legs.set(leg.insurer_id, leg);
  }
  return { fields, legs };
};

/** Fields are `<request_id>:<revision>`. */
const mailOf = (flat: readonly string[]): Mail[] =>
  [...pairsOf(flat)].map(([name, text]) => ({
    request_id: name.slice(0, name.lastIndexOf(':')),
    command: JSON.parse(text) as RunCommand,
  }));
