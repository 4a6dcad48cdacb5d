/** Test kit: the rules of the outbox table in memory, for any number of relays, and metrics as numbers. */
import { TOPICS } from '@osago/contracts';
import type { Registry } from '@osago/service-kit';
import { CLAIM_S, type ClaimedRow, type Outbox, type OutboxCount, type OutboxRow } from './outbox.ts';
import type { RelayTime } from './relay-time.ts';

export const rowOf = (id: number, requestId = `request-${id}`, partition = 1): OutboxRow => ({
  id: String(id),
  request_id: requestId,
  event_id: `${requestId}:r1`,
  topic: TOPICS.requests,
  partition,
  key: requestId,
  value: Buffer.from(`event ${id}`),
  traceparent: `trace ${id}`,
});

interface Held {
  readonly row: OutboxRow;
  isClaimed: boolean;
  attempts: number;
}

export class FakeOutbox implements Pick<Outbox, keyof Outbox> {
  readonly claimS = CLAIM_S;
  /** In the order of their insertion, which is that of their ids. */
  readonly rows = new Map<string, Held>();
  /** Of each request, the ids of its rows that are there. */
  readonly #requests = new Map<string, Set<string>>();
  readonly parked = new Map<string, string>();
  readonly released: string[] = [];
  readonly extended: string[] = [];
  /** Rows that were handed out by a claim. */
  readonly handedOut: string[] = [];
  /** So many of the next claims, and of the next deletes, fail. */
  failures = 0;
  deleteFailures = 0;
  counts = 0;
  /** Calls of delete that worked. */
  deletes = 0;

  /** A row that some pod left here. */
  add(row: OutboxRow, { isClaimed = false } = {}): OutboxRow {
    this.rows.set(row.id, { row, isClaimed, attempts: 0 });
    const ids = this.#requests.get(row.request_id) ?? new Set();
    this.#requests.set(row.request_id, ids.add(row.id));
    return row;
  }

  /** A row as it is after the commit: born claimed. */
  born(row: OutboxRow): OutboxRow {
    return this.add(row, { isClaimed: true });
  }

  /** Every lease has run out. */
  expire(): void {
    for (const held of this.rows.values()) held.isClaimed = false;
  }

  claim(rowsMax: number, except: readonly string[] = []): Promise<OutboxRow[]> {
    if (this.failures > 0) {
      this.failures -= 1;
      return Promise.reject(new Error('Postgres is away'));
    }
    const due: OutboxRow[] = [];
    for (const held of this.rows.values()) {
      const { id, request_id, topic, partition } = held.row;
      const [first] = this.#requests.get(request_id) ?? [];
      if (held.isClaimed || first !== id || this.parked.has(id) || except.includes(`${topic}/${partition}`)) continue;
      held.isClaimed = true;
      held.attempts += 1;
      due.push({ ...held.row, attempts: held.attempts });
      if (due.length === rowsMax) break;
    }
    this.handedOut.push(...due.map(({ id }) => id));
    return Promise.resolve(due);
  }

  delete(ids: readonly string[]): Promise<void> {
    if (this.deleteFailures > 0) {
      this.deleteFailures -= 1;
      return Promise.reject(new Error('Postgres is away'));
    }
    this.deletes += 1;
    for (const id of ids) {
      const held = this.rows.get(id);
      this.rows.delete(id);
      if (held) this.#requests.get(held.row.request_id)?.delete(id);
    }
    return Promise.resolve();
  }

  release(rows: readonly ClaimedRow[]): Promise<void> {
    for (const held of this.#own(rows)) held.isClaimed = false;
    this.released.push(...rows.map(({ id }) => id));
    return Promise.resolve();
  }

  extend(rows: readonly ClaimedRow[]): Promise<void> {
    this.extended.push(...this.#own(rows).map(({ row }) => row.id));
    return Promise.resolve();
  }

  park(row: ClaimedRow, reason: string): Promise<void> {
    if (this.#own([row]).length > 0) this.parked.set(row.id, reason);
    return Promise.resolve();
  }

  count(): Promise<OutboxCount> {
    this.counts += 1;
    const parked = this.parked.size;
    return Promise.resolve({ waiting: this.rows.size - parked, parked, oldest_age_s: this.rows.size > parked ? 7 : 0 });
  }

  #own(rows: readonly ClaimedRow[]): Held[] {
    return rows.flatMap(({ id, attempts = 0 }) => {
      const held = this.rows.get(id);
      return held?.attempts === attempts ? [held] : [];
    });
  }
}

/** The value of a gauge or counter without labels. */
export const metricOf = async (metrics: Registry, name: string): Promise<number | undefined> =>
  (await metrics.getSingleMetric(name)?.get())?.values[0]?.value;

/** Time that passes by itself, and can be skipped. */
export class SkippableTime implements RelayTime {
  #skippedMs = 0;
  readonly #waits = new Set<{ untilMs: number; end: () => void }>();

  nowMs(): number {
    return performance.now() + this.#skippedMs;
  }

  after(ms: number, call: () => void): () => void {
    const cancel = (): void => {
      clearTimeout(timer);
      this.#waits.delete(wait);
    };
    const end = (): void => {
      cancel();
      call();
    };
    const timer = setTimeout(end, ms);
    const wait = { untilMs: this.nowMs() + ms, end };
    this.#waits.add(wait);
    return cancel;
  }

  skip(ms: number): void {
    this.#skippedMs += ms;
    for (const { untilMs, end } of [...this.#waits]) if (untilMs <= this.nowMs()) end();
  }
}
