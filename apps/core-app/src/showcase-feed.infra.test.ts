/** Feeds of several pods on a broker of their own, whose topics grow while they read: each growth is a re-join of every feed. */
import { createHash } from 'node:crypto';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { type OsagoEvent, type PublishedStatus, REQUEST_TOPICS } from '@osago/contracts';
import { createKafkajsEventBus, type EventBus } from '@osago/event-bus';
import { startFaultProxy } from '@osago/kafka-fault-proxy';
import { Children, createTopics, type KafkaPart, startKafka } from '@osago/local-parts';
import { compareLegs, fold, type RequestState } from '@osago/quotes';
import { createLog, createMetrics, type Registry, systemClock } from '@osago/service-kit';
import kafkajs, { type Admin } from 'kafkajs';
import { FeedLag } from './feed-lag.ts';
import { canonicalJson } from './post-request.ts';
import { Showcase } from './showcase.ts';
import { ShowcaseFeed } from './showcase-feed.ts';
import { asRecord, Cleanup, leg, type LogLine, rememberingLog, submitted, until } from './testing-events.ts';
import { seededRandom } from './testing-random.ts';

const { Kafka, logLevel } = kafkajs;
const ROOT = join(import.meta.dirname, '..', '..', '..');
/** Growth is seen by the next look at the metadata: 30 s in life. */
const METADATA_MAX_AGE_MS = 200;
const TEST_MS = 120_000;
const cleanup = new Cleanup();
let children: Children;
let kafka: KafkaPart;
let admin: Admin;
let bus: EventBus;

beforeAll(async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'osago-showcase-'));
  children = new Children({ logDir: join(dataDir, 'logs') });
  children.removeAtEnd(dataDir);
  kafka = await startKafka({ children, root: ROOT, dataDir, fast: true });
  admin = new Kafka({ brokers: kafka.brokers, logLevel: logLevel.NOTHING }).admin();
  await admin.connect();
  bus = createKafkajsEventBus({ log: createLog('test', 'silent') }, { brokers: kafka.brokers, clientId: 'test', metadataMaxAgeMs: METADATA_MAX_AGE_MS });
}, TEST_MS);
afterAll(async () => {
  await bus.close();
  await admin.disconnect();
  await kafka.stop();
  await children.close();
}, TEST_MS);

beforeEach(async () => {
  const there = (await admin.listTopics()).filter((topic) => (REQUEST_TOPICS as readonly string[]).includes(topic));
  if (there.length > 0) await admin.deleteTopics({ topics: there });
  await until(async () => !(await admin.listTopics()).some((topic) => there.includes(topic)), 30_000);
  await createTopics(admin, REQUEST_TOPICS.map((topic) => ({ topic, numPartitions: 2 })));
}, TEST_MS);
afterEach(() => cleanup.run(), TEST_MS);

interface Connection {
  brokers: readonly string[];
  metadataMaxAgeMs?: number;
}

interface Pod {
  bus: EventBus;
  showcase: Showcase;
  feed: ShowcaseFeed;
  metrics: Registry;
  lines: readonly LogLine[];
  stop: () => Promise<void>;
}

const ownBroker = (): Connection => ({ brokers: kafka.brokers, metadataMaxAgeMs: METADATA_MAX_AGE_MS });

const startPod = (name: string, connection = ownBroker()): Pod => {
  const log = rememberingLog();
  const metrics = createMetrics('core-app');
  const showcase = new Showcase();
  const own = createKafkajsEventBus({ log }, { ...connection, clientId: name });
  const feed = new ShowcaseFeed({ bus: own, showcase, clock: systemClock, log, metrics });
  const abort = new AbortController();
  const running = feed.run(abort.signal);
  let stopped: Promise<void> | undefined;
  const stop = (): Promise<void> => {
    abort.abort();
    return (stopped ??= running.then(() => own.close()));
  };
  cleanup.add(stop);
  return { bus: own, showcase, feed, metrics, lines: log.lines, stop };
};

const joins = ({ lines }: Pod): number => lines.filter(({ message }) => message === 'reads all partitions').length;
const isReady = ({ feed }: Pod): boolean => feed.readiness() === undefined;

const FINAL: readonly PublishedStatus[] = ['quoted', 'declined', 'needs_data', 'error', 'timeout', 'skipped'];

