/**
 * The ids that a broker gives to topics. A topic that is deleted and made anew has the name, the partitions and soon the
 * offsets of the old one, and another id; kafkajs 2.2.4 speaks no version of any request that has it. So after its own
 * question about topics this one is asked on the same connection: Metadata, version 12, as the protocol describes it.
 */
import { AsyncLocalStorage } from 'node:async_hooks';

/** By the topic's name; in hexadecimal digits. */
export type TopicIds = ReadonlyMap<string, string>;

interface Broker {
  /** By the number of the request. */
  readonly versions: Readonly<Record<number, { readonly maxVersion: number } | undefined>>;
  readonly connectionPool: { send(protocol: object): Promise<unknown> };
}

const METADATA = 3;
const VERSION = 12;

const asking = new AsyncLocalStorage<{ ids: TopicIds }>();

/** The ids that are learned with what `ask` asks about topics; none of a broker older than Kafka 3.1. */
export const topicIdsOf = async (ask: () => Promise<unknown>): Promise<TopicIds> => {
  const asked = { ids: new Map<string, string>() as TopicIds };
  await asking.run(asked, ask);
  return asked.ids;
};

/** After each question about topics, in the place of kafkajs's method. */
export const askForIdsToo = async (broker: unknown, answer: unknown, topics: readonly string[]): Promise<void> => {
  const asked = asking.getStore();
  if (asked === undefined) return;
  await answer;
  const { versions, connectionPool } = broker as Broker;
  if ((versions[METADATA]?.maxVersion ?? 0) < VERSION) return;
  asked.ids = (await connectionPool.send(idsRequest(topics))) as TopicIds;
};

const idsRequest = (topics: readonly string[]): object => ({
  request: {
    apiKey: METADATA,
    apiVersion: VERSION,
    apiName: 'Metadata',
    encode: () => {
      const bytes = encodeQuestion(topics);
      return Promise.resolve({ buf: bytes, buffer: bytes });
    },
  },
  response: {
    decode: (bytes: Buffer) => Promise.resolve(decodeIds(bytes)),
    parse: (ids: TopicIds) => Promise.resolve(ids),
  },
});

/** Where a message, or a part of one, could have more than we know; it has not. */
const NO_TAGS = Buffer.of(0);
const NO_ID = Buffer.alloc(16);
const NOT_CREATED_NOR_AUTHORISED = Buffer.of(0, 0);

/** Its first byte is the end of the request's header, which has tags since this version. */
const encodeQuestion = (topics: readonly string[]): Buffer =>
  Buffer.concat([
    NO_TAGS,
    varInt(topics.length + 1),
    ...topics.flatMap((topic) => [NO_ID, varInt(Buffer.byteLength(topic) + 1), Buffer.from(topic), NO_TAGS]),
    NOT_CREATED_NOR_AUTHORISED,
    NO_TAGS,
  ]);

const varInt = (value: number): Buffer => {
  const bytes: number[] = [];
  let left = value;
  for (; left > 0x7f; left >>>= 7) bytes.push((left & 0x7f) | 0x80);
  return Buffer.from([...bytes, left]);
};

/** Of a cluster that was made before topics had ids. */
const NONE = NO_ID.toString('hex');

const decodeIds = (bytes: Buffer): TopicIds => {
  const from = new Reader(bytes);
  from.tags();
  from.skip(4); // Throttled for so long.
  from.each(() => {
    from.skip(4);
    from.text();
    from.skip(4);
    from.text();
    from.tags();
  });
  from.text(); // The cluster.
  from.skip(4); // The controller.
  const ids = new Map<string, string>();
  from.each(() => {
    const error = from.int16();
    const name = from.text();
    const id = from.take(16).toString('hex');
    from.skip(1);
    from.each(() => {
      from.skip(2 + 4 + 4 + 4);
      for (let lists = 0; lists < 3; lists += 1) from.each(() => from.skip(4));
      from.tags();
    });
    from.skip(4);
    from.tags();
    if (error === 0 && id !== NONE) ids.set(name, id);
  });
  return ids;
};

class Reader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  take(size: number): Buffer {
    if (this.#at + size > this.#bytes.length) throw new Error('the answer about topics is shorter than it says');
    return this.#bytes.subarray(this.#at, (this.#at += size));
  }

  skip(size: number): void {
    this.take(size);
  }

  int16(): number {
    return this.take(2).readInt16BE();
  }

  varInt(): number {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = this.take(1).readUInt8();
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
  }

  /** Empty where there is none. */
  text(): string {
    return this.take(Math.max(0, this.varInt() - 1)).toString();
  }

  each(read: () => void): void {
    for (let left = this.varInt() - 1; left > 0; left -= 1) read();
  }

  tags(): void {
    for (let left = this.varInt(); left > 0; left -= 1) {
      this.varInt();
      this.skip(this.varInt());
    }
  }
}
