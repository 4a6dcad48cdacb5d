/** What the proxy knows of Kafka's APIs: the names of many, the messages of those that it reads, changes or answers. */
import type { Codec, Format } from './codec.ts';
import * as cluster from './cluster-messages.ts';
import type {
  ApiVersionsAnswer,
  DescribeClusterAnswer,
  FindCoordinatorAnswer,
  MetadataAnswer,
} from './cluster-messages.ts';
import * as partitions from './partition-messages.ts';
import type { VirtualCluster } from './virtual-cluster.ts';

const apiKeys = {
  Produce: 0,
  Fetch: 1,
  ListOffsets: 2,
  Metadata: 3,
  OffsetCommit: 8,
  OffsetFetch: 9,
  FindCoordinator: 10,
  JoinGroup: 11,
  Heartbeat: 12,
  LeaveGroup: 13,
  SyncGroup: 14,
  DescribeGroups: 15,
  ListGroups: 16,
  SaslHandshake: 17,
  ApiVersions: 18,
  CreateTopics: 19,
  DeleteTopics: 20,
  DeleteRecords: 21,
  InitProducerId: 22,
  OffsetForLeaderEpoch: 23,
  AddPartitionsToTxn: 24,
  AddOffsetsToTxn: 25,
  EndTxn: 26,
  TxnOffsetCommit: 28,
  DescribeConfigs: 32,
  AlterConfigs: 33,
  SaslAuthenticate: 36,
  CreatePartitions: 37,
  DeleteGroups: 42,
  IncrementalAlterConfigs: 44,
  DescribeCluster: 60,
  ConsumerGroupHeartbeat: 68,
} as const;

export type ApiName = keyof typeof apiKeys;

const namesByKey = new Map<number, ApiName>(Object.entries(apiKeys).map(([name, key]) => [key, name as ApiName]));

export const isApiName = (name: unknown): name is ApiName => typeof name === 'string' && name in apiKeys;
export const nameOf = (apiKey: number): ApiName | number => namesByKey.get(apiKey) ?? apiKey;

export interface TopicName {
  /** Empty in versions that give the id. */
  readonly name: string;
  readonly topicId?: string;
}

interface Topic<P> extends TopicName {
  partitions: P[];
}

export interface PartitionsRequest {
  topics: Topic<{ index: number }>[];
  /** Produce: with 0 there is no answer. */
  acks?: number;
  /** Fetch. */
  maxWaitMs?: number;
  sessionId?: number;
  sessionEpoch?: number;
}

export interface AnswerPartition {
  index: number;
  error: number;
}

export interface PartitionsAnswer {
  topics: Topic<AnswerPartition>[];
}

/** Those whose bodies name partitions, each with an error of its own. */
export interface PartitionsApi {
  readonly request: Codec<PartitionsRequest>;
  readonly answer: Codec<PartitionsAnswer>;
  readonly refused: AnswerPartition;
  /** Served by the leader of the partition alone. */
  readonly leaderOnly: boolean;
}

/** Those that are answered with one error, or one per group or coordinator. */
export interface WholeAnswer {
  error: number;
  groups?: { error: number }[];
  coordinators?: { error: number }[];
}

export interface WholeApi {
  readonly answer: Codec<WholeAnswer>;
  /** It changes nothing: the broker is asked in any case, and an error put into what it says. */
  readonly readOnly?: boolean;
  /** What the client must not learn of the real broker. */
  rewrite?(answer: WholeAnswer, nodes: VirtualCluster): WholeAnswer;
  /** Where the error belongs, if not at the places above. */
  fail?(answer: WholeAnswer, error: number, isMeant: (topic: string) => boolean): WholeAnswer;
}

export interface Api {
  readonly flexibleSince: number;
  /** The newest version that the proxy reads; clients are told of no newer one. */
  readonly versionMax: number;
  readonly ofPartitions?: PartitionsApi;
  readonly ofWhole?: WholeApi;
}

const { refused } = partitions;

