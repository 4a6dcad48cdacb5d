/**
 * The answer to a fetch, in version 11 of the protocol, read batch by batch. kafkajs gets one message for each batch and
 * moves on by its last offset; the records inside are read when they are handed over, each once, and of a record no more
 * than what is asked for. What kafkajs makes of each record by itself is a dozen objects that outlive the young generation,
 * for they wait for their turn together.
 */
import compression from 'kafkajs/src/protocol/message/compression/index.js';
import type { LogRecord, TopicPartition } from './event-bus.ts';

/** Version 2, the one of every record written since Kafka 0.11. */
const MAGIC = 2;
/** First offset and length of a batch; the length counts what follows. */
const BATCH_HEAD_BYTES = 12;
/** The records are all that follows. */
const RECORDS_AT = 61;
const CODEC = 0b111;
/** The times of the records are the one at which the broker wrote the batch. */
const LOG_APPEND_TIME = 0b1000;
const TRANSACTIONAL = 0b1_0000;
/** The batch holds a marker of a transaction, and no record. */
const CONTROL = 0b10_0000;
/** What the key of a marker says of a transaction that was aborted: version 0, type 0. */
const ABORTED = 0;

export interface FetchAnswer {
  readonly throttleTime: number;
  readonly clientSideThrottleTime: number;
  readonly errorCode: number;
  readonly sessionId: number;
  readonly responses: readonly { readonly topicName: string; readonly partitions: readonly FetchedPartition[] }[];
}

export interface FetchedPartition {
  readonly partition: number;
  readonly errorCode: number;
  readonly highWatermark: string;
  readonly lastStableOffset: string;
  readonly lastStartOffset: string;
  /** None that kafkajs has to look for: their batches are marked. */
  readonly abortedTransactions: readonly never[];
  readonly preferredReadReplica: number;
  readonly messages: readonly FetchedBatch[];
}

interface Aborted {
  readonly producerId: bigint;
  readonly firstOffset: bigint;
}

/** Where something is read next. */
class Cursor {
  readonly bytes: Buffer;
  at: number;

  constructor(bytes: Buffer, at = 0) {
    this.bytes = bytes;
    this.at = at;
  }

  int16(): number {
    return this.bytes.readInt16BE((this.at += 2) - 2);
  }

  int32(): number {
    return this.bytes.readInt32BE((this.at += 4) - 4);
  }

  int64(): bigint {
    return this.bytes.readBigInt64BE((this.at += 8) - 8);
  }

  /** Zigzag. Exact up to 2^53, for times need more than 32 bits. */
  varint(): number {
    const { bytes } = this;
    let byte = bytes[this.at++] ?? 0;
    // A delta, a length: nearly always one byte or two.
    if (byte < 0x80) return (byte >>> 1) ^ -(byte & 1);
    let value = byte & 0x7f;
    let unit = 0x80;
    do {
      byte = bytes[this.at++] ?? 0;
      value += (byte & 0x7f) * unit;
      unit *= 0x80;
    } while (byte >= 0x80);
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }

  take(length: number): Buffer {
    return this.bytes.subarray(this.at, (this.at += length));
  }

  text(length: number): string {
    return this.bytes.toString('utf8', this.at, (this.at += length));
  }

  list<T>(read: () => T): T[] {
    return Array.from({ length: Math.max(0, this.int32()) }, read);
  }
}

export const decodeFetch = async (bytes: Buffer): Promise<FetchAnswer> => {
  const cursor = new Cursor(bytes);
  const clientSideThrottleTime = cursor.int32();
  const errorCode = cursor.int16();
  const sessionId = cursor.int32();
  const responses = cursor.list(() => ({
    topicName: cursor.text(cursor.int16()),
    partitions: cursor.list(() => partitionIn(cursor)),
  }));
  const batches = responses.flatMap(({ partitions }) => partitions.flatMap(({ messages }) => messages));
  for (const batch of batches) await batch.decompress();
  // The broker has not throttled; it expects the client to, which kafkajs does by the other member.
  return { throttleTime: 0, clientSideThrottleTime, errorCode, sessionId, responses };
};

const partitionIn = (cursor: Cursor): FetchedPartition => {
  const partition = cursor.int32();
  const errorCode = cursor.int16();
  const highWatermark = String(cursor.int64());
  const lastStableOffset = String(cursor.int64());
  const lastStartOffset = String(cursor.int64());
  const aborted = cursor.list((): Aborted => ({ producerId: cursor.int64(), firstOffset: cursor.int64() }));
  const preferredReadReplica = cursor.int32();
  const messages = batchesIn(cursor.take(Math.max(0, cursor.int32())), aborted);
  return { partition, errorCode, highWatermark, lastStableOffset, lastStartOffset, abortedTransactions: [], preferredReadReplica, messages };
};

/** The last batch may be cut short by the bound on the answer; it is asked for again. */
const batchesIn = (bytes: Buffer, aborted: readonly Aborted[]): FetchedBatch[] => {
  const batches: FetchedBatch[] = [];
  const begun = [...aborted].sort((a, b) => Number(a.firstOffset - b.firstOffset));
  const open = new Set<bigint>();
  for (let at = 0; at + BATCH_HEAD_BYTES <= bytes.length; ) {
    const end = at + BATCH_HEAD_BYTES + bytes.readInt32BE(at + 8);
    if (end > bytes.length) break;
    batches.push(new FetchedBatch(bytes.subarray(at, end), { begun, open }));
    at = end;
  }
  return batches;
};

