/** One request: what the rules make of it, what the broker is asked, what the client is told. */
import {
  type Api,
  answerFormat,
  type ApiName,
  apiOf,
  formatOf,
  isHeaderTagged,
  nameOf,
  type PartitionsApi,
  type PartitionsRequest,
  type WholeAnswer,
  type WholeApi,
} from './apis.ts';
import { topicsAsked } from './cluster-messages.ts';
import { decode, encode, type Format, ProtocolError, Reader } from './codec.ts';
import { codeOf, errorCodes } from './error-codes.ts';
import { answerHeader, readHeader, type RequestHeader, splitAnswer, splitRequest } from './frames.ts';
import { type RefusalOf, withoutRefused, withRefused } from './partition-faults.ts';
import { type ActiveRule, type AnswerWith, covers, type PartitionName, type Target } from './rules.ts';
import type { SeenPartition, SeenRequest } from './seen.ts';
import type { VirtualCluster } from './virtual-cluster.ts';

/** Resolves with the answer's frame; at once and with undefined if none is due. */
export type AskBroker = (frame: Buffer, answerIsDue: boolean) => Promise<Buffer | undefined>;

interface Parts {
  readonly node: number;
  readonly cluster: VirtualCluster;
  readonly ask: AskBroker;
}

export class Exchange {
  readonly on: ApiName | number;
  readonly header: RequestHeader;
  readonly partitions: PartitionName[] | undefined;
  readonly #parts: Parts;
  readonly #frame: Buffer;
  readonly #api: Api | undefined;
  readonly #format: Format;
  readonly #requestHeader: Buffer;
  readonly #request: PartitionsRequest | undefined;

