/** Messages to the byte: hand-made ones, and every version of every message that the proxy reads. */
import { describe, expect, it } from '@jest/globals';
import * as cluster from './cluster-messages.ts';
import { array, type Codec, decode, encode, type Format, int32, ProtocolError, string } from './codec.ts';
import * as partitions from './partition-messages.ts';

const plain = (version: number): Format => ({ version, flexible: false });
const flexible = (version: number): Format => ({ version, flexible: true });
const hex = (text: string): Buffer => Buffer.from(text.replace(/[^0-9a-f]/g, ''), 'hex');

describe('a Metadata answer', () => {
  const broker = { nodeId: 1, host: 'h', port: 9092, rack: null };
  const partition = { error: 0, index: 0, leader: 1, replicas: [1], inSyncReplicas: [1] };

  it('of version 1 has lengths of two and four bytes', () => {
    const bytes = hex(`
      00000001 00000001 0001 68 00002384 ffff
      00000001
      00000001 0000 0001 74 00
        00000001 0000 00000000 00000001 00000001 00000001 00000001 00000001`);
    const answer = decode(cluster.metadataAnswer, bytes, plain(1));
    expect(answer).toMatchObject({
      brokers: [broker],
      controllerId: 1,
      clusterId: null,
      topics: [{ name: 't', error: 0, isInternal: false, partitions: [partition] }],
    });
    expect(encode(cluster.metadataAnswer, answer, plain(1))).toEqual(bytes);
  });

  it('of version 9 has compact lengths, and tagged fields that are kept unread', () => {
    const bytes = hex(`
      00000000
      02 00000001 02 68 00002384 00 00
      02 63 00000001
      02 0000 02 74 00
        02 0000 00000000 00000001 00000005 02 00000001 02 00000001 01 00
        80000000 00
      80000000
      01 07 02 aabb`);
    const answer = decode(cluster.metadataAnswer, bytes, flexible(9));
    expect(answer).toMatchObject({
      brokers: [broker],
      clusterId: 'c',
      topics: [{ name: 't', partitions: [{ ...partition, leaderEpoch: 5, offlineReplicas: [] }] }],
      tags: hex('01 07 02 aabb'),
    });
    expect(encode(cluster.metadataAnswer, answer, flexible(9))).toEqual(bytes);
  });

  it('of version 12 may name a topic by its id alone', () => {
    const bytes = hex(`
      00000000
      01
      00 ffffffff
      02 0064 00 000102030405060708090a0b0c0d0e0f 00 01 80000000 00
      00`);
    const answer = decode(cluster.metadataAnswer, bytes, flexible(12));
    expect(answer.topics).toMatchObject([{ name: null, topicId: 'AAECAwQFBgcICQoLDA0ODw', error: 100 }]);
    expect(encode(cluster.metadataAnswer, answer, flexible(12))).toEqual(bytes);
  });
});

