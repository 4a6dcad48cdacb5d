/**
 * Publishes leg events to the partition of their request, in batches: the first at once, and what comes while it is in
 * flight, or within a few milliseconds of it, with the next.
 */
import { CLOUD_EVENT_CONTENT_TYPE, encodeEvent, type LegEvent, recordKey, topicOf } from '@osago/contracts';
import type { EventBus, OutgoingRecord } from '@osago/event-bus';
import { Counter, type Log, pause, type Registry } from '@osago/service-kit';

const BATCH_MAX = 1_000;
/** A request to the broker costs as much CPU as an insurer's poll: a busy pod makes no more than forty a second. */
const SEND_EVERY_MS = 25;
const RETRY_MS_MIN = 250;
const RETRY_MS_MAX = 5_000;

export interface Destination {
  /** The partition number of the record that started the run. */
  partition: number;
  traceparent: string;
}

interface Waiting {
  record: OutgoingRecord;
  settle: (isAcked: boolean) => void;
}

export class Publisher {
  readonly #bus: Pick<EventBus, 'publish'>;
  readonly #log: Log;
  readonly #events: Counter;
  #waiting: Waiting[] = [];
  #isSending = false;

  constructor(deps: { bus: Pick<EventBus, 'publish'>; log: Log; metrics: Registry }) {
    this.#bus = deps.bus;
    this.#log = deps.log;
    this.#events = new Counter({
      name: 'osago_leg_events_total',
      help: 'Leg events that the broker has acknowledged, by insurer and status',
      labelNames: ['insurer_id', 'status'],
      registers: [deps.metrics],
    });
  }

  /** Resolves to true once the broker has acknowledged it, tried again until then; to false when `signal` aborts first. */
  async publish(event: LegEvent, { partition, traceparent }: Destination, signal: AbortSignal): Promise<boolean> {
    const record: OutgoingRecord = {
      topic: topicOf(event.type),
      partition,
      key: recordKey(event),
      value: encodeEvent(event),
      headers: { 'content-type': CLOUD_EVENT_CONTENT_TYPE, traceparent },
    };
    for (let retryMs = RETRY_MS_MIN; !signal.aborted; retryMs = Math.min(retryMs * 2, RETRY_MS_MAX)) {
      if (await this.#send(record)) {
        const { insurer_id, status } = event.data;
        this.#events.inc({ insurer_id, status });
        return true;
      }
      await pause(retryMs, signal);
    }
    return false;
  }

  #send(record: OutgoingRecord): Promise<boolean> {
    return new Promise((settle) => {
      this.#waiting.push({ record, settle });
      if (!this.#isSending) void this.#sendAll();
    });
  }

  async #sendAll(): Promise<void> {
    this.#isSending = true;
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.splice(0, BATCH_MAX);
      const spaced = new Promise((resolve) => setTimeout(resolve, batch.length < BATCH_MAX ? SEND_EVERY_MS : 0));
      const answers = await this.#bus.publish(batch.map(({ record }) => record));
      const failed = answers.find((answer) => !answer.ok);
      if (failed !== undefined) this.#log.warn({ error: failed.error }, 'leg events not published, tried again');
      for (const [at, { settle }] of batch.entries()) settle(answers[at]?.ok === true);
      await spaced;
    }
    this.#isSending = false;
  }
}
