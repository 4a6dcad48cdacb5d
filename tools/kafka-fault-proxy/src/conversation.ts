/**
 * One connection of a client, with one of its own to the broker. Requests are taken one at a time, as a broker does: the
 * next is read when the answer of the last is out, so answers keep their order however many the client sends ahead.
 */
import type { Socket } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { Exchange } from './exchange.ts';
import { framed, framesOf } from './frames.ts';
import type { RuleBook } from './rules.ts';
import type { Seen } from './seen.ts';
import { UpstreamConnection } from './upstream-connection.ts';
import type { VirtualCluster } from './virtual-cluster.ts';

export interface ConversationParts {
  readonly node: number;
  readonly client: Socket;
  readonly upstream: Socket;
  readonly cluster: VirtualCluster;
  readonly rules: RuleBook;
  readonly seen: Seen;
  /** Ends delays. */
  readonly signal: AbortSignal;
}

export class Conversation {
  readonly #parts: ConversationParts;
  readonly #upstream: UpstreamConnection;

  constructor(parts: ConversationParts) {
    this.#parts = parts;
    this.#upstream = new UpstreamConnection(parts.upstream, () => this.reset());
  }

  /** Until one side ends it or a rule does. Rejects with what made it impossible to go on. */
  async run(): Promise<void> {
    const { client } = this.#parts;
    try {
      for await (const frame of framesOf(client)) {
        await this.#thawed();
        const answer = await this.#serve(frame);
        if (answer === 'close') return;
        await this.#thawed();
        if (answer) await this.#write(answer);
      }
    } finally {
      client.destroy();
      this.#upstream.close();
    }
  }

  /** The client sees the connection lost; what the broker was asked for, it does. */
  reset(): void {
    this.#parts.client.resetAndDestroy();
  }

  /** At once, whatever is under way. */
  end(): void {
    this.reset();
    this.#parts.upstream.destroy();
  }

  async #serve(frame: Buffer): Promise<Buffer | 'close' | undefined> {
    const { node, cluster, rules, seen } = this.#parts;
    const ask = (bytes: Buffer, isDue: boolean): Promise<Buffer | undefined> => this.#upstream.ask(bytes, isDue);
    const exchange = new Exchange({ node, cluster, ask }, frame);
    const { on, partitions, header } = exchange;
    const taking = rules.take({ on, node, client: header.clientId, partitions });
    const request = seen.add({
      on,
      version: header.version,
      node,
      client: header.clientId,
      correlationId: header.correlationId,
      partitions: partitions?.map((partition) => ({ ...partition })),
      rules: taking.map(({ id }) => id),
      reachedBroker: false,
      outcome: 'waiting',
    });
    const faults = taking.map(({ rule }) => rule);
    const delayMs = (what: 'request' | 'answer'): number =>
      faults.reduce((ms, rule) => ('delay' in rule && rule.delay === what ? ms + rule.ms : ms), 0);
    const closes = (when: string): boolean => faults.some((rule) => 'close' in rule && rule.close === when);
    const drops = (what: string): boolean => faults.some((rule) => 'drop' in rule && rule.drop === what);

    await this.#wait(delayMs('request'));
    const isForBroker = !closes('before handling') && !drops('request');
    const answer = isForBroker ? await exchange.answer(taking, request) : undefined;
    if (isForBroker) await this.#wait(delayMs('answer'));
    if (closes('before handling') || closes('after handling')) {
      request.outcome = 'closed';
      return 'close';
    }
    if (drops('request') || drops('answer')) {
      request.outcome = 'dropped';
      return undefined;
    }
    request.outcome = answer ? 'answered' : 'no answer is due';
    return answer;
  }

  async #wait(ms: number): Promise<void> {
    if (ms > 0) await wait(ms, undefined, { signal: this.#parts.signal });
  }

  async #thawed(): Promise<void> {
    for (;;) {
      const frozen = this.#parts.rules.ofConnections('frozen', this.#parts.node);
      if (!frozen) return;
      frozen.hit();
      await frozen.over;
    }
  }

  /** Resolves when the bytes are out or the client is gone. */
  #write(answer: Buffer): Promise<void> {
    return new Promise((resolve) => void this.#parts.client.write(framed(answer), () => resolve()));
  }
}
