/**
 * Publishes the outbox. A row is sent from memory right after its commit; a poll every second is the backstop for what
 * that missed: a full queue, a broker that was away, a pod that died. A partition never has two sends of this relay in
 * flight, whose order could turn round. A row is deleted only when the broker's reply names its record.
 *
 * A partition that fails rests a while, is sent alone until it has recovered, and a send that takes long is waited for
 * beside the others: so one partition without a leader holds up neither the rest nor, in an outage, Postgres.
 */
import type { EventBus, PublishAnswer } from '@osago/event-bus';
import { CLOUD_EVENT_CONTENT_TYPE } from '@osago/contracts';
import { Counter, Gauge, type Log, pause, type Registry, type Service } from '@osago/service-kit';
import { OutboxGauges } from './outbox-gauges.ts';
import type { Outbox, OutboxRow } from './outbox.ts';

/** Rows sent in one batch: some 2 MB of events. */
const BATCH_MAX = 500;
/** New rows that wait in memory, some 40 MB; beyond it they are left to the backstop. */
const BORN_MAX = 10_000;
const BACKSTOP_MS = 1_000;
/** Counting reads the whole table, which is large only when something is wrong. */
const COUNT_EVERY_MS = 5_000;
/** While Postgres is away, so that it is not asked in a tight loop. */
const FAILED_PAUSE_MS = 1_000;
/** A partition that failed is left alone for so long, doubled with each failure in a row. */
const REST_MS_MIN = 250;
const REST_MS_MAX = 4_000;
/** A healthy broker answers within some milliseconds. What takes longer is waited for while others are sent. */
const SLOW_SEND_MS = 500;

type OutboxRows = Pick<Outbox, 'claim' | 'delete' | 'release' | 'extend' | 'park' | 'count' | 'claimS'>;

export interface RelayDeps {
  outbox: OutboxRows;
  bus: Pick<EventBus, 'publish'>;
  log: Log;
  metrics: Registry;
}

/** `nowMs` grows evenly, from any beginning. */
export interface RelayTime {
  nowMs(): number;
  pause(ms: number, signal: AbortSignal): Promise<void>;
}

/** One call of `publish`: of one partition that has failed before, or of all that have not. */
interface Send {
  readonly rows: readonly OutboxRow[];
  readonly partitions: ReadonlySet<string>;
}

interface Rest {
  readonly untilMs: number;
  readonly ms: number;
}

const partitionOf = ({ topic, partition }: OutboxRow): string => `${topic}/${partition}`;

export class Relay implements Service {
  readonly name = 'relay';
  readonly #outbox: OutboxRows;
  readonly #bus: Pick<EventBus, 'publish'>;
  readonly #log: Log;
  readonly #published: Counter;
  readonly #gauges: OutboxGauges;
  readonly #nowMs: () => number;
  readonly #pause: typeof pause;
  #born: { row: OutboxRow; sinceMs: number }[] = [];
  /** Published and not deleted yet: deleted before anything else is sent, for it would be sent again. */
  #toDelete: string[] = [];
  /** Their partitions are disjoint, so they are no more than there are partitions. */
  readonly #sends = new Set<Send>();
  /** Partitions that failed last time. */
  readonly #rests = new Map<string, Rest>();
  #pollAtMs = 0;
  #countAtMs = 0;
  #isWoken = false;
  #wake: () => void = () => {};