/** The life of some requests as several aggregators would tell it: in order per leg, with repeats and zombies. */
const historyOf = (requestIds: readonly string[], random: () => number): OsagoEvent[] => {
  const pick = <T>(values: readonly T[]): T => values[Math.floor(random() * values.length)]!;
  const queues = requestIds.flatMap((request_id) => [
    [submitted({ alpha: 60_000, beta: 60_000, gamma: 60_000 }, request_id)],
    ...['alpha', 'beta', 'gamma'].map((insurer_id) => {
      const told = [
        leg(insurer_id, 'submitted', { request_id, fence: 5, step: 1 }),
        leg(insurer_id, 'estimated', { request_id, fence: 5, step: 2 }),
        leg(insurer_id, pick(FINAL), { request_id, fence: 5, step: 3 }),
      ];
      const zombie = leg(insurer_id, pick(FINAL), { request_id, fence: 4, step: 3 });
      return [...told, ...(random() < 0.5 ? [zombie] : []), ...(random() < 0.5 ? [pick(told)] : [])];
    }),
  ]);
  const events: OsagoEvent[] = [];
  while (queues.length > 0) {
    const queue = pick(queues);
    const next = queue.shift();
    if (next === undefined) queues.splice(queues.indexOf(queue), 1);
    else events.push(next);
  }
  return events;
};

const idsOf = (seed: number, count: number): string[] =>
  Array.from({ length: count }, (_, at) => `${String(seed).padStart(8, '0')}-0000-4000-8000-${String(at).padStart(12, '0')}`);

/** Publishes and folds, as one who has seen every answer of the broker. */
class Writer {
  readonly states = new Map<string, RequestState>();

  async write(events: readonly OsagoEvent[], partitionOf: (requestId: string) => number): Promise<void> {
    for (let first = 0; first < events.length; first += 25) {
      const chunk = events.slice(first, first + 25);
      const answers = await bus.publish(chunk.map((event) => asRecord(event, partitionOf(event.data.request_id))));
      for (const [at, answer] of answers.entries()) {
        const event = chunk[at]!;
        if (!answer.ok) throw answer.error;
        const { request_id } = event.data;
        this.states.set(request_id, fold(this.states.get(request_id), event, Number(answer.offset)));
      }
    }
  }

  isAllIn({ showcase }: Pod): boolean {
    return [...this.states].every(([id, { offsets }]) => String(showcase.get(id)?.state.offsets) === String(offsets));
  }
}

const hashOf = (states: Iterable<readonly [string, RequestState | undefined]>): string => {
  const sorted = [...states].sort(([a], [b]) => (a < b ? -1 : 1));
  return createHash('sha256').update(canonicalJson(sorted)).digest('hex');
};
const hashOfPod = (writer: Writer, { showcase }: Pod): string =>
  hashOf([...writer.states.keys()].map((id) => [id, showcase.get(id)?.state] as const));

/** Sentences about whatever this pod has taken back. */
const watchForSteps = ({ showcase }: Pod, requestId: string): string[] => {
  const steps: string[] = [];
  let before = showcase.get(requestId)?.state;
  cleanup.add(
    showcase.watch(requestId, () => {
      const after = showcase.get(requestId)?.state;
      for (const [at, offset] of (before?.offsets ?? []).entries()) {
        if ((after?.offsets[at] ?? -1) < offset) steps.push(`${requestId}: offset ${offset} of topic ${at} is gone`);
      }
      for (const [insurer, held] of Object.entries(before?.legs ?? {})) {
        const next = after?.legs[insurer];
        if (next === undefined || compareLegs(next, held) < 0) steps.push(`${requestId}: ${held.id} is gone`);
      }
      before = after;
    }),
  );
  return steps;
};

const grow = (partitions: number): Promise<unknown> =>
  admin.createPartitions({ topicPartitions: REQUEST_TOPICS.map((topic) => ({ topic, count: partitions })) });

describe('feeds that join anew while they read', () => {
  test.each([1, 2])('lose nothing, take nothing back, and agree with each other and with the log: seed %i', async (seed) => {
    const random = seededRandom(seed);
    const writer = new Writer();
    const [early, late] = [idsOf(seed, 40), idsOf(seed + 100, 20)];
    const events = historyOf(early, random);
    await writer.write(events.slice(0, 100), (id) => Number(id.at(-1)) % 2);
    const pods = [startPod('a'), startPod('b')];
    await until(() => pods.every(isReady), 60_000);
    const known = early.filter((id) => pods.every(({ showcase }) => showcase.get(id)));
    expect(known.length).toBeGreaterThan(0);
    // Some are watched from now on; the others are looked at first when all is over.
    const steps = pods.flatMap((pod) => known.filter((_, at) => at % 2 === 0).map((id) => watchForSteps(pod, id)));

    const [one, two] = [joins(pods[0]!), joins(pods[1]!)];
    const rest = events.slice(100);
    const third = Math.ceil(rest.length / 3);
    for (const [round, from] of [0, third, 2 * third].entries()) {
      const writing = writer.write(rest.slice(from, from + third), (id) => Number(id.at(-1)) % 2);
      if (round < 2) {
        await grow(3 + round);
        await until(() => joins(pods[0]!) > one + round && joins(pods[1]!) > two + round, 60_000);
      }
      await writing;
    }
    // On partitions that were not there when the feeds began.
    await writer.write(historyOf(late, random), (id) => 2 + (Number(id.at(-1)) % 2));
    await until(() => pods.every((pod) => writer.isAllIn(pod)), 60_000);

    expect(steps.flat()).toEqual([]);
    const expected = hashOf(writer.states);
    expect(pods.map((pod) => hashOfPod(writer, pod))).toEqual([expected, expected]);
    const afterwards = startPod('c');
    await until(() => isReady(afterwards), 60_000);
    expect(hashOfPod(writer, afterwards)).toBe(expected);
  }, TEST_MS);
});

