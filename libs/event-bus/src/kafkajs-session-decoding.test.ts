import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import KafkajsBatch from 'kafkajs/src/consumer/batch.js';
import Encoder from 'kafkajs/src/protocol/encoder.js';
import stock from 'kafkajs/src/protocol/requests/fetch/v11/response.js';
import recordBatch from 'kafkajs/src/protocol/recordBatch/v0/index.js';
import recordOf from 'kafkajs/src/protocol/recordBatch/record/v0/index.js';
import type { LogRecord } from './event-bus.ts';
import { decodeFetch, type FetchedBatch } from './kafkajs-session-decoding.ts';

const ATTRIBUTES_AT = 21;
const LOG_APPEND_TIME = 0b1000;
const CONTROL = 0b10_0000;
const TOPIC = 'log';
const ABORT_MARKER = { key: Buffer.from([0, 0, 0, 0]), value: Buffer.alloc(6), headers: {}, timestampDelta: 0 };

interface SketchedRecord {
  key: Buffer | null;
  value: Buffer | null;
  headers: Record<string, Buffer>;
  timestampDelta: number;
}

interface SketchedBatch {
  records: SketchedRecord[];
  gzip: boolean;
  appendTime: boolean;
  transactional: boolean;
  control: boolean;
  producerId: number;
}

const NO_ONE = -1;

const encodeBatch = async (sketch: SketchedBatch, firstOffset: number): Promise<Buffer> => {
  const { buffer } = await recordBatch.RecordBatch({
    compression: sketch.gzip ? 1 : 0,
    firstOffset,
    firstTimestamp: 1_795_251_600_000,
    maxTimestamp: 1_795_251_699_999,
    lastOffsetDelta: sketch.records.length - 1,
    transactional: sketch.transactional,
    producerId: sketch.producerId,
    records: sketch.records.map((record, offsetDelta) => recordOf({ ...record, offsetDelta })),
  });
  const flags = (sketch.appendTime ? LOG_APPEND_TIME : 0) | (sketch.control ? CONTROL : 0);
  buffer.writeInt16BE(buffer.readInt16BE(ATTRIBUTES_AT) | flags, ATTRIBUTES_AT);
  return buffer;
};

interface Answer {
  partition: number;
  content: Buffer;
  abortedFrom: number | undefined;
}

const encodeAnswer = ({ partition, content, abortedFrom }: Answer): Buffer => {
  const head = new Encoder().writeInt32(20).writeInt16(0).writeInt32(0).writeInt32(1).writeString(TOPIC).writeInt32(1);
  head.writeInt32(partition).writeInt16(0).writeInt64(1_000).writeInt64(1_000).writeInt64(0);
  if (abortedFrom === undefined) head.writeInt32(-1);
  else head.writeInt32(1).writeInt64(7).writeInt64(abortedFrom);
  return head.writeInt32(-1).writeBytes(content).buffer;
};

interface Decoded<M> {
  readonly responses: readonly { readonly partitions: readonly { readonly partition: number; readonly messages: readonly M[] }[] }[];
}

/** As kafkajs hands it over, from the answer of either. */
const batchIn = <M>({ responses }: Decoded<M>, fetchedOffset: number): KafkajsBatch<M> => {
  const [fetched] = responses[0]?.partitions ?? [];
  if (fetched === undefined) throw new Error('the answer has no partition');
  return new KafkajsBatch(TOPIC, String(fetchedOffset), fetched);
};

const recordsIn = (batch: KafkajsBatch<FetchedBatch>): LogRecord[] =>
  batch.messages.flatMap((part) => part.recordsOf(batch, BigInt(batch.fetchedOffset)));

const plain = ({ topic, partition, offset, key, value, headers, timestampMs }: LogRecord): LogRecord =>
  ({ topic, partition, offset, key, value, headers, timestampMs });

