/**
 * What the clients publish with: the records of a call go topic by topic, of each partition one batch at a time, so that
 * the failure of one partition is its own, and each record gets the answer of its batch.
 */
import type { OutgoingRecord, PublishAnswer, PublishError } from './event-bus.ts';

export type Written =
  | { readonly ok: true; readonly base: bigint }
  | { readonly ok: false; readonly error: PublishError };

/** Records of one partition that are written all together or not at all. */
export interface RecordBatch {
  readonly partition: number;
  readonly records: readonly OutgoingRecord[];
}

/**
 * Batches of one topic, each of another partition; resolves to an answer for each. `base` is the offset of its first
 * record; only a reply that names the partition gives one.
 */
export type WriteBatches = (topic: string, batches: readonly RecordBatch[]) => Promise<readonly Written[]>;

/** A client makes one batch of a partition's records, and a broker refuses batches over 1 MB: half leaves room for estimates. */
const BATCH_BYTES_MAX = 500_000;
/** More than the frame of a record takes. */
const FRAME_BYTES = 100;

interface Numbered {
  readonly record: OutgoingRecord;
  readonly at: number;
}

export const publishInOrder = async (
  records: readonly OutgoingRecord[],
  write: WriteBatches,
): Promise<PublishAnswer[]> => {
  const byTopic = Map.groupBy(
    records.map((record, at) => ({ record, at })),
    ({ record }) => record.topic,
  );
  const answers: PublishAnswer[] = [];
  await Promise.all([...byTopic].map(([topic, group]) => writeTopic(topic, group, write, answers)));
  return answers;
};

/** The first batches of all partitions, then the second ones, until none is left. */
const writeTopic = async (
  topic: string,
  group: readonly Numbered[],
  write: WriteBatches,
  answers: PublishAnswer[],
): Promise<void> => {
  const byPartition = Map.groupBy(group, ({ record }) => record.partition);
  let lanes = [...byPartition].map(([partition, numbered]) => ({ partition, batches: batchesOf(numbered) }));
  while (lanes.length > 0) {
    const heads = lanes.map(({ partition, batches }) => ({ partition, batch: batches.shift() ?? [] }));
    const written = await write(
      topic,
      heads.map(({ partition, batch }) => ({ partition, records: batch.map(({ record }) => record) })),
    );
    for (const [lane, { batches }] of lanes.entries()) {
      const answer = written[lane];
      if (answer === undefined) continue;
      answerAll(heads[lane]?.batch ?? [], answer, answers);
      // What comes behind would overtake it.
      if (!answer.ok && answer.error.retriable) answerAll(batches.splice(0).flat(), answer, answers);
    }
    lanes = lanes.filter(({ batches }) => batches.length > 0);
  }
};

const answerAll = (batch: readonly Numbered[], written: Written, answers: PublishAnswer[]): void => {
  for (const [index, { at }] of batch.entries()) {
    answers[at] = written.ok ? { ok: true, offset: written.base + BigInt(index) } : written;
  }
};

const bytesOf = ({ record: { key, value, headers } }: Numbered): number => {
  let bytes = FRAME_BYTES + 3 * key.length + value.length;
  for (const name in headers) bytes += name.length + (headers[name]?.length ?? 0);
  return bytes;
};

/** In order; a record that is larger than a batch goes alone, so that its refusal is its own. */
const batchesOf = (group: readonly Numbered[]): Numbered[][] => {
  const all: Numbered[][] = [];
  let bytes = 0;
  for (const numbered of group) {
    const size = bytesOf(numbered);
    const last = all.at(-1);
    if (last === undefined || bytes + size > BATCH_BYTES_MAX) {
      all.push([numbered]);
      bytes = size;
    } else {
      last.push(numbered);
      bytes += size;
    }
  }
  return all;
};
