/** What the tests of the suite share: the bus under test, and consumers that are stopped after each test. */
import { expect } from '@jest/globals';
import type { EventBus, PublishAnswer } from './event-bus.ts';
import { Member, messages, Reader } from './suite-readers.ts';

/** An adapter, and what a test asks of its broker beside it. */
export interface BusUnderTest {
  readonly bus: EventBus;
  createTopic(partitions: number): Promise<string>;
  grow(topic: string, partitions: number): Promise<void>;
  /** Deletes the topic, and makes one of the same name when it is gone. */
  remake(topic: string, partitions: number): Promise<void>;
  /** Per partition, what the group has committed. */
  committed(group: string, topic: string): Promise<(bigint | undefined)[]>;
  /** The groups that the broker knows whose names start so. */
  groups(prefix: string): Promise<string[]>;
  /** No broker answers, or one does again; only where outages are part of the suite. */
  readonly setAway?: (away: boolean) => void;
  close(): Promise<void>;
}

/** A join on a busy machine takes a second or two, a few times in a test. */
export const TEST_MS = 120_000;
/** Short, and yet a member on a machine that stands still for seconds stays in its group. */
const SESSION_MS = 6_000;

export class SuiteSetting {
  #under: BusUnderTest | undefined;
  #running: (Member | Reader)[] = [];
  #groups = 0;

  use(under: BusUnderTest): void {
    this.#under = under;
  }

  get #given(): BusUnderTest {
    if (this.#under === undefined) throw new Error('the bus under test has not started');
    return this.#under;
  }

  get bus(): EventBus {
    return this.#given.bus;
  }

  createTopic(partitions: number): Promise<string> {
    return this.#given.createTopic(partitions);
  }

  grow(topic: string, partitions: number): Promise<void> {
    return this.#given.grow(topic, partitions);
  }

  remake(topic: string, partitions: number): Promise<void> {
    return this.#given.remake(topic, partitions);
  }

  committed(group: string, topic: string): Promise<(bigint | undefined)[]> {
    return this.#given.committed(group, topic);
  }

  groups(prefix: string): Promise<string[]> {
    return this.#given.groups(prefix);
  }

  setAway(away: boolean): void {
    if (this.#given.setAway === undefined) throw new Error('the broker of the bus under test cannot be sent away');
    this.#given.setAway(away);
  }

  newGroup(): string {
    this.#groups += 1;
    return `suite-${Date.now().toString(36)}-${this.#groups}`;
  }

  join(group: string, topic: string, inFlightMax = 100): Member {
    const member = new Member(this.bus, { group, topics: [topic], inFlightMax, sessionTimeoutMs: SESSION_MS });
    this.#running.push(member);
    return member;
  }

  read(topics: string[], fromMs = 0, groupPrefix = this.newGroup()): Reader {
    const reader = new Reader(this.bus, { topics, fromMs, groupPrefix });
    this.#running.push(reader);
    return reader;
  }

  async write(topic: string, partition: number, ...bodies: string[]): Promise<PublishAnswer[]> {
    const answers = await this.bus.publish(messages(topic, partition, bodies));
    expect(answers.filter(({ ok }) => !ok)).toEqual([]);
    return answers;
  }

  async stopAll(): Promise<void> {
    await Promise.all(this.#running.map((consumer) => consumer.stop()));
    this.#running = [];
  }

  async close(): Promise<void> {
    await this.#under?.close();
  }
}
