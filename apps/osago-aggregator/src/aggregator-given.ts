/** What the tests of this folder begin with: requests, insurers that answer by a script, a store, a pod in this process. */
import {
  type Application,
  decodeDeadLetter,
  decodeEvent,
  encodeEvent,
  type EventOf,
  type LegEvent,
  isLegEvent,
  type OsagoEvent,
  requestEventId,
  TOPICS,
  topicOf,
} from '@osago/contracts';
import { DeadLetters, type EventBus, MemoryEventBus } from '@osago/event-bus';
import { type InsurerReply, sampleApplication } from '@osago/quotes';
import { SimulatedRedis } from '@osago/quotes/simulation-redis';
import { createLog, createMetrics, type Keyring, type Log, systemClock } from '@osago/service-kit';
import { Aggregator, type AggregatorDeps } from './aggregator.ts';
import type { CallOptions, Insurer, PostCall } from './insurer.ts';
import { MemoryRunStore } from './memory-run-store.ts';
import { Publisher } from './publisher.ts';
import { ServerClock } from './server-clock.ts';

export const GROUP = 'osago-aggregator';
export const PARTITIONS = 4;
export const APPLICATION: Application = sampleApplication(1, '2026-11-21');
/** What a retry asks with. */
export const CHANGED: Application = sampleApplication(2, '2026-11-21');

/** Far beyond what any of the waits takes, and before jest ends the test without a word about what it waits for. */
const PATIENCE_MS = 30_000;