/** What kafkajs takes for a message; it is one to it in no more than these two members. */
export class FetchedBatch {
  /** The last one of the batch. */
  readonly offset: string;
  /** Nothing of it is handed over: a marker, or part of a transaction that was aborted. */
  readonly isControlRecord: boolean;
  readonly #attributes: number;
  readonly #firstOffset: bigint;
  readonly #firstTimestamp: number;
  readonly #maxTimestamp: number;
  readonly #count: number;
  #records: Buffer;

  /** `begun`: the aborted transactions that begin further on; `open`: the producers of those that have. */
  constructor(bytes: Buffer, { begun, open }: { begun: Aborted[]; open: Set<bigint> }) {
    const magic = bytes.readInt8(16);
    if (magic !== MAGIC) throw new Error(`records of version ${magic} are not read`);
    this.#attributes = bytes.readInt16BE(21);
    this.#firstOffset = bytes.readBigInt64BE(0);
    this.#firstTimestamp = Number(bytes.readBigInt64BE(27));
    this.#maxTimestamp = Number(bytes.readBigInt64BE(35));
    this.#count = bytes.readInt32BE(57);
    this.#records = bytes.subarray(RECORDS_AT);
    const lastOffset = this.#firstOffset + BigInt(bytes.readInt32BE(23));
    this.offset = String(lastOffset);
    const producerId = bytes.readBigInt64BE(43);
    for (let [next] = begun; next !== undefined && next.firstOffset <= lastOffset; [next] = begun) {
      open.add(next.producerId);
      begun.shift();
    }
    const isMarker = (this.#attributes & CONTROL) !== 0;
    if (isMarker && this.#markerType() === ABORTED) open.delete(producerId);
    this.isControlRecord = isMarker || ((this.#attributes & TRANSACTIONAL) !== 0 && open.has(producerId));
  }

  #markerType(): number | undefined {
    const [marker] = this.recordsOf({ topic: '', partition: 0 }, 0n);
    return marker?.keyBytes?.readInt16BE(2);
  }

  /** For codecs that kafkajs does not have it throws what kafkajs throws. */
  async decompress(): Promise<void> {
    if ((this.#attributes & CODEC) === 0 || this.isControlRecord) return;
    this.#records = await compression.lookupCodecByAttributes(this.#attributes).decompress(this.#records);
  }

  /** Those from that offset on: an answer begins with a whole batch. */
  recordsOf({ topic, partition }: TopicPartition, from: bigint): FetchedRecord[] {
    const cursor = new Cursor(this.#records);
    const isAppendTime = (this.#attributes & LOG_APPEND_TIME) !== 0;
    const records: FetchedRecord[] = [];
    for (let left = this.#count; left > 0; left -= 1) {
      const length = cursor.varint();
      const end = cursor.at + length;
      // An attribute that means nothing yet.
      cursor.at += 1;
      const timestampDelta = cursor.varint();
      const offset = this.#firstOffset + BigInt(cursor.varint());
      const timestampMs = isAppendTime ? this.#maxTimestamp : this.#firstTimestamp + timestampDelta;
      if (offset >= from) records.push(new FetchedRecord({ topic, partition, offset, timestampMs }, cursor));
      cursor.at = end;
    }
    return records;
  }
}

/** Key and headers are read when they are asked for. */
class FetchedRecord implements LogRecord {
  readonly topic: string;
  readonly partition: number;
  readonly offset: bigint;
  readonly timestampMs: number;
  readonly value: Buffer | null;
  readonly #bytes: Buffer;
  readonly #keyAt: number;
  readonly #headersAt: number;

  /** `cursor` stands at the key. */
  constructor(head: TopicPartition & { offset: bigint; timestampMs: number }, cursor: Cursor) {
    this.topic = head.topic;
    this.partition = head.partition;
    this.offset = head.offset;
    this.timestampMs = head.timestampMs;
    this.#bytes = cursor.bytes;
    this.#keyAt = cursor.at;
    const keyLength = cursor.varint();
    cursor.at += Math.max(0, keyLength);
    this.value = bytesIn(cursor);
    this.#headersAt = cursor.at;
  }

  get keyBytes(): Buffer | null {
    return bytesIn(new Cursor(this.#bytes, this.#keyAt));
  }

  get key(): string {
    return this.keyBytes?.toString() ?? '';
  }

  get headers(): Readonly<Record<string, string>> {
    const cursor = new Cursor(this.#bytes, this.#headersAt);
    const header = (): [string, string] => [cursor.text(cursor.varint()), bytesIn(cursor)?.toString() ?? ''];
    return Object.fromEntries(Array.from({ length: Math.max(0, cursor.varint()) }, header));
  }
}

const bytesIn = (cursor: Cursor): Buffer | null => {
  const length = cursor.varint();
  return length < 0 ? null : cursor.take(length);
};
