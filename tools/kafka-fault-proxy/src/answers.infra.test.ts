/** What a real broker (KAFKA_BROKERS) says in every version of the answers that the proxy changes. */
import { connect } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { apiOf, formatOf, isHeaderTagged } from './apis.ts';
import { BrokerSetup, realBroker, TEST_MS } from './broker-setup.ts';
import * as cluster from './cluster-messages.ts';
import {
  array,
  between,
  boolean,
  type Codec,
  decode,
  encode,
  int8,
  nullableArray,
  nullableString,
  since,
  string,
  struct,
  until,
  uuid,
} from './codec.ts';
import { framed, framesOf, splitAnswer } from './frames.ts';

const setup = new BrokerSetup();
beforeAll(() => setup.start(), TEST_MS);
afterEach(() => setup.closeProxies(), TEST_MS);
afterAll(() => setup.stop(), TEST_MS);

const requests = {
  Metadata: struct({
    topics: nullableArray(struct({ topicId: since(10, uuid), name: nullableString })),
    autoCreation: since(4, boolean),
    clusterOperations: between(8, 10, boolean),
    topicOperations: since(8, boolean),
  }),
  FindCoordinator: struct({ key: until(3, string), keyType: since(1, int8), keys: since(4, array(string)) }),
  DescribeCluster: struct({ operations: boolean, endpointType: since(1, int8), fenced: since(2, boolean) }),
  ApiVersions: struct({ name: since(3, string), version: since(3, string) }),
};

/** The body of the answer of one request on a connection of its own. */
const ask = async (address: string, on: keyof typeof requests, version: number, request: object): Promise<Buffer> => {
  const keys = { Metadata: 3, FindCoordinator: 10, DescribeCluster: 60, ApiVersions: 18 };
  const format = formatOf(apiOf(on)!, version);
  const header = Buffer.alloc(format.flexible ? 11 : 10);
  header.writeInt16BE(keys[on]);
  header.writeInt16BE(version, 2);
  header.writeInt16BE(-1, 8);
  // Which one it is, only the caller knows: its fields are checked by the broker.
  const codec: Codec<object> = requests[on];
  const [host, port] = address.split(':');
  const socket = connect(Number(port), host);
  socket.write(framed(header, encode(codec, { ...codec.none, ...request }, format)));
  try {
    for await (const frame of framesOf(socket)) return splitAnswer(frame, isHeaderTagged(on, format))[1];
  } finally {
    socket.destroy();
  }
  throw new Error(`no answer to ${on} v${version}`);
};

const versionsOf = async (address: string): Promise<Map<number, { first: number; last: number }>> => {
  const { apis } = decode(cluster.apiVersionsAnswer, await ask(address, 'ApiVersions', 3, { name: 'a', version: '1' }), { version: 3, flexible: true });
  return new Map(apis.map((api) => [api.key, api]));
};

const cases = [
  { on: 'Metadata', key: 3, codec: cluster.metadataAnswer },
  { on: 'FindCoordinator', key: 10, codec: cluster.findCoordinatorAnswer },
  { on: 'DescribeCluster', key: 60, codec: cluster.describeClusterAnswer },
  { on: 'ApiVersions', key: 18, codec: cluster.apiVersionsAnswer },
] as const;

describe.each(cases)('the answers to $on', ({ on, key, codec }) => {
  it('are read and written to the byte, and through the proxy name nothing but the proxy', async () => {
    const topic = await setup.topic(3);
    const proxy = await setup.proxy({ nodes: 2 });
    const bodies = {
      Metadata: { topics: [{ topicId: Buffer.alloc(16).toString('base64url'), name: topic }] },
      FindCoordinator: { key: 'a group', keys: ['a group'] },
      DescribeCluster: { endpointType: 1 },
      ApiVersions: { name: 'a', version: '1' },
    };
    const { first, last } = (await versionsOf(realBroker())).get(key)!;
    const told = (await versionsOf(proxy.brokers[0]!)).get(key)!;
    expect(told.last).toBe(Math.min(last, apiOf(on)!.versionMax));
    const ports = new Set(proxy.brokers.map((address) => Number(address.split(':')[1])));
    for (let version = first; version <= told.last; version += 1) {
      const format = formatOf(apiOf(on)!, version);
      const real = await ask(realBroker(), on, version, bodies[on]);
      const answer = decode<object>(codec, real, format);
      expect([version, encode<object>(codec, answer, format)]).toEqual([version, real]);
      const changed = JSON.stringify(decode<object>(codec, await ask(proxy.brokers[0]!, on, version, bodies[on]), format));
      const named = [...changed.matchAll(/"port":(\d+)/g)].map(([, port]) => Number(port)).filter((port) => port !== 0);
      expect(named.filter((port) => !ports.has(port))).toEqual([]);
      expect(on === 'ApiVersions' || named.length > 0).toBe(true);
      if (on === 'Metadata') expect([...changed.matchAll(/"leader":(\d)/g)].map(([, leader]) => leader)).toEqual(['1', '2', '1']);
    }
  }, TEST_MS);
});
