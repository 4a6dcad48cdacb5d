/** Pods of one consumer group on a real broker, over a real Redis: what a long run, a full pod and scaling do to it. */
import { execFile } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { createEventBus, type EventBus } from '@osago/event-bus';
import { Children, startKafka } from '@osago/local-parts';
import type { InsurerReply } from '@osago/quotes';
import { createLog, createMetrics, pause } from '@osago/service-kit';
import { panel, says, ScriptedInsurer, send, startPod, stopPods, type Submitted, submitted } from './aggregator-given.ts';
import type { Insurer, PostCall } from './insurer.ts';
import { Publisher } from './publisher.ts';
import { cleanUp, connect, connectedStore } from './redis-given.ts';
import type { RedisStore } from './redis-store.ts';
import { RunStore } from './run-store.ts';

const URL_OF_DATABASE = `${process.env['REDIS_URL'] ?? ''}/7`;
const ROOT = join(import.meta.dirname, '..', '..', '..');
const PARTITIONS = 12;
const TEST_MS = 300_000;
const SESSION_MS = 6_000;
const STREAM_EVERY_MS = 100;

let brokers: readonly string[];
const dataDir = mkdtempSync(join(tmpdir(), 'osago-group-'));
const children = new Children({ logDir: join(dataDir, 'logs') });

/** A broker of its own, for the group and the topics have fixed names. */
beforeAll(async () => {
  children.removeAtEnd(dataDir);
  const kafka = await startKafka({ children, root: ROOT, dataDir, fast: true });
  brokers = kafka.brokers;
  const env = { PATH: process.env['PATH'], KAFKA_BROKERS: brokers.join(',') };
  await promisify(execFile)(process.execPath, [join(ROOT, 'tools', 'topics', 'src', 'main.ts'), 'apply'], { env });
}, TEST_MS);
afterAll(() => children.close(), TEST_MS);

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  await stopPods();
  for (const close of closing.splice(0).reverse()) await close();
  await cleanUp();
}, TEST_MS);

