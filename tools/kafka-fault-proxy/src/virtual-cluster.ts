/**
 * One real broker presented as several nodes: who leads which partition, and the answers in which clients look for it.
 * The first node is the controller and every group's coordinator.
 */
import type { TopicName } from './apis.ts';
import type { DescribeClusterAnswer, FindCoordinatorAnswer, MetadataAnswer } from './cluster-messages.ts';

export interface VirtualNode {
  readonly id: number;
  readonly host: string;
  readonly port: number;
}

export class VirtualCluster {
  readonly nodes: readonly VirtualNode[];
  readonly #first: VirtualNode;
  readonly #moved = new Map<string, number>();
  readonly #namesById = new Map<string, string>();

  constructor(nodes: readonly [VirtualNode, ...VirtualNode[]]) {
    this.nodes = nodes;
    this.#first = nodes[0];
  }

  /** In turn, until moved. */
  leaderOf(topic: string, partition: number): number {
    const inTurn = this.nodes[partition % this.nodes.length] ?? this.#first;
    return this.#moved.get(`${topic}/${partition}`) ?? inTurn.id;
  }

  moveLeader(topic: string, partition: number, node: number): void {
    if (!this.nodes.some(({ id }) => id === node)) throw new RangeError(`there is no node ${node}`);
    this.#moved.set(`${topic}/${partition}`, node);
  }

  /** By the id where there is no name; known from the Metadata answer that told the client, too. */
  nameOf({ name, topicId = '' }: TopicName): string {
    return name || (this.#namesById.get(topicId) ?? topicId);
  }

  inMetadata(answer: MetadataAnswer): MetadataAnswer {
    this.#expectOne(answer.brokers.length);
    for (const { name, topicId } of answer.topics) if (name) this.#namesById.set(topicId, name);
    const topics = answer.topics.map((topic) => ({
      ...topic,
      partitions: topic.partitions.map((partition) => {
        const leader = this.leaderOf(topic.name ?? topic.topicId, partition.index);
        const here = (nodes: number[]): number[] => nodes.map(() => leader);
        return {
          ...partition,
          // Below 0: the real broker does not lead it now.
          leader: partition.leader < 0 ? partition.leader : leader,
          replicas: here(partition.replicas),
          inSyncReplicas: here(partition.inSyncReplicas),
          offlineReplicas: here(partition.offlineReplicas),
        };
      }),
    }));
    const brokers = this.nodes.map(({ id, host, port }) => ({ nodeId: id, host, port, rack: null }));
    return { ...answer, brokers, controllerId: this.#first.id, topics };
  }

  inFindCoordinator(answer: FindCoordinatorAnswer): FindCoordinatorAnswer {
    const { id: nodeId, host, port } = this.#first;
    const found = <C extends { error: number }>(coordinator: C): C =>
      coordinator.error === 0 ? { ...coordinator, nodeId, host, port } : coordinator;
    return { ...found(answer), coordinators: answer.coordinators.map(found) };
  }

  inDescribeCluster(answer: DescribeClusterAnswer): DescribeClusterAnswer {
    // With an error it lists none.
    if (answer.error !== 0) return answer;
    this.#expectOne(answer.brokers.length);
    const brokers = this.nodes.map(({ id, host, port }) => ({ nodeId: id, host, port, rack: null, isFenced: false }));
    return { ...answer, brokers, controllerId: this.#first.id };
  }

  #expectOne(brokers: number): void {
    if (brokers > 1) throw new ClusterError(`the real cluster has ${brokers} brokers; this proxy stands for one`);
  }
}

/** What is behind the proxy is not what it can stand for. */
export class ClusterError extends Error {
  override readonly name = 'ClusterError';
}