const bytes = fc.uint8Array({ maxLength: 300 }).map((content) => Buffer.from(content));
const texts = fc.string({ unit: 'grapheme', maxLength: 200 }).map((text) => Buffer.from(text));
const records: fc.Arbitrary<SketchedRecord> = fc.record({
  key: fc.option(texts),
  value: fc.option(bytes),
  headers: fc.dictionary(fc.string().filter((name) => !(name in Object.prototype)), texts, { maxKeys: 3, noNullPrototype: true }),
  timestampDelta: fc.oneof(fc.integer({ min: -100, max: 100 }), fc.integer({ min: -(2 ** 40), max: 2 ** 40 })),
});
const batches: fc.Arbitrary<SketchedBatch> = fc.record({
  records: fc.array(records, { minLength: 1, maxLength: 80 }),
  gzip: fc.boolean(),
  appendTime: fc.boolean(),
  transactional: fc.constant(false),
  control: fc.constant(false),
  producerId: fc.constant(NO_ONE),
});
/** Two batches of a transaction that was aborted, and its marker. */
const aborted = fc.array(batches, { minLength: 1, maxLength: 2 }).map((all): SketchedBatch[] => [
  ...all.map((batch) => ({ ...batch, transactional: true, producerId: 7 })),
  { records: [ABORT_MARKER], gzip: false, appendTime: false, transactional: true, control: true, producerId: 7 },
]);
const answers = fc.record({
  before: fc.array(batches, { maxLength: 2 }),
  aborted: fc.option(aborted, { nil: undefined }),
  after: fc.array(batches, { maxLength: 2 }),
  /** So many bytes of the last batch are missing. */
  cut: fc.nat({ max: 40 }),
  partition: fc.nat({ max: 100 }),
  firstOffset: fc.constantFrom(0, 130, 5_000_000_000),
  skipped: fc.nat({ max: 60 }),
});

test('a fetch is read as kafkajs reads it: key, value, headers, time and offset of each record that counts, and where to go on', async () => {
  const property = fc.asyncProperty(answers, async ({ before, aborted: within = [], after, cut, partition, firstOffset, skipped }) => {
    const parts: Buffer[] = [];
    let next = firstOffset;
    let abortedFrom: number | undefined;
    for (const sketch of [...before, ...within, ...after]) {
      if (sketch.transactional) abortedFrom ??= next;
      parts.push(await encodeBatch(sketch, next));
      next += sketch.records.length;
    }
    const content = Buffer.concat(parts);
    const answer = encodeAnswer({ partition, content: content.subarray(0, Math.max(0, content.length - cut)), abortedFrom });
    const expected = batchIn(await stock.decode(answer), firstOffset + skipped);
    const actual = batchIn(await decodeFetch(answer), firstOffset + skipped);
    expect(recordsIn(actual).map(plain)).toEqual(expected.messages.map((message): LogRecord => ({
      topic: TOPIC,
      partition,
      offset: BigInt(message.offset),
      key: message.key?.toString() ?? '',
      value: message.value,
      headers: Object.fromEntries(Object.entries(message.headers).map(([name, text]) => [name, String(text)])),
      timestampMs: Number(message.timestamp),
    })));
    expect(actual.lastOffset()).toBe(expected.lastOffset());
    expect(actual.isEmptyDueToFiltering()).toBe(expected.isEmptyDueToFiltering());
  });
  await fc.assert(property, { numRuns: 100 });
}, 60_000);

const PLAIN: SketchedBatch = { records: [ABORT_MARKER], gzip: false, appendTime: false, transactional: false, control: false, producerId: NO_ONE };

test('a header may have the name of what every object has', async () => {
  const headers = Object.fromEntries(['__proto__', 'toString'].map((name) => [name, Buffer.from('a')]));
  const content = await encodeBatch({ ...PLAIN, records: [{ ...ABORT_MARKER, headers }] }, 0);
  const [record] = recordsIn(batchIn(await decodeFetch(encodeAnswer({ partition: 0, content, abortedFrom: undefined })), 0));
  expect(Object.entries(record?.headers ?? {})).toEqual([['__proto__', 'a'], ['toString', 'a']]);
});

test('records of the version before Kafka 0.11 are refused, not misread', async () => {
  const content = await encodeBatch(PLAIN, 0);
  content.writeInt8(1, 16);
  await expect(decodeFetch(encodeAnswer({ partition: 0, content, abortedFrom: undefined }))).rejects.toThrow('version 1');
});

test('an answer in a codec that kafkajs does not have is refused with what kafkajs says of it', async () => {
  const content = await encodeBatch(PLAIN, 0);
  content.writeInt16BE(2, ATTRIBUTES_AT);
  await expect(decodeFetch(encodeAnswer({ partition: 0, content, abortedFrom: undefined }))).rejects.toThrow('Snappy');
});