/** `missing` says who has not come yet. */
const untilNone = async (what: string, missing: () => readonly string[]): Promise<void> => {
  const giveUpAtMs = performance.now() + 90_000;
  while (missing().length > 0) {
    if (performance.now() > giveUpAtMs) throw new Error(`waited in vain for ${what} of ${missing().join(', ')}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
};

const until = (what: string, isSo: () => boolean): Promise<void> => untilNone(what, () => (isSo() ? [] : ['any']));

const idsOf = (requests: readonly Submitted[]): string[] => requests.map(({ data }) => data.request_id);

/**
 * What the pods of a test share. A test that has seen its last outcome may end before the record is committed: then the
 * next test gets it too. So each speaks of its own requests only.
 */
const setup = async () => {
  /** Outcomes by request, as they were published: one more than once is there once. */
  const published = new Map<string, Set<string>>();
  const outcomes = (ids: readonly string[]): string[][] => ids.map((id) => [...(published.get(id) ?? [])].sort());
  const untilOutcomes = (ids: readonly string[], count = 1): Promise<void> =>
    untilNone('outcomes', () => ids.filter((id) => (published.get(id)?.size ?? 0) < count));
  /** Since when no pod has Redis. */
  const outage: { sinceMs?: number } = {};
  const connected = async (): Promise<{ bus: EventBus; joins: () => number }> => {
    let joins = 0;
    const log = createLog('test', 'info', { write: (line) => void (joins += line.includes('joined the group') ? 1 : 0) });
    const bus = await createEventBus({ log }, { client: 'kafkajs', brokers, clientId: 'aggregator-test' });
    closing.push(() => bus.close());
    return { bus, joins: () => joins };
  };
  await connect(URL_OF_DATABASE).flushdb();
  const pod = async (insurers: Readonly<Record<string, Insurer>>, { runsMax = 1_000, sessionMs = SESSION_MS } = {}) => {
    const { bus, joins } = await connected();
    const { store } = await connectedStore(URL_OF_DATABASE);
    const process = { isDead: false };
    const redis: Pick<RedisStore, 'script' | 'awayForMs'> = {
      awayForMs: () => (outage.sinceMs === undefined ? store.awayForMs() : performance.now() - outage.sinceMs),
      script: (...call) => (process.isDead || outage.sinceMs !== undefined ? Promise.resolve(undefined) : store.script(...call)),
    };
    const publisher = new Publisher({ bus, log: createLog('test', 'silent'), metrics: createMetrics('test') });
    const started = startPod({
      bus,
      insurers: panel(insurers),
      runStore: new RunStore(redis, crypto.randomUUID()),
      runsMax,
      sessionTimeoutMs: sessionMs,
      publisher: {
        publish: async (event, ...rest) => {
          const isAcked = await publisher.publish(event, ...rest);
          // A pod that has died says nothing more.
          if (isAcked && event.data.final && !process.isDead) {
            const { request_id, status } = event.data;
            published.set(request_id, (published.get(request_id) ?? new Set()).add(status));
          }
          return isAcked;
        },
      },
    });
    await until('it is in the group', () => started.aggregator.readiness() === undefined);
    /** Its last word to Redis is said: nothing is released. */
    const die = (): Promise<void> => {
      process.isDead = true;
      return started.stop();
    };
    return { ...started, joins, die };
  };
  const { bus } = await connected();
  let sent = -1;
  const ask = async (count: number, insurers: readonly string[], deadlineInMs: number): Promise<Submitted[]> => {
    const requests = Array.from({ length: count }, () => submitted(insurers, { deadlineInMs }));
    for (const request of requests) await send(bus, request, (sent += 1) % PARTITIONS);
    return requests;
  };
  /** One request after another until it is stopped; resolves with all of them. */
  const stream = (insurers: readonly string[], deadlineInMs: number): { stop: () => Promise<Submitted[]> } => {
    const stopped = new AbortController();
    const streaming = (async () => {
      const requests: Submitted[] = [];
      while (!stopped.signal.aborted) {
        requests.push(...(await ask(1, insurers, deadlineInMs)));
        await pause(STREAM_EVERY_MS, stopped.signal);
      }
      return requests;
    })();
    return { stop: () => (stopped.abort(), streaming) };
  };
  return { pod, ask, stream, outcomes, untilOutcomes, outage };
};

/** Has its quote so long after the first POST of a request; counts as the insurer would. */
class PatientInsurer implements Insurer {
  /** Requests that were posted when they had been polled: somebody has forgotten them. */
  readonly postedAgain: string[] = [];
  readonly polled = new Set<string>();
  readonly #readyAfterMs: number;
  readonly #sinceMs = new Map<string, number>();

  constructor(readyAfterMs: number) {
    this.#readyAfterMs = readyAfterMs;
  }

  post({ request_id }: PostCall): Promise<InsurerReply> {
    if (this.polled.has(request_id)) this.postedAgain.push(request_id);
    if (!this.#sinceMs.has(request_id)) this.#sinceMs.set(request_id, performance.now());
    return Promise.resolve({ ...says.accepted, application_id: request_id });
  }

  poll(applicationId: string): Promise<InsurerReply> {
    this.polled.add(applicationId);
    const isReady = performance.now() - (this.#sinceMs.get(applicationId) ?? Infinity) > this.#readyAfterMs;
    return Promise.resolve(isReady ? says.quoted : { kind: 'pending', retryAfterMs: 500 });
  }
}

const postsOf = ({ posts }: ScriptedInsurer, ids: readonly string[]) =>
  posts.filter(({ request_id }) => ids.includes(request_id));

test('a run of 60 s with a session of 10 s causes no rebalance and no redelivery', async () => {
  const { pod, ask, outcomes, untilOutcomes } = await setup();
  const alfa = new ScriptedInsurer({ post: ['nothing'] });
  const first = await pod({ alfa }, { sessionMs: 10_000 });
  const joinsBefore = first.joins();
  const ids = idsOf(await ask(1, ['alfa'], 60_000));
  await untilOutcomes(ids);
  expect(outcomes(ids)).toEqual([['timeout']]);
  expect(first.joins()).toBe(joinsBefore);
  expect(postsOf(alfa, ids)).toHaveLength(1);
  await first.stop();
  // The next owner begins behind it: the record was committed.
  const next = new ScriptedInsurer({ post: [says.quoted] });
  await pod({ alfa: next });
  const marker = idsOf(await ask(1, ['alfa'], 10_000));
  await untilOutcomes(marker);
  expect(outcomes(marker)).toEqual([['quoted']]);
  expect(postsOf(next, ids)).toEqual([]);
}, TEST_MS);

test('without Redis a crash on top loses no outcome: those who know are asked under the same key, the others time out in time', async () => {
  const { pod, ask, outcomes, untilOutcomes, outage } = await setup();
  const before = { alfa: new ScriptedInsurer({ post: ['nothing'] }), beta: new ScriptedInsurer({ post: ['nothing'] }) };
  const first = await pod(before);
  const requests = await ask(12, ['alfa', 'beta'], 25_000);
  const ids = idsOf(requests);
  const keys = (insurer: ScriptedInsurer): string[] =>
    postsOf(insurer, ids).map(({ idempotencyKey }) => idempotencyKey).sort();
  await until('all are asked', () => keys(before.alfa).length + keys(before.beta).length === 24);
  outage.sinceMs = performance.now();
  await first.die();
  const after = { alfa: new ScriptedInsurer({ post: [says.quoted] }), beta: new ScriptedInsurer({ post: ['nothing'] }) };
  await pod(after);
  await untilOutcomes(ids, 2);
  expect(Date.now()).toBeLessThan(Math.max(...requests.map(({ data }) => Date.parse(data.deadline_at))) + 20_000);
  expect(outcomes(ids)).toEqual(ids.map(() => ['quoted', 'timeout']));
  expect(keys(after.alfa)).toEqual(keys(before.alfa));
}, TEST_MS);

test('a pod at its bound reads no more, and goes on when a run has ended', async () => {
  const { pod, ask, outcomes, untilOutcomes } = await setup();
  const alfa = new ScriptedInsurer({ post: ['nothing'] });
  await pod({ alfa }, { runsMax: 2 });
  const ids = idsOf(await ask(6, ['alfa'], 6_000));
  const ended = (): number => outcomes(ids).filter(({ length }) => length > 0).length;
  await until('two are asked', () => postsOf(alfa, ids).length === 2);
  await until('one has timed out', () => ended() > 0);
  expect(postsOf(alfa, ids)).toHaveLength(2);
  await untilOutcomes(ids);
}, TEST_MS);

describe('scaling 1 → 3 → 1 under load', () => {
  test('moves the runs: every request has one outcome, and what is being polled is not posted again', async () => {
    const { pod, stream, outcomes, untilOutcomes } = await setup();
    const alfa = new PatientInsurer(6_000);
    const more = async (): Promise<void> => {
      const { size } = alfa.polled;
      await until('more are polled', () => alfa.polled.size >= size + 20);
    };
    const first = await pod({ alfa });
    const load = stream(['alfa'], 120_000);
    await more();
    const [second] = [await pod({ alfa }), await pod({ alfa })];
    await more();
    await Promise.all([first.stop(), second.stop()]);
    await more();
    const ids = idsOf(await load.stop());
    await untilOutcomes(ids);
    expect(alfa.postedAgain.filter((id) => ids.includes(id))).toEqual([]);
    expect(outcomes(ids)).toEqual(ids.map(() => ['quoted']));
  }, TEST_MS);

  test('by a pod that dies costs its runs a lease: they are polled on by a peer, long before their deadline', async () => {
    const { pod, ask, outcomes, untilOutcomes } = await setup();
    const before = new PatientInsurer(300_000);
    const after = new ScriptedInsurer({ poll: [says.quoted] });
    const first = await pod({ alfa: before });
    const ids = idsOf(await ask(20, ['alfa'], 120_000));
    await untilNone('polls', () => ids.filter((id) => !before.polled.has(id)));
    await pod({ alfa: after });
    expect(after.polls.filter(({ applicationId }) => ids.includes(applicationId))).toEqual([]);
    await first.die();
    const diedAtMs = performance.now();
    await untilOutcomes(ids);
    process.stdout.write(`the runs of a pod that died were ended after ${Math.round(performance.now() - diedAtMs)} ms\n`);
    expect(outcomes(ids)).toEqual(ids.map(() => ['quoted']));
    expect(postsOf(after, ids)).toEqual([]);
  }, TEST_MS);
});