describe('every message in every version', () => {
  const topicOf = (each: object) => ({ name: 'topic', topicId: 'AAECAwQFBgcICQoLDA0ODw', partitions: [each] });
  /** Fills arrays, which are empty in a `none`. */
  const cases: [name: string, codec: Codec<object>, filled: object, flexibleSinceAndMax: [number, number]][] = [
    ['Metadata', cluster.metadataAnswer, {
      brokers: [{ nodeId: 1, host: 'host', port: 9092, rack: 'rack' }],
      topics: [{ error: 0, name: 'topic', topicId: 'AAECAwQFBgcICQoLDA0ODw', isInternal: true, authorizedOperations: 3,
        partitions: [{ error: 5, index: 2, leader: 1, leaderEpoch: 7, replicas: [1, 2], inSyncReplicas: [1], offlineReplicas: [2] }] }],
    }, [9, 13]],
    ['FindCoordinator', cluster.findCoordinatorAnswer, {
      nodeId: 1, host: 'host', port: 9092,
      coordinators: [{ key: 'group', nodeId: 1, host: 'host', port: 9092, error: 0, errorMessage: null }],
    }, [3, 6]],
    ['DescribeCluster', cluster.describeClusterAnswer, {
      brokers: [{ nodeId: 1, host: 'host', port: 9092, rack: null, isFenced: true }],
    }, [0, 2]],
    ['ApiVersions', cluster.apiVersionsAnswer, { apis: [{ key: 3, first: 0, last: 13 }] }, [3, 4]],
    ['OffsetFetch', cluster.offsetFetchAnswer, {
      topics: [{ name: 'topic', partitions: [{ index: 1, offset: 5n, leaderEpoch: 1, metadata: 'm', error: 0 }] }],
      groups: [{ groupId: 'group', error: 0, topics: [topicOf({ index: 1, offset: 5n, leaderEpoch: 1, metadata: '', error: 0 })] }],
    }, [6, 10]],
    ['JoinGroup', cluster.joinGroupAnswer, { members: [{ memberId: 'm', groupInstanceId: null, metadata: Buffer.of(1) }] }, [6, 9]],
    ['SyncGroup', cluster.syncGroupAnswer, { assignment: Buffer.of(1, 2) }, [4, 5]],
    ['LeaveGroup', cluster.leaveGroupAnswer, { members: [{ memberId: 'm', groupInstanceId: 'g', error: 25 }] }, [4, 5]],
    ['InitProducerId', cluster.initProducerIdAnswer, { producerId: 9n }, [2, 5]],
    ['Produce request', partitions.produceRequest, { topics: [topicOf({ index: 1, records: Buffer.alloc(300) })] }, [9, 13]],
    ['Produce', partitions.produceAnswer, {
      topics: [topicOf({ ...partitions.refused.produce, recordErrors: [{ batchIndex: 0, message: null }] })],
    }, [9, 13]],
    ['Fetch request', partitions.fetchRequest, {
      topics: [topicOf({ index: 1, currentLeaderEpoch: 2, fetchOffset: 3n, lastFetchedEpoch: 4, logStartOffset: 5n, partitionMaxBytes: 6 })],
      forgotten: [topicOf({}), topicOf({})].map((topic) => ({ ...topic, partitions: [1, 2] })),
    }, [12, 18]],
    ['Fetch', partitions.fetchAnswer, {
      topics: [topicOf({ ...partitions.refused.fetch, records: Buffer.alloc(200), abortedTransactions: [{ producerId: 1n, firstOffset: 2n }] })],
    }, [12, 18]],
    ['ListOffsets request', partitions.listOffsetsRequest, {
      topics: [topicOf({ index: 1, currentLeaderEpoch: 2, timestamp: -2n, offsetsMax: 1 })],
    }, [6, 11]],
    ['ListOffsets', partitions.listOffsetsAnswer, { topics: [topicOf({ ...partitions.refused.listOffsets, offsets: [4n] })] }, [6, 11]],
    ['OffsetCommit request', partitions.offsetCommitRequest, {
      topics: [topicOf({ index: 1, offset: 2n, leaderEpoch: 3, commitTimestamp: 4n, metadata: null })],
    }, [8, 10]],
    ['OffsetCommit', partitions.offsetCommitAnswer, { topics: [topicOf(partitions.refused.offsetCommit)] }, [8, 10]],
  ];

  it.each(cases)('%s is the same after it was read', (_, codec, filled, [flexibleSince, versionMax]) => {
    for (let version = 0; version <= versionMax; version += 1) {
      const format = { version, flexible: version >= flexibleSince };
      const bytes = encode(codec, { ...codec.none, ...filled }, format);
      const read = decode(codec, bytes, format);
      expect([version, encode(codec, read, format)]).toEqual([version, bytes]);
      // And nothing was cut off without notice.
      expect(() => decode(codec, bytes.subarray(0, -1), format)).toThrow(ProtocolError);
    }
  });
});

describe('bytes that are no message', () => {
  it('are refused: an array longer than what is left, bytes that follow, a varint without end', () => {
    expect(() => decode(array(int32), hex('7fffffff 00'), plain(0))).toThrow(/an array of 2147483647 items/);
    expect(() => decode(string, hex('0001 61 62'), plain(0))).toThrow(/1 bytes follow/);
    expect(() => decode(string, hex('ffffffffff01'), flexible(0))).toThrow(/varint/);
  });
});
