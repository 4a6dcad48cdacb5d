/** The messages that say which brokers there are, and those whose answer is one error for the whole request. */
import {
  array,
  between,
  boolean,
  bytes,
  int16,
  int32,
  int64,
  int8,
  nullableArray,
  nullableString,
  type Reader,
  since,
  string,
  struct,
  until,
  uuid,
  withNone,
} from './codec.ts';

const error = int16;
const throttleMs = int32;
/** Operations that the client may do; not asked for. */
const operations = withNone(-2_147_483_648, int32);

const metadataPartition = struct({
  error,
  index: int32,
  leader: int32,
  leaderEpoch: since(7, withNone(-1, int32)),
  replicas: array(int32),
  inSyncReplicas: array(int32),
  offlineReplicas: since(5, array(int32)),
});

export const metadataAnswer = struct({
  throttleMs: since(3, throttleMs),
  brokers: array(struct({ nodeId: int32, host: string, port: int32, rack: since(1, nullableString) })),
  clusterId: since(2, nullableString),
  controllerId: since(1, int32),
  topics: array(
    struct({
      error,
      name: nullableString,
      topicId: since(10, uuid),
      isInternal: since(1, boolean),
      partitions: array(metadataPartition),
      authorizedOperations: since(8, operations),
    }),
  ),
  authorizedOperations: between(8, 10, operations),
  error: since(13, error),
});

const namedTopics = nullableArray(struct({ name: string }));
const identifiedTopics = nullableArray(struct({ topicId: uuid, name: nullableString }));

/** The topics that a Metadata request is about, by name or id; undefined for all. What follows them is left unread. */
export const topicsAsked = (body: Reader): string[] | undefined => {
  const { version } = body.format;
  const topics =
    version < 10
      ? namedTopics.read(body)?.map(({ name }) => name)
      : identifiedTopics.read(body)?.map(({ name, topicId }) => name ?? topicId);
  // The oldest version says all by an empty list.
  return version === 0 && topics?.length === 0 ? undefined : topics;
};

const coordinator = { nodeId: int32, host: string, port: int32 };

export const findCoordinatorAnswer = struct({
  throttleMs: since(1, throttleMs),
  error: until(3, error),
  errorMessage: between(1, 3, nullableString),
  nodeId: until(3, int32),
  host: until(3, string),
  port: until(3, int32),
  coordinators: since(4, array(struct({ key: string, ...coordinator, error, errorMessage: nullableString }))),
});

export const describeClusterAnswer = struct({
  throttleMs,
  error,
  errorMessage: nullableString,
  endpointType: since(1, withNone(1, int8)),
  clusterId: string,
  controllerId: int32,
  brokers: array(
    struct({ nodeId: int32, host: string, port: int32, rack: nullableString, isFenced: since(2, boolean) }),
  ),
  authorizedOperations: operations,
});

export const apiVersionsAnswer = struct({
  error,
  apis: array(struct({ key: int16, first: int16, last: int16 })),
  throttleMs: since(1, throttleMs),
});

const fetchedOffset = {
  index: int32,
  offset: int64,
  leaderEpoch: since(5, withNone(-1, int32)),
  metadata: nullableString,
  error,
};

export const offsetFetchAnswer = struct({
  throttleMs: since(3, throttleMs),
  topics: until(7, array(struct({ name: string, partitions: array(struct(fetchedOffset)) }))),
  error: between(2, 7, error),
  groups: since(
    8,
    array(
      struct({
        groupId: string,
        topics: array(
          struct({ name: until(9, string), topicId: since(10, uuid), partitions: array(struct(fetchedOffset)) }),
        ),
        error,
      }),
    ),
  ),
});

export const joinGroupAnswer = struct({
  throttleMs: since(2, throttleMs),
  error,
  generation: withNone(-1, int32),
  protocolType: since(7, nullableString),
  protocolName: withNone('', nullableString),
  leader: string,
  skipAssignment: since(9, boolean),
  memberId: string,
  members: array(struct({ memberId: string, groupInstanceId: since(5, nullableString), metadata: bytes })),
});

export const syncGroupAnswer = struct({
  throttleMs: since(1, throttleMs),
  error,
  protocolType: since(5, nullableString),
  protocolName: since(5, nullableString),
  assignment: withNone(Buffer.alloc(0), bytes),
});

/** Heartbeat. */
export const errorAnswer = struct({ throttleMs: since(1, throttleMs), error });

export const leaveGroupAnswer = struct({
  throttleMs: since(1, throttleMs),
  error,
  members: since(3, array(struct({ memberId: string, groupInstanceId: nullableString, error }))),
});

export const initProducerIdAnswer = struct({
  throttleMs,
  error,
  producerId: int64,
  producerEpoch: withNone(-1, int16),
});

/** AddOffsetsToTxn, EndTxn. */
export const transactionAnswer = struct({ throttleMs, error });

export type MetadataAnswer = (typeof metadataAnswer)['none'];
export type FindCoordinatorAnswer = (typeof findCoordinatorAnswer)['none'];
export type DescribeClusterAnswer = (typeof describeClusterAnswer)['none'];
export type ApiVersionsAnswer = (typeof apiVersionsAnswer)['none'];
