/** What bench:aggregator takes place in: Kafka, Redis, the simulated insurers, and one reader of every outcome. */
import { execFile } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { decodeEvent, encodeEvent, type EventOf, isLegEvent, requestEventId, TOPICS } from '@osago/contracts';
import { createEventBus, type EventBus, partitionFor } from '@osago/event-bus';
import { Children, startKafka, startRedis } from '@osago/local-parts';
import { moscowDate, tariffAttributes } from '@osago/quotes';
import { createLog, type Keyring, loadKeyring } from '@osago/service-kit';
import { Redis } from 'ioredis';
import { Kafka, logLevel } from 'kafkajs';
import { ensureKeyrings } from '../apps/platform/src/keyrings.ts';
import type { Counters } from '../apps/insurer-simulator/src/call-counter.ts';
import { type Asking, type InsurersSettings, keyOf, marketOf, settingsOfMarket } from './aggregator-market.ts';
import type { PodSettings } from './aggregator-pod.ts';
import { BenchProcess } from './aggregator-process.ts';
import { ROOT } from './parts.ts';

const GROUP = 'osago-aggregator';
const LOOK_EVERY_MS = 50;
const SAY_EVERY_MS = 20_000;
/** For a pod in the group, for what comes after the last deadline: more than a session and two rebalances. */
const PATIENCE_MS = 60_000;

export interface Outcome {
  status: string;
  late: boolean;
  reason: string | undefined;
  /** When the broker wrote it. */
  atMs: number;
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

export const until = async (what: string, isSo: () => Promise<boolean>, patienceMs = PATIENCE_MS): Promise<void> => {
  const giveUpAtMs = performance.now() + patienceMs;
  while (!(await isSo())) {
    if (performance.now() > giveUpAtMs) throw new Error(`waited in vain until ${what}`);
    await pause(LOOK_EVERY_MS);
  }
};

export interface SceneSettings {
  insurers: InsurersSettings;
  pods: number;
  polling: PodSettings['polling'];
}

export interface Sending {
  perSecond: number;
  deadlineMs: number;
  panel: readonly string[];
}

/** Fresh insurers and pods over an empty Redis. */
export interface Scene {
  readonly origin: string;
  readonly insurers: BenchProcess;
  readonly pods: BenchProcess[];
}

export class World {
  readonly brokers: string[];
  readonly redisUrl: string;
  readonly partitions: number;
  readonly #bus: EventBus;
  readonly #kafka: Kafka;
  readonly #redis: Redis;
  readonly #keys: Keyring;
  readonly #keysFile: string;
  readonly #say: (line: string) => void;
  readonly #close: (() => Promise<unknown>)[];
  /** By key of the leg; of the scene that plays. */
  readonly #outcomes = new Map<string, Outcome[]>();
  #sinceMs = Infinity;

  static async start({ say }: { say: (line: string) => void }): Promise<World> {
    const dataDir = mkdtempSync(join(tmpdir(), 'osago-bench-'));
    const children = new Children({ logDir: join(dataDir, 'logs') });
    children.removeAtEnd(dataDir);
    const options = { children, root: ROOT, dataDir };
    const [kafka, redis, keyrings] = await Promise.all([startKafka(options), startRedis(options), ensureKeyrings(join(dataDir, 'keys'))]);
    const env = { PATH: process.env['PATH'], KAFKA_BROKERS: kafka.brokers.join(',') };
    await promisify(execFile)(process.execPath, [join(ROOT, 'tools', 'topics', 'src', 'main.ts'), 'apply'], { env });
    const bus = await createEventBus({ log: createLog('bench', 'error') }, { brokers: kafka.brokers, clientId: 'bench' });
    const world = new World({
      bus,
      brokers: kafka.brokers,
      redisUrl: redis.url,
      partitions: await bus.partitions(TOPICS.requests),
      keys: await loadKeyring(keyrings.logPublic),
      keysFile: keyrings.logPrivate,
      say,
    });
    const stopReading = await world.#read();
    world.#close.push(stopReading, () => bus.close(), () => kafka.stop(), () => redis.stop(), () => children.close());
    return world;
  }

  private constructor(made: { bus: EventBus; brokers: string[]; redisUrl: string; partitions: number; keys: Keyring; keysFile: string; say: (line: string) => void }) {
    this.#bus = made.bus;
    this.#say = made.say;
    this.brokers = made.brokers;
    this.redisUrl = made.redisUrl;
    this.partitions = made.partitions;
    this.#keys = made.keys;
    this.#keysFile = made.keysFile;
    this.#kafka = new Kafka({ brokers: made.brokers, logLevel: logLevel.NOTHING });
    this.#redis = new Redis(made.redisUrl);
    this.#close = [() => Promise.resolve(this.#redis.disconnect())];
  }

  async close(): Promise<void> {
    for (const close of this.#close) await close();
  }

  async #read(): Promise<() => Promise<void>> {
    const stop = new AbortController();
    const options = { topics: [TOPICS.quotes, TOPICS.errors], fromMs: 0, groupPrefix: 'bench' };
    const tail = this.#bus.tail(options, ({ value, timestampMs }) => {
      const decoded = decodeEvent(value);
      if (timestampMs < this.#sinceMs || !decoded.ok || !isLegEvent(decoded.event) || !decoded.event.data.final) return;
      const { request_id, insurer_id, status, late, reason } = decoded.event.data;
      const outcomes = this.#outcomes.get(keyOf(request_id, insurer_id)) ?? [];
      outcomes.push({ status, late, reason: reason?.code, atMs: timestampMs });
      this.#outcomes.set(keyOf(request_id, insurer_id), outcomes);
    });
    const running = tail.run(stop.signal);
    await tail.caughtUp;
    return () => {
      stop.abort();
      return running;
    };
  }