/** Resolves as soon as it is so. */
export const until = async (what: string, isSo: () => boolean | Promise<boolean>): Promise<void> => {
  const giveUpAtMs = performance.now() + PATIENCE_MS;
  while (!(await isSo())) {
    if (performance.now() > giveUpAtMs) throw new Error(`waited in vain until ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
};

/** Everything that is ready to happen without waiting for time has happened. */
export const settled = async (): Promise<void> => {
  for (let turn = 0; turn < 20; turn += 1) await new Promise(setImmediate);
};

export type Submitted = EventOf<'osago.request.submitted.v1'>;

const envelope = (requestId: string, revision: number) => ({
  specversion: '1.0' as const,
  id: requestEventId(requestId, revision),
  source: '/osago/core-app',
  subject: requestId,
  time: new Date().toISOString(),
  datacontenttype: 'application/json' as const,
});

/** Keys that show what they seal: only that they are asked matters here. */
export const plainKeys: Keyring = {
  seal: (text) => Promise.resolve(`sealed ${text}`),
  open: (sealed) =>
    sealed.startsWith('sealed ')
      ? Promise.resolve(sealed.slice('sealed '.length))
      : Promise.reject(new Error('no key opens it')),
};

export const submitted = (
  insurerIds: readonly string[],
  { deadlineInMs = 60_000, sealed = `sealed ${JSON.stringify(APPLICATION)}` } = {},
): Submitted => {
  const requestId = crypto.randomUUID();
  const deadline_at = new Date(Date.now() + deadlineInMs).toISOString();
  return {
    ...envelope(requestId, 1),
    type: 'osago.request.submitted.v1',
    data: {
      request_id: requestId,
      revision: 1,
      accepted_at: new Date(Date.parse(deadline_at) - 60_000).toISOString(),
      deadline_at,
      panel: insurerIds.map((insurer_id) => ({ insurer_id, name: insurer_id.toUpperCase(), deadline_at })),
      tariff: {
        category: 'B',
        power_hp: 100,
        year: 2020,
        purpose: 'personal',
        region: '77',
        months: 12,
        policy_start_date: '2026-12-01',
        unlimited_drivers: false,
        drivers: [{ age: 40, experience_years: 20 }],
      },
      application_sealed: sealed,
    },
  };
};

export const cancelled = ({ data: { request_id } }: Submitted, revision = 2): EventOf<'osago.request.cancelled.v1'> => ({
  ...envelope(request_id, revision),
  type: 'osago.request.cancelled.v1',
  data: { request_id, revision },
});

export const retryAsked = (
  { data: { request_id, tariff } }: Submitted,
  insurer_id: string,
  { revision = 2, attempt = 2, deadlineInMs = 60_000, sealed = `sealed ${JSON.stringify(CHANGED)}` } = {},
): EventOf<'osago.leg.retry-asked.v1'> => ({
  ...envelope(request_id, revision),
  type: 'osago.leg.retry-asked.v1',
  data: {
    request_id,
    revision,
    insurer_id,
    attempt,
    deadline_at: new Date(Date.now() + deadlineInMs).toISOString(),
    tariff,
    application_sealed: sealed,
  },
});

/** What is said to the first call, to the second, …; to 'nothing' there is no answer until the call is aborted. */
export type Script = readonly (InsurerReply | 'nothing')[];

export class ScriptedInsurer implements Insurer {
  readonly posts: (PostCall & CallOptions)[] = [];
  readonly polls: ({ applicationId: string } & CallOptions)[] = [];
  readonly #script: { post: Script; poll: Script };

  /** The last word of each script is repeated. */
  constructor(script: { post?: Script; poll?: Script } = {}) {
    this.#script = { post: script.post ?? [says.accepted], poll: script.poll ?? [says.pending] };
  }

  post(call: PostCall, options: CallOptions): Promise<InsurerReply> {
    this.posts.push({ ...call, ...options });
    return this.#say(this.#script.post, this.posts.length, options.signal);
  }

  poll(applicationId: string, options: CallOptions): Promise<InsurerReply> {
    this.polls.push({ applicationId, ...options });
    return this.#say(this.#script.poll, this.polls.length, options.signal);
  }

  #say(script: Script, count: number, signal: AbortSignal): Promise<InsurerReply> {
    const word = script[Math.min(count, script.length) - 1] ?? 'nothing';
    if (word !== 'nothing') return Promise.resolve(word);
    return new Promise((resolve) => {
      signal.addEventListener('abort', () => resolve({ kind: 'fault', fault: 'connection', message: 'aborted' }));
    });
  }
}

/** The shortest hint there is: the next poll comes about 200 ms later. */
const SOON = { retryAfterMs: 1 };

export const says = {
  accepted: { kind: 'accepted', application_id: 'app-1', ...SOON },
  pending: { kind: 'pending', ...SOON },
  estimated: { kind: 'estimated', quote: { premium_kopecks: 600_000 }, ...SOON },
  quoted: { kind: 'quoted', quote: { premium_kopecks: 700_000 } },
  declined: { kind: 'declined', reason: { code: 'segment' } },
  needsData: { kind: 'needs_data', missing_fields: ['/drivers/0/licence'] },
  failed: { kind: 'failed' },
  rejected: { kind: 'fault', fault: 'rejected', message: 'HTTP 400' },
  busy: { kind: 'skipped', reason: { code: 'capacity' } },
} as const satisfies Record<string, InsurerReply>;

export const createBus = (): MemoryEventBus =>
  new MemoryEventBus({
    topics: Object.fromEntries(Object.values(TOPICS).map((topic) => [topic, PARTITIONS])),
  });

/** Writes an event as core-app does. */
export const send = async (bus: EventBus, event: OsagoEvent, partition = 2, traceparent = ''): Promise<void> => {
  const headers = { 'content-type': 'application/cloudevents+json', ...(traceparent !== '' && { traceparent }) };
  const record = { topic: topicOf(event.type), partition, key: event.subject, value: encodeEvent(event), headers };
  await bus.publish([record]);
};

/** What is on the log of a request's legs, in the order of each topic. */
export const legEvents = (bus: MemoryEventBus, requestId: string): LegEvent[] =>
  [TOPICS.quotes, TOPICS.errors]
    .flatMap((topic) => bus.records(topic))
    .flatMap(({ value }) => {
      const decoded = decodeEvent(value);
      if (!decoded.ok || !isLegEvent(decoded.event)) throw new Error('what is published cannot be read');
      return decoded.event.data.request_id === requestId ? [decoded.event] : [];
    });

/** `id: reason` of what was buried, in the order of the log. */
export const buried = (bus: MemoryEventBus): string[] =>
  bus.records(TOPICS.deadLetters).map(({ value }) => {
    const decoded = decodeDeadLetter(value);
    if (!decoded.ok) throw new Error('what is buried cannot be read');
    return `${decoded.value.id}: ${decoded.value.data.reason}`;
  });

/** `insurer status` of each outcome on the log, sorted; a repeated publish shows twice. */
export const outcomes = (bus: MemoryEventBus, { data: { request_id } }: Submitted): string[] =>
  legEvents(bus, request_id)
    .filter(({ data }) => data.final)
    .map(({ data }) => `${data.insurer_id} ${data.status}`)
    .sort();

export const isDone = (bus: MemoryEventBus, count = 1, partition = 2): boolean =>
  bus.committed(GROUP, { topic: TOPICS.requests, partition }) === BigInt(count);

export type PodOptions = Partial<AggregatorDeps> & {
  bus: EventBus;
  insurers: AggregatorDeps['insurers'];
  /** One that pods share. */
  redis?: SimulatedRedis;
  runsMax?: number;
  sessionTimeoutMs?: number;
};

export const createRedis = (nowMs = () => Date.now()): SimulatedRedis => new SimulatedRedis(nowMs);

export const panel = (insurers: Readonly<Record<string, Insurer>>): ReadonlyMap<string, Insurer> =>
  new Map(Object.entries(insurers));

const running: (() => Promise<void>)[] = [];

/** For `afterEach`: no run outlives its test. */
export const stopPods = async (): Promise<void> => {
  for (const stop of running.splice(0)) await stop();
};

export interface Pod {
  aggregator: Aggregator;
  log: Log;
  lines: Record<string, unknown>[];
  store: MemoryRunStore;
  /** Leaves its runs to its peers. */
  stop(): Promise<void>;
  /** The process is gone: its lease runs out. The group notices at once. */
  crash(): Promise<void>;
}

export const startPod = ({ bus, redis, runsMax = 100, sessionTimeoutMs, ...given }: PodOptions): Pod => {
  const store = new MemoryRunStore(redis);
  const lines: Record<string, unknown>[] = [];
  const log = createLog('test', 'info', {
    write: (line) => void lines.push(JSON.parse(line) as Record<string, unknown>),
  });
  const metrics = createMetrics('test');
  const aggregator = new Aggregator(
    {
      bus,
      deadLetters: new DeadLetters({ bus, clock: systemClock, log, metrics }, { source: '/osago/test' }),
      publisher: new Publisher({ bus, log, metrics }),
      runStore: store,
      logKeys: plainKeys,
      names: new Map(),
      clock: new ServerClock({ clock: systemClock, log, metrics }),
      log,
      metrics,
      ...given,
    },
    { runsMax, ...(sessionTimeoutMs !== undefined && { sessionTimeoutMs }) },
  );
  const abort = new AbortController();
  const ended = aggregator.run(abort.signal);
  const stop = async (): Promise<void> => {
    abort.abort();
    await ended;
  };
  const crash = (): Promise<void> => {
    store.goAway();
    return stop();
  };
  running.push(stop);
  return { aggregator, log, lines, store, stop, crash };
};