const apis: { readonly [name in ApiName]?: Api } = {
  Produce: {
    flexibleSince: 9,
    versionMax: 13,
    ofPartitions: {
      request: partitions.produceRequest,
      answer: partitions.produceAnswer,
      refused: refused.produce,
      leaderOnly: true,
    },
  },
  Fetch: {
    flexibleSince: 12,
    versionMax: 18,
    ofPartitions: {
      request: partitions.fetchRequest,
      answer: partitions.fetchAnswer,
      refused: refused.fetch,
      leaderOnly: true,
    },
  },
  ListOffsets: {
    flexibleSince: 6,
    versionMax: 11,
    ofPartitions: {
      request: partitions.listOffsetsRequest,
      answer: partitions.listOffsetsAnswer,
      refused: refused.listOffsets,
      leaderOnly: true,
    },
  },
  OffsetCommit: {
    flexibleSince: 8,
    versionMax: 10,
    ofPartitions: {
      request: partitions.offsetCommitRequest,
      answer: partitions.offsetCommitAnswer,
      refused: refused.offsetCommit,
      leaderOnly: false,
    },
  },
  Metadata: {
    flexibleSince: 9,
    versionMax: 13,
    ofWhole: {
      answer: cluster.metadataAnswer,
      readOnly: true,
      rewrite: (answer: MetadataAnswer, nodes) => nodes.inMetadata(answer),
      fail: (answer: MetadataAnswer, error, isMeant) => ({
        ...answer,
        topics: answer.topics.map((topic) => (isMeant(topic.name ?? '') ? { ...topic, error, partitions: [] } : topic)),
      }),
    },
  },
  FindCoordinator: {
    flexibleSince: 3,
    versionMax: 6,
    ofWhole: {
      answer: cluster.findCoordinatorAnswer,
      readOnly: true,
      rewrite: (answer: FindCoordinatorAnswer, nodes) => nodes.inFindCoordinator(answer),
    },
  },
  DescribeCluster: {
    flexibleSince: 0,
    versionMax: 2,
    ofWhole: {
      answer: cluster.describeClusterAnswer,
      readOnly: true,
      rewrite: (answer: DescribeClusterAnswer, nodes) => nodes.inDescribeCluster(answer),
    },
  },
  ApiVersions: {
    flexibleSince: 3,
    versionMax: Infinity,
    ofWhole: {
      answer: cluster.apiVersionsAnswer,
      readOnly: true,
      rewrite: (answer: ApiVersionsAnswer) => ({ ...answer, apis: versionsTold(answer.apis) }),
    },
  },
  OffsetFetch: { flexibleSince: 6, versionMax: 10, ofWhole: { answer: cluster.offsetFetchAnswer, readOnly: true } },
  JoinGroup: { flexibleSince: 6, versionMax: 9, ofWhole: { answer: cluster.joinGroupAnswer } },
  SyncGroup: { flexibleSince: 4, versionMax: 5, ofWhole: { answer: cluster.syncGroupAnswer } },
  Heartbeat: { flexibleSince: 4, versionMax: 4, ofWhole: { answer: cluster.errorAnswer } },
  LeaveGroup: { flexibleSince: 4, versionMax: 5, ofWhole: { answer: cluster.leaveGroupAnswer } },
  InitProducerId: { flexibleSince: 2, versionMax: 5, ofWhole: { answer: cluster.initProducerIdAnswer } },
  AddOffsetsToTxn: { flexibleSince: 3, versionMax: 4, ofWhole: { answer: cluster.transactionAnswer } },
  EndTxn: { flexibleSince: 3, versionMax: 4, ofWhole: { answer: cluster.transactionAnswer } },
};

export const apiOf = (name: ApiName | number): Api | undefined => (typeof name === 'number' ? undefined : apis[name]);

export const formatOf = (api: Api, version: number): Format => ({ version, flexible: version >= api.flexibleSince });

const UNSUPPORTED_VERSION = 35;

/** A broker that does not know the version of an ApiVersions request answers in the oldest one. */
export const answerFormat = (on: ApiName | number, asked: Format, body: Buffer): Format =>
  on === 'ApiVersions' && body.length > 1 && body.readInt16BE() === UNSUPPORTED_VERSION
    ? { version: 0, flexible: false }
    : asked;

/** Answers to flexible requests have tagged fields in their header; those to ApiVersions never. */
export const isHeaderTagged = (on: ApiName | number, { flexible }: Format): boolean => flexible && on !== 'ApiVersions';

/**
 * Their answers name brokers too: DescribeTopicPartitions, ShareFetch, ShareAcknowledge. Clients are told that the broker
 * has them not.
 */
const HIDDEN = new Set([75, 78, 79]);

export const versionsTold = <A extends { key: number; first: number; last: number }>(told: readonly A[]): A[] =>
  told
    .filter(({ key }) => !HIDDEN.has(key))
    .map((each) => ({ ...each, last: Math.min(each.last, apiOf(nameOf(each.key))?.versionMax ?? each.last) }));
