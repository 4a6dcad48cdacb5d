/**
 * A proxy that tests put in front of a Kafka broker. Clients bootstrap from `brokers`, and whatever they ask for later,
 * every address that they are given leads back here.
 */
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { once } from 'node:events';
import { ProtocolError } from './codec.ts';
import { Conversation } from './conversation.ts';
import { type ActiveRule, type Rule, RuleBook, type RuleHandle, type Target } from './rules.ts';
import { Seen, type SeenRequest } from './seen.ts';
import { ClusterError, VirtualCluster, type VirtualNode } from './virtual-cluster.ts';

const HOST = '127.0.0.1';

export interface FaultProxyOptions {
  /** The real broker, `host:port`. */
  readonly upstream: string;
  /** As how many it is presented; their ids are 1, 2 and so on. Default 1. */
  readonly nodes?: number;
  /** Of the first node, the others follow; any free ones if left out. */
  readonly firstPort?: number;
}

export interface FaultProxy {
  /** `host:port` of each node, in the order of their ids. */
  readonly brokers: readonly string[];
  /** From the next request on. Throws {@link RuleError}. */
  inject(rule: Rule): RuleHandle;
  /** The rules that are not lifted. */
  rules(): readonly RuleHandle[];
  /** Clients learn it as from a real cluster: the old leader refuses, and Metadata names the new one. */
  moveLeader(topic: string, partition: number, node: number): void;
  leaderOf(topic: string, partition: number): number;
  /** The latest requests that match, in order of arrival; kept up to date while they are served. */
  seen(target?: Target): readonly SeenRequest[];
  /** Resets all connections, frozen or not. */
  close(): Promise<void>;
}

interface Listening extends VirtualNode {
  readonly server: Server;
}

const listen = async (id: number, wantedPort: number): Promise<Listening> => {
  const server = createServer({ noDelay: true });
  server.listen(wantedPort, HOST);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return { id, host: HOST, port, server };
};

const addressOf = (upstream: string): { host: string; port: number } => {
  const [, host = '', port = ''] = /^\[?([^[\]]+)\]?:(\d{1,5})$/.exec(upstream) ?? [];
  if (!host) throw new TypeError(`"${upstream}" is not host:port`);
  return { host, port: Number(port) };
};

/** Resolves when it listens; the broker is first asked when a client comes. */
export const startFaultProxy = async (options: FaultProxyOptions): Promise<FaultProxy> => {
  const { upstream, nodes: count = 1, firstPort = 0 } = options;
  const address = addressOf(upstream);
  const portOf = (at: number): number => (firstPort === 0 ? 0 : firstPort + at);
  const first = await listen(1, portOf(0));
  const nodes: [Listening, ...Listening[]] = [first];
  for (let at = 1; at < count; at += 1) nodes.push(await listen(at + 1, portOf(at)));

  const cluster = new VirtualCluster(nodes);
  const rules = new RuleBook();
  const seen = new Seen();
  const ending = new AbortController();
  const conversations = new Map<Conversation, { node: number; end: Promise<void> }>();

  const accept = (node: number, client: Socket): void => {
    // What goes wrong with a socket ends its conversation.
    client.on('error', () => undefined);
    const refused = rules.ofConnections('refused', node);
    if (refused || ending.signal.aborted) {
      refused?.hit();
      client.resetAndDestroy();
      return;
    }
    const broker = connect({ ...address, noDelay: true }).on('error', () => undefined);
    const { signal } = ending;
    const conversation = new Conversation({ node, client, upstream: broker, cluster, rules, seen, signal });
    const end = conversation.run().catch(warn).finally(() => conversations.delete(conversation));
    conversations.set(conversation, { node, end });
  };
  for (const { id, server } of nodes) server.on('connection', (client) => accept(id, client));

  const resetAll = (rule: ActiveRule, node: number | undefined): void => {
    for (const [conversation, of] of conversations) {
      if (node !== undefined && of.node !== node) continue;
      rule.hit();
      conversation.reset();
    }
  };

  return {
    brokers: nodes.map(({ host, port }) => `${host}:${port}`),
    inject: (rule) => {
      const active = rules.add(rule);
      if ('connections' in rule && rule.connections === 'refused') resetAll(active, rule.node);
      return active;
    },
    rules: () => rules.all(),
    moveLeader: (topic, partition, node) => cluster.moveLeader(topic, partition, node),
    leaderOf: (topic, partition) => cluster.leaderOf(topic, partition),
    seen: (target = {}) => seen.find(target),
    close: async () => {
      ending.abort();
      const closed = nodes.map(({ server }) => new Promise((resolve) => server.close(resolve)));
      for (const conversation of conversations.keys()) conversation.end();
      for (const rule of rules.all()) rule.lift();
      await Promise.all([...closed, ...[...conversations.values()].map(({ end }) => end)]);
    },
  };
};

/** A connection that ends is what tests make; bytes that cannot be read are a fault of the proxy or of its use. */
const warn = (error: unknown): void => {
  if (error instanceof ProtocolError || error instanceof ClusterError) process.emitWarning(error);
};
