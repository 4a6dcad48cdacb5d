/** The messages that name partitions. In all of them: `topics`, in these `partitions`, in these `index` and `error`. */
import {
  array,
  between,
  bytes,
  int16,
  int32,
  int64,
  int8,
  nullableArray,
  nullableString,
  since,
  string,
  struct,
  until,
  uuid,
  withNone,
} from './codec.ts';

/** Unknown, or not to be checked. */
const epoch = withNone(-1, int32);
const error = int16;
const throttleMs = int32;
/** A topic is named until the version in which its id takes over. */
const namedUntil = (last: number) => ({ name: until(last, string), topicId: since(last + 1, uuid) });

export const produceRequest = struct({
  transactionalId: since(3, nullableString),
  acks: int16,
  timeoutMs: int32,
  topics: array(struct({ ...namedUntil(12), partitions: array(struct({ index: int32, records: bytes })) })),
});

const producedPartition = struct({
  index: int32,
  error,
  baseOffset: int64,
  logAppendTimeMs: since(2, int64),
  logStartOffset: since(5, int64),
  recordErrors: since(8, array(struct({ batchIndex: int32, message: nullableString }))),
  errorMessage: since(8, nullableString),
});

export const produceAnswer = struct({
  topics: array(struct({ ...namedUntil(12), partitions: array(producedPartition) })),
  throttleMs: since(1, throttleMs),
});

export const fetchRequest = struct({
  replicaId: until(14, int32),
  maxWaitMs: int32,
  minBytes: int32,
  maxBytes: since(3, int32),
  isolationLevel: since(4, int8),
  sessionId: since(7, int32),
  sessionEpoch: since(7, int32),
  topics: array(
    struct({
      ...namedUntil(12),
      partitions: array(
        struct({
          index: int32,
          currentLeaderEpoch: since(9, epoch),
          fetchOffset: int64,
          lastFetchedEpoch: since(12, epoch),
          logStartOffset: since(5, int64),
          partitionMaxBytes: int32,
        }),
      ),
    }),
  ),
  forgotten: since(7, array(struct({ ...namedUntil(12), partitions: array(int32) }))),
  rackId: since(11, string),
});

const fetchedPartition = struct({
  index: int32,
  error,
  highWatermark: int64,
  lastStableOffset: since(4, int64),
  logStartOffset: since(5, int64),
  abortedTransactions: since(4, nullableArray(struct({ producerId: int64, firstOffset: int64 }))),
  preferredReadReplica: since(11, withNone(-1, int32)),
  records: withNone(Buffer.alloc(0), bytes),
});

export const fetchAnswer = struct({
  throttleMs: since(1, throttleMs),
  error: since(7, error),
  sessionId: since(7, int32),
  topics: array(struct({ ...namedUntil(12), partitions: array(fetchedPartition) })),
});

export const listOffsetsRequest = struct({
  replicaId: int32,
  isolationLevel: since(2, int8),
  topics: array(
    struct({
      name: string,
      partitions: array(
        struct({ index: int32, currentLeaderEpoch: since(4, epoch), timestamp: int64, offsetsMax: until(0, int32) }),
      ),
    }),
  ),
  timeoutMs: since(10, int32),
});

const listedPartition = struct({
  index: int32,
  error,
  offsets: until(0, array(int64)),
  timestamp: since(1, int64),
  offset: since(1, int64),
  leaderEpoch: since(4, epoch),
});

export const listOffsetsAnswer = struct({
  throttleMs: since(2, throttleMs),
  topics: array(struct({ name: string, partitions: array(listedPartition) })),
});

export const offsetCommitRequest = struct({
  groupId: string,
  generation: since(1, int32),
  memberId: since(1, string),
  groupInstanceId: since(7, nullableString),
  retentionTimeMs: between(2, 4, int64),
  topics: array(
    struct({
      ...namedUntil(9),
      partitions: array(
        struct({
          index: int32,
          offset: int64,
          leaderEpoch: since(6, epoch),
          commitTimestamp: between(1, 1, int64),
          metadata: nullableString,
        }),
      ),
    }),
  ),
});

const committedPartition = struct({ index: int32, error });

export const offsetCommitAnswer = struct({
  throttleMs: since(3, throttleMs),
  topics: array(struct({ ...namedUntil(9), partitions: array(committedPartition) })),
});

/** What the answer says of a partition that was refused, index and error apart. */
export const refused = {
  produce: producedPartition.none,
  fetch: fetchedPartition.none,
  listOffsets: listedPartition.none,
  offsetCommit: committedPartition.none,
};
