/**
 * The body of a produce request (version 7) and its record batches (magic 2), as the Kafka protocol describes them:
 * uncompressed, without a transaction. Sizes are counted first, so that all is written once, into one buffer.
 */
import crc32C from 'kafkajs/src/protocol/recordBatch/crc32C/index.js';
import type { OutgoingRecord } from './event-bus.ts';

/** A record of the port on its way through kafkajs, to be known again there: other messages have other shapes. */
export class PortMessage {
  readonly partition: number;
  readonly key: string;
  readonly value: Buffer;
  readonly headers: Record<string, string>;
  /** Sent in one call with records of other partitions, also where these have another leader. */
  readonly isShared: boolean;

  constructor({ partition, key, value, headers }: OutgoingRecord, isShared: boolean) {
    this.isShared = isShared;
    this.partition = partition;
    this.key = key;
    this.value = value;
    this.headers = headers;
  }
}

export interface ProduceContent {
  readonly acks: number;
  readonly timeout: number;
  readonly topicData: readonly {
    readonly topic: string;
    readonly partitions: readonly { readonly partition: number; readonly messages: readonly PortMessage[] }[];
  }[];
}

/** Of a batch, up to its records: what its length and its checksum do not cover, and what they do. */
const BATCH_HEAD = 8 + 4;
const CHECKED_FROM = BATCH_HEAD + 4 + 1 + 4;
const RECORDS_FROM = CHECKED_FROM + 2 + 4 + 8 + 8 + 8 + 2 + 4 + 4;
const MAGIC = 2;
const NO_PRODUCER = -1n;

export const encodeProduce = ({ acks, timeout, topicData }: ProduceContent): Buffer => {
  const topics = topicData.map(({ topic, partitions }) => ({
    topic,
    partitions: partitions.map(({ partition, messages }) => {
      const records = messages.map(sizedOf);
      return { partition, records, size: RECORDS_FROM + records.reduce((sum, { size }) => sum + sizeOfVarInt(size) + size, 0) };
    }),
  }));
  const size = topics.reduce(
    (sum, { topic, partitions }) => partitions.reduce((all, batch) => all + 4 + 4 + batch.size, sum + 2 + Buffer.byteLength(topic) + 4),
    2 + 2 + 4 + 4,
  );
  const nowMs = BigInt(Date.now());
  const to = new Writer(size);
  to.int16(-1); // No transaction.
  to.int16(acks);
  to.int32(timeout);
  to.int32(topics.length);
  for (const { topic, partitions } of topics) {
    to.int16(Buffer.byteLength(topic));
    to.text(topic);
    to.int32(partitions.length);
    for (const { partition, records, size: batchSize } of partitions) {
      to.int32(partition);
      to.int32(batchSize);
      writeBatch(to, records, batchSize, nowMs);
    }
  }
  return to.bytes;
};

const writeBatch = (to: Writer, records: readonly SizedRecord[], size: number, nowMs: bigint): void => {
  const at = to.at;
  to.int64(0n); // The broker sets the first offset.
  to.int32(size - BATCH_HEAD);
  to.int32(0); // The leader's epoch is the broker's to set, too.
  to.int8(MAGIC);
  to.at = at + CHECKED_FROM;
  to.int16(0); // No compression; the time is the client's.
  to.int32(records.length - 1);
  to.int64(nowMs);
  to.int64(nowMs);
  to.int64(NO_PRODUCER);
  to.int16(0);
  to.int32(0);
  to.int32(records.length);
  for (const [offset, record] of records.entries()) writeRecord(to, record, offset);
  to.bytes.writeUInt32BE(crc32C(to.bytes.subarray(at + CHECKED_FROM, to.at)), at + CHECKED_FROM - 4);
};

interface SizedRecord extends Omit<PortMessage, 'partition' | 'isShared'> {
  readonly keySize: number;
  readonly names: readonly string[];
  /** Without its own length in front. */
  readonly size: number;
}

const sizeOfBytes = (length: number): number => sizeOfVarInt(length) + length;

const sizedOf = ({ key, value, headers }: PortMessage, offset: number): SizedRecord => {
  const names = Object.keys(headers);
  const keySize = Buffer.byteLength(key);
  let size = 1 + 1 + sizeOfVarInt(offset) + sizeOfBytes(keySize) + sizeOfBytes(value.length) + sizeOfVarInt(names.length);
  for (const name of names) size += sizeOfBytes(Buffer.byteLength(name)) + sizeOfBytes(Buffer.byteLength(headers[name] ?? ''));
  return { key, value, headers, keySize, names, size };
};

const writeRecord = (to: Writer, { key, value, headers, keySize, names, size }: SizedRecord, offset: number): void => {
  to.varInt(size);
  to.int8(0); // No attributes.
  to.varInt(0); // Written at the time of the batch.
  to.varInt(offset);
  to.varInt(keySize);
  to.text(key);
  to.varInt(value.length);
  to.raw(value);
  to.varInt(names.length);
  for (const name of names) {
    const content = headers[name] ?? '';
    to.varInt(Buffer.byteLength(name));
    to.text(name);
    to.varInt(Buffer.byteLength(content));
    to.text(content);
  }
};

/** Seven bits to a byte, of a number whose sign is its lowest bit. */
const sizeOfVarInt = (value: number): number => {
  let left = value << 1;
  let size = 1;
  while ((left >>>= 7) !== 0) size += 1;
  return size;
};

class Writer {
  readonly bytes: Buffer;
  at = 0;

  constructor(size: number) {
    this.bytes = Buffer.allocUnsafe(size);
  }

  int8(value: number): void {
    this.at = this.bytes.writeInt8(value, this.at);
  }

  int16(value: number): void {
    this.at = this.bytes.writeInt16BE(value, this.at);
  }

  int32(value: number): void {
    this.at = this.bytes.writeInt32BE(value, this.at);
  }

  int64(value: bigint): void {
    this.at = this.bytes.writeBigInt64BE(value, this.at);
  }

  /** Of lengths and offsets: never negative here. */
  varInt(value: number): void {
    let left = value << 1;
    while (left > 0x7f) {
      this.bytes[this.at++] = (left & 0x7f) | 0x80;
      left >>>= 7;
    }
    this.bytes[this.at++] = left;
  }

  text(value: string): void {
    this.at += this.bytes.write(value, this.at);
  }

  raw(value: Buffer): void {
    this.at += value.copy(this.bytes, this.at);
  }
}
