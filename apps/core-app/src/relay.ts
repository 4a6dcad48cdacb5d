/**
 * Publishes the outbox. A row is sent from memory right after its commit; a poll every second is the backstop for what
 * that missed: a full queue, a broker that was away, a pod that died. One batch is in flight at a time, so a partition
 * never has two sends whose order could turn round. A row is deleted only when the broker's reply names its record.
 */
import type { EventBus } from '@osago/event-bus';
import { CLOUD_EVENT_CONTENT_TYPE } from '@osago/contracts';
import { Counter, type Log, pause, type Registry, type Service } from '@osago/service-kit';
import type { Outbox, OutboxRow } from './outbox.ts';

/** Rows sent in one batch: some 2 MB of events. */
const BATCH_MAX = 500;
/** New rows that wait in memory; beyond it they are left to the backstop. */
const BORN_MAX = 10_000;
const BACKSTOP_MS = 1_000;
/** While the broker is away, so that it is not asked in a tight loop. */
const FAILED_PAUSE_MS = 1_000;

type OutboxRows = Pick<Outbox, 'claim' | 'delete' | 'release' | 'park'>;

export class Relay implements Service {
  readonly name = 'relay';
  readonly #outbox: OutboxRows;
  readonly #bus: Pick<EventBus, 'publish'>;
  readonly #log: Log;
  readonly #published: Counter;
  #born: OutboxRow[] = [];
  #wake: () => void = () => {};

  constructor(deps: { outbox: OutboxRows; bus: Pick<EventBus, 'publish'>; log: Log; metrics: Registry }) {
    this.#outbox = deps.outbox;
    this.#bus = deps.bus;
    this.#log = deps.log;
    this.#published = new Counter({
      name: 'osago_relay_rows_total',
      help: 'Outbox rows by what became of them',
      labelNames: ['result'],
      registers: [deps.metrics],
    });
  }

  /** A row that was just committed by this pod, under its born claim. */
  send(row: OutboxRow): void {
    if (this.#born.length >= BORN_MAX) return;
    this.#born.push(row);
    this.#wake();
  }

  async run(signal: AbortSignal): Promise<void> {
    let pollAtMs = 0;
    while (!signal.aborted) {
      try {
        const born = this.#born.splice(0, BATCH_MAX);
        const isPollDue = performance.now() >= pollAtMs;
        const claimed = isPollDue ? await this.#outbox.claim(BATCH_MAX) : [];
        if (isPollDue && claimed.length < BATCH_MAX) pollAtMs = performance.now() + BACKSTOP_MS;
        const rows = [...claimed, ...born];
        if (rows.length > 0) await this.#publish(rows, signal);
        else await this.#idle(pollAtMs - performance.now(), signal);
      } catch (error) {
        this.#log.error({ error }, 'relay could not reach the outbox');
        await pause(FAILED_PAUSE_MS, signal);
      }
    }
    const last = this.#born.splice(0);
    if (last.length > 0) await this.#publish(last, signal);
  }

  async #idle(ms: number, signal: AbortSignal): Promise<void> {
    const waiting = new AbortController();
    this.#wake = () => {
      waiting.abort();
    };
    if (this.#born.length > 0) return;
    await pause(Math.max(ms, 0), AbortSignal.any([signal, waiting.signal]));
  }

  async #publish(rows: readonly OutboxRow[], signal: AbortSignal): Promise<void> {
    const answers = await this.#bus.publish(
      rows.map(({ topic, partition, key, value, traceparent }) => ({
        topic,
        partition,
        key,
        value,
        headers: { 'content-type': CLOUD_EVENT_CONTENT_TYPE, traceparent },
      })),
    );
    const sent: string[] = [];
    const failed: string[] = [];
    let error: Error | undefined;
    for (const [at, row] of rows.entries()) {
      const answer = answers[at];
      if (answer?.ok) sent.push(row.id);
      else if (answer === undefined || answer.error.retriable) {
        failed.push(row.id);
        error ??= answer?.error;
      } else await this.#park(row, answer.error);
    }
    if (sent.length > 0) await this.#outbox.delete(sent);
    this.#published.inc({ result: 'published' }, sent.length);
    if (failed.length === 0) return;
    this.#published.inc({ result: 'failed' }, failed.length);
    this.#log.warn({ rows: failed.length, error }, 'rows not published, they are tried again');
    await this.#outbox.release(failed);
    await pause(FAILED_PAUSE_MS, signal);
  }

  async #park(row: OutboxRow, error: Error): Promise<void> {
    const { id, event_id, topic, partition } = row;
    await this.#outbox.park(id, error.message);
    this.#published.inc({ result: 'parked' });
    this.#log.error({ event_id, topic, partition, error }, 'row parked: no try will help');
  }
}
