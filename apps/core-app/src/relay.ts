/**
 * Publishes the outbox: two loops over a queue of rows. One claims rows that nobody sends: each second, for what was
 * missed (a full queue, a broker that was away, a pod that died), and on and on while there is a backlog. The other
 * sends: a new row comes from memory right after its commit. A partition never has two sends of this relay in flight,
 * whose order could turn round. A row is deleted only when the broker's reply names its record, a little later.
 *
 * A partition that fails rests a while, is sent alone until it has recovered, and a send that takes long is waited for
 * beside the others: so one partition without a leader holds up neither the rest nor, in an outage, Postgres.
 */
import type { EventBus, PublishAnswer } from '@osago/event-bus';
import { CLOUD_EVENT_CONTENT_TYPE } from '@osago/contracts';
import { Counter, Gauge, type Log, type Registry, type Service } from '@osago/service-kit';
import { OutboxGauges } from './outbox-gauges.ts';
import type { Outbox, OutboxRow } from './outbox.ts';
import { RelayDeletes } from './relay-deletes.ts';
import { RelayPace } from './relay-pace.ts';
import { partitionOf, RelayQueue } from './relay-queue.ts';
import { RelayRests } from './relay-rests.ts';
import { Bell, type RelayTime, systemTime } from './relay-time.ts';

/** Rows claimed at once, and sent in one batch: some 2 MB of events. */
const BATCH_MAX = 500;
const BACKSTOP_MS = 1_000;
/** Counting reads the whole table, which is large when something is wrong: then it takes a twentieth of the time at most. */
const COUNT_EVERY_MS = 5_000;
const COUNT_SHARE = 1 / 20;
/** While Postgres is away, so that it is not asked in a tight loop. */
const FAILED_PAUSE_MS = 1_000;
/** A healthy broker answers within some milliseconds. What takes longer is waited for while others are sent. */
const SLOW_SEND_MS = 500;

type OutboxRows = Pick<Outbox, 'claim' | 'delete' | 'release' | 'extend' | 'park' | 'count' | 'claimS'>;

export interface RelayDeps {
  outbox: OutboxRows;
  bus: Pick<EventBus, 'publish'>;
  log: Log;
  metrics: Registry;
}

/** One call of `publish`: of one partition that has failed before, or of all that have not. */
interface Send {
  readonly rows: readonly OutboxRow[];
  readonly partitions: ReadonlySet<string>;
  isSlow: boolean;
}

export class Relay implements Service {
  readonly name = 'relay';
  readonly #outbox: OutboxRows;
  readonly #bus: Pick<EventBus, 'publish'>;
  readonly #log: Log;
  readonly #time: RelayTime;
  readonly #published: Counter;
  readonly #gauges: OutboxGauges;
  readonly #queue = new RelayQueue();
  readonly #pace = new RelayPace();
  readonly #rests = new RelayRests();
  readonly #deletes: RelayDeletes;
  /** Their partitions are disjoint, so they are no more than there are partitions. */
  readonly #sends = new Set<Send>();
  readonly #claimBell: Bell;
  readonly #sendBell: Bell;
  /** The last claim found as many rows as it may. */
  #hasBacklog = false;
  #countAtMs = 0;

