/**
 * The dead letters of the log: read as a whole, and sent back to where they are from. A letter that two consumers wrote
 * (aggregator and archive may both fail at one record) is one letter with one id.
 */
import { type DeadLetter, decodeDeadLetter, isRequestTopic, TOPICS } from '@osago/contracts';
import { type EventBus, EventBusError, type OutgoingRecord } from '@osago/event-bus';

/** Seven days of letters are read in seconds; a broker that needs longer has a fault of its own. */
const READ_MS_MAX = 60_000;
const BATCH_MAX = 100;

export interface LetterPlace {
  readonly id: string;
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly reason: string;
  readonly buried_at: string;
  readonly source: string;
  readonly value_bytes: number;
  readonly cut: boolean;
}

export type Redriven =
  | { readonly ok: true; readonly id: string; readonly partition: number; readonly offset: bigint }
  | { readonly ok: false; readonly id: string; readonly because: string };

export class DeadLetterBox {
  readonly #bus: EventBus;

  constructor(bus: EventBus) {
    this.#bus = bus;
  }

  /** Everything in it, ordered by place; without the bytes, so that any number has room. */
  async list(): Promise<{ letters: LetterPlace[]; unreadable: number }> {
    const letters = new Map<string, LetterPlace>();
    const unreadable = await this.#read((letter) => letters.set(letter.id, placeOf(letter)));
    return { letters: [...letters.values()].sort(byPlace), unreadable };
  }

  /** The named letters, or all; an id that is not there is a refusal of its own. */
  async find(ids: readonly string[] | 'all'): Promise<{ found: DeadLetter[]; missing: string[] }> {
    const wanted = ids === 'all' ? undefined : new Set(ids);
    const found = new Map<string, DeadLetter>();
    await this.#read((letter) => {
      if (wanted?.has(letter.id) ?? true) found.set(letter.id, letter);
    });
    const missing = [...(wanted ?? [])].filter((id) => !found.has(id));
    return { found: [...found.values()].sort((a, b) => byPlace(a.data, b.data)), missing };
  }

  /** The same bytes under the same key to the same topic and partition. Consumers know a repeated event by its id. */
  async redrive(letters: readonly DeadLetter[]): Promise<Redriven[]> {
    const results: Redriven[] = [];
    const sendable = letters.filter((letter) => {
      const because = whyNot(letter);
      if (because !== undefined) results.push({ ok: false, id: letter.id, because });
      return because === undefined;
    });
    for (let from = 0; from < sendable.length; from += BATCH_MAX) {
      const batch = sendable.slice(from, from + BATCH_MAX);
      const answers = await this.#bus.publish(batch.map(recordOf));
      for (const [at, { id, data }] of batch.entries()) {
        const answer = answers[at];
        if (answer?.ok === true) results.push({ ok: true, id, partition: data.partition, offset: answer.offset });
        else results.push({ ok: false, id, because: answer?.error.message ?? 'the broker did not answer' });
      }
    }
    return results;
  }

  /** Resolves to the number of records that are no dead letters. */
  async #read(onLetter: (letter: DeadLetter) => void): Promise<number> {
    await this.#bus.ping();
    let unreadable = 0;
    const options = { topics: [TOPICS.deadLetters], fromMs: 0, groupPrefix: 'osago-ops' };
    const tail = this.#bus.tail(options, ({ value }) => {
      const decoded = decodeDeadLetter(value);
      if (decoded.ok) onLetter(decoded.value);
      else unreadable += 1;
    });
    const stop = new AbortController();
    const late = Promise.withResolvers<never>();
    const timer = setTimeout(() => late.reject(new EventBusError('the broker does not answer', { retriable: true })), READ_MS_MAX);
    const running = tail.run(stop.signal);
    try {
      await Promise.race([tail.caughtUp, running, late.promise]);
    } finally {
      clearTimeout(timer);
      stop.abort();
      await running;
    }
    return unreadable;
  }
}

/** Why a letter cannot be sent back; undefined when it can. */
export const whyNot = ({ data }: DeadLetter): string | undefined => {
  if (data.cut) return `it was cut when it was buried: what is left of its ${data.value_bytes} bytes is not the record`;
  if (data.value_base64 === null) return 'it had no value: there is nothing to apply';
  if (!isRequestTopic(data.topic)) return `${data.topic} is no topic of requests`;
  return undefined;
};

const recordOf = ({ data: { topic, partition, key, headers, value_base64 } }: DeadLetter): OutgoingRecord => ({
  topic,
  partition,
  key,
  headers,
  value: Buffer.from(value_base64 ?? '', 'base64'),
});

const placeOf = ({ id, source, time, data }: DeadLetter): LetterPlace => {
  const { topic, partition, offset, reason, value_bytes, cut } = data;
  return { id, topic, partition, offset, reason, buried_at: time, source, value_bytes, cut };
};

type Place = Pick<LetterPlace, 'topic' | 'partition' | 'offset'>;

const byPlace = (a: Place, b: Place): number =>
  a.topic.localeCompare(b.topic) || a.partition - b.partition || a.offset - b.offset;
