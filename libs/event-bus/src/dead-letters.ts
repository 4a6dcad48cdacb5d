/**
 * Where a consumer puts what it cannot decode or apply, so that it can go on: a record of `osago.dead-letters.v1` with
 * the same key and partition number, which names the place and the reason and carries the bytes. `bury` goes on trying
 * until the broker has it: only then may the record be done. Only what a whole group does once is buried (aggregator,
 * archive); a feed, which every pod has, would bury each record once a pod.
 */
import { CLOUD_EVENT_CONTENT_TYPE, DEAD_LETTER_TYPE, type DeadLetter, deadLetterId, TOPICS } from '@osago/contracts';
import { type Clock, Counter, type Log, pause, type Registry } from '@osago/service-kit';
import type { EventBus, LogRecord, OutgoingRecord } from './event-bus.ts';

/** In base64 a third more: with all of the rest under the 1 MB that a broker takes. */
const VALUE_BYTES_MAX = 600_000;
/** Ours have a hundred characters. */
const KEY_CHARS_MAX = 2_000;
/** Ours have two hundred. In bytes as they are written, which is up to six times the characters. */
const HEADERS_BYTES_MAX = 50_000;
const RETRY_MS_MIN = 250;
const RETRY_MS_MAX = 5_000;

const NEVER = new AbortController().signal;

export interface DeadLettersDeps {
  readonly bus: Pick<EventBus, 'publish'>;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Registry;
}

export class DeadLetters {
  readonly #deps: DeadLettersDeps;
  readonly #source: string;
  readonly #buried: Counter;

  /** `source` names the app, as in its events: `/osago/…`. */
  constructor(deps: DeadLettersDeps, { source }: { source: string }) {
    this.#deps = deps;
    this.#source = source;
    this.#buried = new Counter({
      name: 'osago_dead_letters_total',
      help: 'Records that were put among the dead letters, by the topic they are from',
      labelNames: ['topic'],
      registers: [deps.metrics],
    });
  }

  /**
   * Resolves to true once the broker has acknowledged it; to false when `signal` aborts first: then the record is not
   * done, and whoever gets it again buries it under the same id. The reason must hold no data of a person.
   */
  async bury(record: LogRecord, reason: string, signal = NEVER): Promise<boolean> {
    const { bus, log } = this.#deps;
    const { topic, partition } = record;
    const place = { topic, partition, offset: String(record.offset), reason };
    let letter = this.#letter(record, reason);
    for (let retryMs = RETRY_MS_MIN; !signal.aborted; retryMs = Math.min(retryMs * 2, RETRY_MS_MAX)) {
      const [answer] = await bus.publish([letter]);
      if (answer?.ok === true) {
        this.#buried.inc({ topic });
        log.error(place, 'record buried among the dead letters');
        return true;
      }
      log.warn({ ...place, error: answer?.error }, 'dead letter not published, it is tried again');
      // A broker that takes less than ours do: the place and the reason are what must not be lost.
      if (answer?.error.retriable === false) letter = this.#letter(record, reason, { isBare: true });
      await pause(retryMs, signal);
    }
    return false;
  }

  #letter(record: LogRecord, reason: string, { isBare = false } = {}): OutgoingRecord {
    const { topic, partition, key, headers, value } = record;
    const place = { topic, partition, offset: Number(record.offset) };
    const isKeyLong = isBare || key.length > KEY_CHARS_MAX;
    const areHeadersLong = isBare || Buffer.byteLength(JSON.stringify(headers)) > HEADERS_BYTES_MAX;
    const valueBytes = value?.length ?? 0;
    const valueBytesMax = isBare ? 0 : VALUE_BYTES_MAX;
    const letter: DeadLetter = {
      specversion: '1.0',
      id: deadLetterId(place),
      source: this.#source,
      type: DEAD_LETTER_TYPE,
      subject: deadLetterId(place),
      time: new Date(this.#deps.clock.nowMs()).toISOString(),
      datacontenttype: 'application/json',
      data: {
        ...place,
        reason,
        key: isKeyLong ? key.slice(0, isBare ? 0 : KEY_CHARS_MAX) : key,
        headers: areHeadersLong ? {} : headers,
        value_base64: value?.subarray(0, valueBytesMax).toString('base64') ?? null,
        value_bytes: valueBytes,
        cut: isKeyLong || areHeadersLong || valueBytes > valueBytesMax,
      },
    };
    return {
      topic: TOPICS.deadLetters,
      partition,
      key: letter.data.key,
      value: Buffer.from(JSON.stringify(letter)),
      headers: { 'content-type': CLOUD_EVENT_CONTENT_TYPE },
    };
  }
}