  /** Throws {@link ProtocolError}. */
  constructor(parts: Parts, frame: Buffer) {
    this.#parts = parts;
    this.#frame = frame;
    this.header = readHeader(frame);
    const { apiKey, version } = this.header;
    this.on = nameOf(apiKey);
    this.#api = apiOf(this.on);
    this.#format = this.#api ? formatOf(this.#api, version) : { version, flexible: false };
    this.#requestHeader = frame;
    this.partitions = [];
    if (!this.#api) return;
    if (version > this.#api.versionMax) throw new ProtocolError(`${this.on} v${version} is newer than this proxy`);
    const [header, body] = splitRequest(frame, this.#format);
    this.#requestHeader = header;
    if (this.#api.ofPartitions) {
      this.#request = decode(this.#api.ofPartitions.request, body, this.#format);
      this.partitions = this.#request.topics.flatMap((topic) =>
        topic.partitions.map(({ index }) => ({ topic: parts.cluster.nameOf(topic), partition: index })),
      );
    }
    if (this.on === 'Metadata') {
      const asked = topicsAsked(new Reader(body, this.#format));
      this.partitions = asked?.map((name) => ({ topic: parts.cluster.nameOf({ name: '', topicId: name }) }));
    }
  }

  /** Undefined: no answer is due. */
  async answer(rules: readonly ActiveRule[], seen: SeenRequest): Promise<Buffer | undefined> {
    const api = this.#api;
    if (api?.ofPartitions && this.#request) {
      return this.#answerPartitions(api.ofPartitions, this.#request, rules, seen);
    }
    if (api?.ofWhole) return this.#answerWhole(api.ofWhole, rules, seen);
    seen.reachedBroker = true;
    return this.#ask(this.#frame);
  }

  async #answerPartitions(
    api: PartitionsApi,
    request: PartitionsRequest,
    rules: readonly ActiveRule[],
    seen: SeenRequest,
  ): Promise<Buffer | undefined> {
    const refusals = this.#refusals(api, rules);
    const forBroker = withoutRefused(request, refusals);
    const answerIsDue = request.acks !== 0;
    let answer = api.answer.none;
    if (forBroker) {
      seen.reachedBroker = true;
      const some = forBroker.topics.length < request.topics.length || refusesAny(request, refusals);
      const body = encode(api.request, this.on === 'Fetch' ? sessionless(forBroker, some) : forBroker, this.#format);
      const frame = await this.#ask(Buffer.concat([this.#requestHeader, body]), answerIsDue);
      if (!frame) return undefined;
      answer = decode(api.answer, this.#bodyOf(frame), this.#format);
    }
    if (!answerIsDue) return undefined;
    answer = withRefused(answer, request, refusals, api.refused);
    for (const topic of answer.topics) {
      const name = this.#parts.cluster.nameOf(topic);
      for (const { index, error } of topic.partitions) note(seen.partitions ?? [], name, index, error);
    }
    return this.#frameOf(encode(api.answer, answer, this.#format));
  }

  /** What a rule says, else what a node says that does not lead. Settled once: leaders may move meanwhile. */
  #refusals({ leaderOnly }: PartitionsApi, rules: readonly ActiveRule[]): RefusalOf {
    const { cluster, node } = this.#parts;
    const found = new Map(
      (this.partitions ?? []).flatMap(({ topic, partition = 0 }) => {
        const rule = rules.find(({ rule }) => 'answerWith' in rule && covers(rule, { topic, partition }))?.rule;
        const id = `${topic}/${partition}`;
        if (rule && 'answerWith' in rule) {
          return [[id, { error: codeOf(rule.answerWith), handled: rule.handled ?? false }] as const];
        }
        const leads = !leaderOnly || cluster.leaderOf(topic, partition) === node;
        return leads ? [] : [[id, { error: errorCodes.NOT_LEADER_OR_FOLLOWER, handled: false }] as const];
      }),
    );
    return (topic, partition) => found.get(`${cluster.nameOf(topic)}/${partition}`);
  }

  async #answerWhole(api: WholeApi, rules: readonly ActiveRule[], seen: SeenRequest): Promise<Buffer | undefined> {
    const failing = rules.map(({ rule }) => rule).find((rule) => 'answerWith' in rule);
    if (failing && !api.readOnly && !failing.handled) {
      const answer = { ...api.answer.none, error: codeOf(failing.answerWith) };
      return this.#frameOf(encode(api.answer, answer, this.#format));
    }
    seen.reachedBroker = true;
    const frame = await this.#ask(this.#frame);
    if (!frame) return undefined;
    const body = this.#bodyOf(frame);
    const format = answerFormat(this.on, this.#format, body);
    const told = decode(api.answer, body, format);
    const rewritten = api.rewrite?.(told, this.#parts.cluster) ?? told;
    return this.#frameOf(encode(api.answer, failing ? this.#failed(api, rewritten, failing) : rewritten, format));
  }

  #failed(api: WholeApi, answer: WholeAnswer, rule: Target & AnswerWith): WholeAnswer {
    const error = codeOf(rule.answerWith);
    return api.fail?.(answer, error, (topic) => covers(rule, { topic })) ?? withError(answer, error);
  }

  async #ask(frame: Buffer, answerIsDue = true): Promise<Buffer | undefined> {
    const answer = await this.#parts.ask(frame, answerIsDue);
    if (answer && (answer.length < 4 || answer.readInt32BE() !== this.header.correlationId)) {
      throw new ProtocolError('the broker answered another request');
    }
    return answer;
  }

  get #isTagged(): boolean {
    return isHeaderTagged(this.on, this.#format);
  }

  #bodyOf(frame: Buffer): Buffer {
    return splitAnswer(frame, this.#isTagged)[1];
  }

  #frameOf(body: Buffer): Buffer {
    return Buffer.concat([answerHeader(this.header.correlationId, this.#isTagged), body]);
  }
}

const refusesAny = (request: PartitionsRequest, refusalOf: RefusalOf): boolean =>
  request.topics.some((topic) => topic.partitions.some(({ index }) => refusalOf(topic, index)));

/**
 * A session would hide partitions from the proxy that did not change; so none is made, as by a broker that has no room
 * for one. A broker that refuses a partition does not wait for records of the others.
 */
const sessionless = (request: PartitionsRequest, refuses: boolean): PartitionsRequest => ({
  ...request,
  sessionId: 0,
  sessionEpoch: -1,
  ...(refuses && { maxWaitMs: 0 }),
});

const note = (partitions: readonly SeenPartition[], topic: string, partition: number, error: number): void => {
  const found = partitions.find((each) => each.topic === topic && each.partition === partition);
  if (found) found.error = error;
};

const withError = (answer: WholeAnswer, error: number): WholeAnswer => ({
  ...answer,
  error,
  ...(answer.groups && { groups: answer.groups.map((group) => ({ ...group, error })) }),
  ...(answer.coordinators && { coordinators: answer.coordinators.map((each) => ({ ...each, error })) }),
});