  constructor(deps: RelayDeps, time: RelayTime = { nowMs: () => performance.now(), pause }) {
    this.#outbox = deps.outbox;
    this.#bus = deps.bus;
    this.#log = deps.log;
    this.#nowMs = () => time.nowMs();
    this.#pause = (ms, signal) => time.pause(ms, signal);
    this.#gauges = new OutboxGauges(deps.metrics);
    this.#published = new Counter({
      name: 'osago_relay_rows_total',
      help: 'Outbox rows by what became of them',
      labelNames: ['result'],
      registers: [deps.metrics],
    });
    const held = (): number => this.#born.length + [...this.#sends].reduce((sum, { rows }) => sum + rows.length, 0);
    new Gauge({
      name: 'osago_relay_rows_in_memory',
      help: 'Outbox rows that this pod holds in memory',
      registers: [deps.metrics],
      collect() {
        this.set(held());
      },
    });
  }

  /** A row that was just committed by this pod, under its born claim. */
  send(row: OutboxRow): void {
    if (this.#born.length >= BORN_MAX) return;
    this.#born.push({ row, sinceMs: this.#nowMs() });
    this.#wakeUp();
  }

  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      this.#isWoken = false;
      try {
        await this.#deleteSent();
        const claimed = await this.#poll();
        const rows = [...claimed, ...this.#takeBorn(await this.#releaseStale())];
        if (rows.length > 0) await this.#publish(rows);
        else await this.#idle(signal);
      } catch (error) {
        this.#log.error({ error }, 'relay could not reach the outbox');
        await this.#pause(FAILED_PAUSE_MS, signal);
      }
    }
    await this.#sendLast();
  }

  /** What is due by the backstop; nothing when it is not time for it. */
  async #poll(): Promise<OutboxRow[]> {
    const nowMs = this.#nowMs();
    if (nowMs < this.#pollAtMs) return [];
    if (nowMs >= this.#countAtMs) {
      this.#countAtMs = nowMs + COUNT_EVERY_MS;
      await this.#sample();
    }
    const claimed = await this.#outbox.claim(BATCH_MAX, [...this.#unsendable()]);
    if (claimed.length < BATCH_MAX) this.#pollAtMs = nowMs + BACKSTOP_MS;
    return claimed;
  }

  /** What is only for looking at stops nothing. */
  async #sample(): Promise<void> {
    try {
      this.#gauges.set(await this.#outbox.count());
    } catch (error) {
      this.#log.warn({ error }, 'outbox not counted');
    }
  }

  #unsendable(): Set<string> {
    const nowMs = this.#nowMs();
    const resting = [...this.#rests].filter(([, { untilMs }]) => untilMs > nowMs).map(([partition]) => partition);
    return new Set([...resting, ...[...this.#sends].flatMap(({ partitions }) => [...partitions])]);
  }

  /** Half of a born claim is left for sending: what has waited longer goes the way of the claims. Resolves to the rest. */
  async #releaseStale(): Promise<Set<string>> {
    const freshSinceMs = this.#nowMs() - (this.#outbox.claimS * 1_000) / 2;
    const fresh = this.#born.findIndex(({ sinceMs }) => sinceMs >= freshSinceMs);
    const stale = this.#born.splice(0, fresh < 0 ? this.#born.length : fresh);
    if (stale.length > 0) await this.#outbox.release(stale.map(({ row }) => row));
    return this.#unsendable();
  }

  #takeBorn(unsendable: ReadonlySet<string>): OutboxRow[] {
    if (unsendable.size === 0) return this.#born.splice(0, BATCH_MAX).map(({ row }) => row);
    const taken: OutboxRow[] = [];
    this.#born = this.#born.filter(({ row }) => {
      const isTaken = taken.length < BATCH_MAX && !unsendable.has(partitionOf(row));
      if (isTaken) taken.push(row);
      return !isTaken;
    });
    return taken;
  }

  /** Resolves when all is sent, or goes on being sent beside what comes next. */
  async #publish(rows: readonly OutboxRow[]): Promise<void> {
    const ways = Map.groupBy(rows, (row) => (this.#rests.has(partitionOf(row)) ? partitionOf(row) : 'healthy'));
    const sends = [...ways.values()].map((group) => this.#send(group));
    const ended = new AbortController();
    const all = Promise.all(sends).then(() => ended.abort());
    await Promise.race([all, this.#pause(SLOW_SEND_MS, ended.signal)]);
  }

  /** Never rejects: what Postgres was not told is told again, or its claim runs out. */
  async #send(rows: readonly OutboxRow[]): Promise<void> {
    const send: Send = { rows, partitions: new Set(rows.map(partitionOf)) };
    this.#sends.add(send);
    const extend = (): void => {
      this.#outbox.extend(rows).catch((error: unknown) => {
        this.#log.warn({ error, rows: rows.length }, 'claims not extended');
      });
    };
    const extending = setInterval(extend, (this.#outbox.claimS * 1_000) / 3);
    try {
      const records = rows.map(({ topic, partition, key, value, traceparent }) => ({
        topic,
        partition,
        key,
        value,
        headers: { 'content-type': CLOUD_EVENT_CONTENT_TYPE, traceparent },
      }));
      await this.#settle(rows, await this.#bus.publish(records));
    } catch (error) {
      this.#log.error({ error, rows: rows.length }, 'relay could not settle its rows');
    } finally {
      clearInterval(extending);
      this.#sends.delete(send);
      this.#wakeUp();
    }
  }

  async #settle(rows: readonly OutboxRow[], answers: readonly PublishAnswer[]): Promise<void> {
    const sent: OutboxRow[] = [];
    const failed: OutboxRow[] = [];
    const refused: [OutboxRow, Error][] = [];
    let error: Error | undefined;
    for (const [at, row] of rows.entries()) {
      const answer = answers[at];
      if (answer?.ok) sent.push(row);
      else if (answer === undefined || answer.error.retriable) {
        failed.push(row);
        error ??= answer?.error;
      } else refused.push([row, answer.error]);
    }
    this.#toDelete.push(...sent.map(({ id }) => id));
    this.#published.inc({ result: 'published' }, sent.length);
    for (const row of sent) this.#rests.delete(partitionOf(row));
    for (const partition of new Set(failed.map(partitionOf))) this.#rest(partition);
    await this.#deleteSent();
    for (const [row, reason] of refused) await this.#park(row, reason);
    if (failed.length === 0) return;
    this.#published.inc({ result: 'failed' }, failed.length);
    this.#log.warn({ rows: failed.length, error }, 'rows not published, they are tried again');
    await this.#outbox.release(failed);
  }

  #rest(partition: string): void {
    const former = this.#rests.get(partition);
    const ms = former === undefined ? REST_MS_MIN : Math.min(former.ms * 2, REST_MS_MAX);
    this.#rests.set(partition, { ms, untilMs: this.#nowMs() + ms });
  }

  async #deleteSent(): Promise<void> {
    const ids = this.#toDelete;
    if (ids.length === 0) return;
    this.#toDelete = [];
    try {
      await this.#outbox.delete(ids);
    } catch (error) {
      this.#toDelete.push(...ids);
      throw error;
    }
  }

  async #park(row: OutboxRow, error: Error): Promise<void> {
    const { event_id, topic, partition } = row;
    await this.#outbox.park(row, error.message);
    this.#published.inc({ result: 'parked' });
    this.#log.error({ event_id, topic, partition, error }, 'row parked: no try will help');
  }

  #wakeUp(): void {
    this.#isWoken = true;
    this.#wake();
  }

  /** Until the poll, the end of a rest that something waits for, a new row, or the end of a send. */
  async #idle(signal: AbortSignal): Promise<void> {
    if (this.#isWoken) return;
    const waiting = new AbortController();
    this.#wake = () => waiting.abort();
    const nowMs = this.#nowMs();
    const rests = [...this.#rests.values()].map(({ untilMs }) => untilMs).filter((untilMs) => untilMs > nowMs);
    const untilMs = Math.min(this.#pollAtMs, ...(this.#born.length > 0 ? rests : []));
    await this.#pause(Math.max(untilMs - nowMs, 0), AbortSignal.any([signal, waiting.signal]));
  }

  /** The pod stops: what it holds goes to the log or, when the broker does not take it, to another pod at once. */
  async #sendLast(): Promise<void> {
    while (this.#sends.size > 0) {
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
    const isResting = (): boolean => [...this.#rests.values()].some(({ untilMs }) => untilMs > this.#nowMs());
    while (this.#born.length > 0 && !isResting()) {
      await this.#send(this.#born.splice(0, BATCH_MAX).map(({ row }) => row));
    }
    const left = this.#born.splice(0).map(({ row }) => row);
    try {
      await this.#deleteSent();
      if (left.length > 0) await this.#outbox.release(left);
    } catch (error) {
      this.#log.warn({ error, rows: left.length }, 'rows not released, their claims run out');
    }
  }
}