describe('a feed of which the leader of one partition answers nothing', () => {
  test('shows what the others have, says that it is behind, is neither red nor dead, and catches up', async () => {
    const proxy = await startFaultProxy({ upstream: kafka.brokers[0] ?? '', nodes: 2 });
    cleanup.add(() => proxy.close());
    // As in life: with a look at the metadata each 200 ms it would soon be the silent one that is asked.
    const pod = startPod('half', { brokers: proxy.brokers });
    await until(() => isReady(pod), 60_000);
    const lag = new FeedLag({ ...pod, clock: systemClock, log: rememberingLog() });
    const abort = new AbortController();
    const looking = lag.run(abort.signal);
    cleanup.add(() => (abort.abort(), looking));
    const [led, unled, ...before] = idsOf(7, 4) as [string, string, string, string];
    expect(REQUEST_TOPICS.map((topic) => [proxy.leaderOf(topic, 0), proxy.leaderOf(topic, 1)])).toEqual([[1, 2], [1, 2], [1, 2]]);
    const ask = async (requestId: string, partition: number): Promise<void> => {
      await bus.publish([asRecord(submitted({ alpha: 60_000 }, requestId), partition)]);
    };
    await Promise.all(before.map(ask));
    await until(() => before.every((id) => pod.showcase.get(id)), 30_000);
    const frozen = proxy.inject({ node: 2, connections: 'frozen' });
    await ask(led, 0);
    await ask(unled, 1);
    await until(() => pod.showcase.get(led) !== undefined, 30_000);
    await until(() => lag.isBehind(), 60_000);
    expect(pod.showcase.get(unled)).toBeUndefined();
    expect([pod.feed.readiness(), lag.liveness()]).toEqual([undefined, undefined]);
    frozen.lift();
    await until(() => pod.showcase.get(unled) !== undefined && !lag.isBehind(), 60_000);
    expect(lag.liveness()).toBeUndefined();
  }, 2 * TEST_MS);
});

describe('what a feed leaves behind', () => {
  const groups = async (): Promise<string[]> =>
    (await admin.listGroups()).groups.map(({ groupId }) => groupId).filter((group) => group.startsWith('osago-showcase'));

  test('is swept by the next one that starts, whatever pod it was of, and the group of one that lives stays', async () => {
    const alive = startPod('alive');
    await until(() => isReady(alive) && joins(alive) > 0, 60_000);
    const own = await groups();
    expect(own).toHaveLength(1);
    await admin.setOffsets({ groupId: 'osago-showcase-dead-1', topic: REQUEST_TOPICS[0], partitions: [{ partition: 0, offset: '0' }] });
    expect(await groups()).toContain('osago-showcase-dead-1');
    const next = startPod('next');
    await until(() => isReady(next), 60_000);
    await until(async () => !(await groups()).includes('osago-showcase-dead-1'), 20_000);
    expect(await groups()).toEqual(expect.arrayContaining(own));
    await Promise.all([alive.stop(), next.stop()]);
    expect(await groups()).toEqual([]);
  }, TEST_MS);

  test('is how long it took to be ready, in the log and as a metric', async () => {
    const pod = startPod('timed');
    await until(() => isReady(pod), 60_000);
    const line = pod.lines.find(({ message }) => message === 'showcase is live');
    const metric = await pod.metrics.getSingleMetric('osago_feed_ready_seconds')?.get();
    expect(line?.fields).toMatchObject({ count: 0 });
    expect(metric?.values[0]?.value).toBe(Number(line?.fields['duration_ms']) / 1_000);
    expect(metric?.values[0]?.value).toBeGreaterThan(0);
  }, TEST_MS);
});