  async begin({ insurers: settings, pods: count, polling }: SceneSettings): Promise<Scene> {
    await this.#redis.flushall();
    this.#outcomes.clear();
    this.#sinceMs = Date.now();
    const insurers = await BenchProcess.start('aggregator-insurers.ts', settings);
    const port = await insurers.ask<number>('port');
    const pod: PodSettings = {
      brokers: this.brokers,
      redisUrl: this.redisUrl,
      keysFile: this.#keysFile,
      settings: settingsOfMarket(marketOf(settings), port),
      insurers: settings,
      polling,
    };
    const pods = await Promise.all(Array.from({ length: count }, () => BenchProcess.start('aggregator-pod.ts', pod)));
    await until('all pods are in the group', async () => (await Promise.all(pods.map((pod) => pod.ask<boolean>('isReady')))).every(Boolean));
    return { origin: `http://127.0.0.1:${port}`, insurers, pods };
  }

  /** Nothing of it is left on the log for the next one. */
  async end({ insurers, pods }: Scene): Promise<void> {
    if (pods.length > 0) await this.#untilCommitted();
    for (const pod of pods) await pod.stop();
    await insurers.stop();
  }

  async #untilCommitted(): Promise<void> {
    const admin = this.#kafka.admin();
    await admin.connect();
    try {
      await until('every request is committed', async () => {
        const ends = await this.#bus.endOffsets(TOPICS.requests);
        const [committed] = await admin.fetchOffsets({ groupId: GROUP, topics: [TOPICS.requests] });
        return ends.every((end, partition) => {
          const { offset = '-1' } = committed?.partitions.find((one) => one.partition === partition) ?? {};
          return end === 0n || BigInt(offset) >= end;
        });
      });
    } finally {
      await admin.disconnect();
    }
  }

  /** Sealed, and on the log at an even pace. Resolves to the moment (by the wall) at which each was sent. */
  async send(askings: readonly Asking[], { perSecond, deadlineMs, panel }: Sending): Promise<Map<string, number>> {
    const events = await Promise.all(askings.map(async (asking) => ({ asking, sealed: await this.#keys.seal(JSON.stringify(asking.application)) })));
    const sentAtMs = new Map<string, number>();
    const startedMs = performance.now();
    let sayAtMs = startedMs + SAY_EVERY_MS;
    for (const [at, { asking, sealed }] of events.entries()) {
      if (performance.now() >= sayAtMs) {
        sayAtMs += SAY_EVERY_MS;
        this.#say(`  ${at} of ${events.length} requests sent, ${this.#outcomes.size} legs have an outcome`);
      }
      await pause(Math.max(0, startedMs + (at * 1_000) / perSecond - performance.now()));
      sentAtMs.set(asking.requestId, Date.now());
      const event = submittedOf(asking, sealed, { deadlineMs, panel });
      const partition = partitionFor(asking.requestId, this.partitions);
      const headers = { traceparent: `00-${asking.requestId.replaceAll('-', '')}-${'2'.repeat(16)}-01` };
      const [answer] = await this.#bus.publish([{ topic: TOPICS.requests, partition, key: asking.requestId, value: encodeEvent(event), headers }]);
      if (answer?.ok !== true) throw answer?.error ?? new Error('no answer');
    }
    return sentAtMs;
  }

  /** Each leg's outcomes, in their order, once every leg has one. */
  async outcomes(askings: readonly Asking[], { panel, deadlineMs }: Sending): Promise<ReadonlyMap<string, readonly Outcome[]>> {
    const keys = askings.flatMap(({ requestId }) => panel.map((insurerId) => keyOf(requestId, insurerId)));
    const isSo = (): boolean => keys.every((key) => this.#outcomes.has(key));
    await until('every leg has an outcome', () => Promise.resolve(isSo()), deadlineMs + PATIENCE_MS);
    return new Map(this.#outcomes);
  }
}

export const countersOf = async ({ origin }: Scene): Promise<Record<string, Counters>> =>
  (await fetch(`${origin}/admin/counters`)).json() as Promise<Record<string, Counters>>;

const submittedOf = (
  { requestId, application }: Asking,
  application_sealed: string,
  { deadlineMs, panel }: { deadlineMs: number; panel: readonly string[] },
): EventOf<'osago.request.submitted.v1'> => {
  const acceptedAtMs = Date.now();
  const deadline_at = new Date(acceptedAtMs + deadlineMs).toISOString();
  return {
    ...({ specversion: '1.0', source: '/osago/core-app', datacontenttype: 'application/json' } as const),
    id: requestEventId(requestId, 1),
    type: 'osago.request.submitted.v1',
    subject: requestId,
    time: new Date(acceptedAtMs).toISOString(),
    data: {
      request_id: requestId,
      revision: 1,
      accepted_at: new Date(acceptedAtMs).toISOString(),
      deadline_at,
      panel: panel.map((insurer_id) => ({ insurer_id, name: insurer_id, deadline_at })),
      tariff: tariffAttributes(application, moscowDate(acceptedAtMs)),
      application_sealed,
    },
  };
};