  constructor(deps: RelayDeps, time: RelayTime = systemTime) {
    this.#outbox = deps.outbox;
    this.#bus = deps.bus;
    this.#log = deps.log;
    this.#time = time;
    this.#claimBell = new Bell(time);
    this.#sendBell = new Bell(time);
    this.#deletes = new RelayDeletes(deps);
    this.#gauges = new OutboxGauges(deps.metrics);
    this.#published = new Counter({
      name: 'osago_relay_rows_total',
      help: 'Outbox rows by what became of them',
      labelNames: ['result'],
      registers: [deps.metrics],
    });
    const held = (): number => this.#queue.size + [...this.#sends].reduce((sum, { rows }) => sum + rows.length, 0);
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
    if (this.#queue.add(row, this.#time.nowMs())) this.#sendBell.ring();
  }

  /** A row that any relay may claim was just committed: not only the backstop finds it. */
  wake(): void {
    this.#claimBell.ring();
  }

  async run(signal: AbortSignal): Promise<void> {
    signal.addEventListener('abort', () => {
      this.#claimBell.ring();
      this.#sendBell.ring();
    });
    await Promise.all([this.#claimAll(signal), this.#sendAll(signal)]);
    await this.#sendLast();
  }

  async #claimAll(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        await this.#sample();
        await this.#release();
        await this.#claim();
        await this.#claimBell.wait(BACKSTOP_MS);
      } catch (error) {
        this.#log.error({ error }, 'relay could not reach the outbox');
        await this.#claimBell.wait(FAILED_PAUSE_MS);
      }
    }
  }

  /** What has waited for half of its claim, and what was claimed of a partition that must wait, is free for all again. */
  async #release(): Promise<void> {
    const stale = this.#queue.takeBefore(this.#time.nowMs() - (this.#outbox.claimS * 1_000) / 2);
    const blocked = this.#queue.takeClaimed(this.#blocked());
    if (stale.length + blocked.length > 0) await this.#outbox.release([...stale, ...blocked]);
  }

  async #claim(): Promise<void> {
    if (this.#queue.claimed >= BATCH_MAX) return;
    // What is on the log and still here could be claimed again when its claim has run out.
    await this.#deletes.flush();
    const rows = await this.#outbox.claim(BATCH_MAX, this.#blocked());
    const nowMs = this.#time.nowMs();
    for (const row of rows) this.#queue.add(row, nowMs);
    this.#hasBacklog = rows.length === BATCH_MAX;
    if (rows.length > 0) this.#sendBell.ring();
  }

  /** Partitions of which more rows would only wait: they rest, or a send of them takes long or is the first after a rest. */
  #blocked(): string[] {
    const doubtful = [...this.#sends].flatMap(({ isSlow, partitions }) =>
      [...partitions].filter((partition) => isSlow || this.#rests.hasFailed(partition)),
    );
    return [...this.#rests.resting(this.#time.nowMs()), ...doubtful];
  }

  /** What is only for looking at stops nothing. */
  async #sample(): Promise<void> {
    const beganMs = this.#time.nowMs();
    if (beganMs < this.#countAtMs) return;
    try {
      this.#gauges.set(await this.#outbox.count());
    } catch (error) {
      this.#log.warn({ error }, 'outbox not counted');
    }
    const endedMs = this.#time.nowMs();
    this.#countAtMs = Math.max(beganMs + COUNT_EVERY_MS, endedMs + (endedMs - beganMs) / COUNT_SHARE);
  }

  async #sendAll(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const waitMs = this.#queue.size < BATCH_MAX ? this.#pace.waitMs(this.#time.nowMs()) : 0;
      if (waitMs > 0) await new Promise<void>((resolve) => this.#time.after(waitMs, resolve));
      const rows = this.#queue.take(BATCH_MAX, this.#unsendable());
      // The next rows are claimed while these are sent.
      if (this.#hasBacklog && this.#queue.claimed === 0) this.#claimBell.ring();
      if (rows.length > 0) await this.#publish(rows);
      else await this.#sendBell.wait(this.#queue.size > 0 ? this.#rests.nextEndInMs(this.#time.nowMs()) : undefined);
    }
  }

  #unsendable(): Set<string> {
    const sending = [...this.#sends].flatMap(({ partitions }) => [...partitions]);
    return new Set([...sending, ...this.#rests.resting(this.#time.nowMs())]);
  }

  /** Resolves when all is sent, or goes on being sent beside what comes next. */
  async #publish(rows: readonly OutboxRow[]): Promise<void> {
    this.#pace.sent(rows.length, this.#time.nowMs());
    const ways = Map.groupBy(rows, (row) => (this.#rests.hasFailed(partitionOf(row)) ? partitionOf(row) : 'healthy'));
    const sends = [...ways.values()].map((group) => this.#send(group));
    await new Promise<void>((resolve) => {
      const cancel = this.#time.after(SLOW_SEND_MS, resolve);
      void Promise.all(sends).then(() => {
        cancel();
        resolve();
      });
    });
    for (const send of this.#sends) send.isSlow = true;
    if (this.#sends.size > 0) this.#yield();
  }

  /** Never rejects: what Postgres was not told is told again, or its claim runs out. */
  async #send(rows: readonly OutboxRow[]): Promise<void> {
    const send: Send = { rows, partitions: new Set(rows.map(partitionOf)), isSlow: false };
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
      this.#sendBell.ring();
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
    this.#deletes.add(sent.map(({ id }) => id));
    this.#published.inc({ result: 'published' }, sent.length);
    for (const row of sent) this.#rests.recovered(partitionOf(row));
    for (const [row, reason] of refused) await this.#park(row, reason);
    if (failed.length > 0) await this.#retryLater(failed, error);
  }

  async #retryLater(failed: readonly OutboxRow[], error: Error | undefined): Promise<void> {
    for (const partition of new Set(failed.map(partitionOf))) this.#rests.failed(partition, this.#time.nowMs());
    this.#published.inc({ result: 'failed' }, failed.length);
    this.#log.warn({ rows: failed.length, error }, 'rows not published, they are tried again');
    await this.#outbox.release(failed);
    this.#yield();
  }

  /** What was claimed of the partitions that are blocked now makes room for others. */
  #yield(): void {
    if (this.#queue.claimed > 0) this.#claimBell.ring();
  }

  async #park(row: OutboxRow, error: Error): Promise<void> {
    const { event_id, topic, partition } = row;
    await this.#outbox.park(row, error.message);
    this.#published.inc({ result: 'parked' });
    this.#log.error({ event_id, topic, partition, error }, 'row parked: no try will help');
  }

  /** The pod stops: what it holds goes to the log or, when the broker does not take it, to another pod at once. */
  async #sendLast(): Promise<void> {
    while (this.#sends.size > 0) await this.#sendBell.wait();
    while (this.#queue.size > 0 && this.#rests.resting(this.#time.nowMs()).length === 0) {
      await this.#send(this.#queue.take(BATCH_MAX));
    }
    const left = this.#queue.take(this.#queue.size);
    try {
      await this.#deletes.flush();
      if (left.length > 0) await this.#outbox.release(left);
    } catch (error) {
      this.#log.warn({ error, rows: left.length }, 'rows not released, their claims run out');
    }
  }
}
