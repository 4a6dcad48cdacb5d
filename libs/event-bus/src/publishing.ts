/**
 * What the clients publish with: records go partition by partition, each batch in a request of its own, so that the
 * failure of one partition is its own, and each record gets the answer of its batch.
 */
import type { OutgoingRecord, PublishAnswer, PublishError, TopicPartition } from './event-bus.ts';
import { partitionId } from './hand-over.ts';

export type Written =
  | { readonly ok: true; readonly base: bigint }
  | { readonly ok: false; readonly error: PublishError };

/** One request. `base` is the offset of the first record; only a reply that names the partition gives one. */
export type WriteBatch = (partition: TopicPartition, batch: readonly OutgoingRecord[]) => Promise<Written>;

/** A client makes one batch of a request, and a broker refuses batches over 1 MB: half leaves room for estimates. */
const BATCH_BYTES_MAX = 500_000;
/** More than the frame of a record takes. */
const FRAME_BYTES = 100;

interface Numbered {
  readonly record: OutgoingRecord;
  readonly at: number;
}

export const publishInOrder = async (
  records: readonly OutgoingRecord[],
  write: WriteBatch,
): Promise<PublishAnswer[]> => {
  const byPartition = Map.groupBy(
    records.map((record, at) => ({ record, at })),
    ({ record }) => partitionId(record),
  );
  const answers: PublishAnswer[] = [];
  await Promise.all([...byPartition.values()].map((group) => writePartition(group, write, answers)));
  return answers;
};

const writePartition = async (
  group: readonly Numbered[],
  write: WriteBatch,
  answers: PublishAnswer[],
): Promise<void> => {
  let stopped: PublishError | undefined;
  for (const batch of batches(group)) {
    const written = stopped ? ({ ok: false, error: stopped } as const) : await writeBatch(batch, write);
    if (!written.ok && written.error.retriable) stopped = written.error;
    batch.forEach(({ at }, index) => {
      answers[at] = written.ok ? { ok: true, offset: written.base + BigInt(index) } : written;
    });
  }
};

const writeBatch = (batch: readonly [Numbered, ...Numbered[]], write: WriteBatch): Promise<Written> => {
  const [{ record: { topic, partition } }] = batch;
  return write({ topic, partition }, batch.map(({ record }) => record));
};

const bytesOf = ({ record: { key, value, headers } }: Numbered): number =>
  Object.entries(headers).reduce(
    (bytes, [name, content]) => bytes + name.length + content.length,
    FRAME_BYTES + 3 * key.length + value.length,
  );

/** In order; a record that is larger than a batch goes alone, so that its refusal is its own. */
const batches = (group: readonly Numbered[]): [Numbered, ...Numbered[]][] => {
  const all: [Numbered, ...Numbered[]][] = [];
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
