/**
 * The floor of bench:aggregator's CPU: a loop over undici, ioredis and kafkajs that makes the same calls to the insurers and
 * writes the same to Redis and Kafka (each leg is stored when it is asked, when it is accepted, when it is answered, when
 * that is on the log; permits are leased as often), decides nothing and survives nothing.
 */
import { encodeEvent, type InsurerAnswer, type LegEvent, type OsagoEvent, recordKey, topicOf } from '@osago/contracts';
import { partitionFor } from '@osago/event-bus';
import { legEvent } from '@osago/quotes';
import { Redis } from 'ioredis';
import { Kafka, logLevel, type TopicMessages } from 'kafkajs';
import { createHash } from 'node:crypto';
import { Agent, request } from 'undici';
import { CallBudget } from '../apps/osago-aggregator/src/call-budget.ts';
import { LEASE } from '../apps/osago-aggregator/src/call-budget-scripts.ts';
import { CLAIM, SAVE } from '../apps/osago-aggregator/src/run-scripts.ts';
import { keysOf } from '../apps/osago-aggregator/src/run-store.ts';
import { type Asking, askingsOf, keyOf } from './aggregator-market.ts';
import { answerQuestions, settingsOf } from './aggregator-process.ts';
import { startProfile, stopProfile } from './aggregator-profile.ts';

export interface BareSettings {
  brokers: string[];
  redisUrl: string;
  origin: string;
  insurerIds: string[];
  partitions: number;
  everyMs: number;
  deadlineMs: number;
  callsPerLease: number;
}

export interface BareBatch {
  seed: string;
  count: number;
  perSecond: number;
}

const { brokers, redisUrl, origin, insurerIds, partitions, everyMs, deadlineMs, callsPerLease } = settingsOf() as BareSettings;
const dispatcher = new Agent();
const redis = new Redis(redisUrl);
const producer = new Kafka({ brokers, logLevel: logLevel.NOTHING }).producer();
await producer.connect();
const HEADERS = { 'content-type': 'application/cloudevents+json; charset=UTF-8', traceparent: `00-${'1'.repeat(32)}-${'2'.repeat(16)}-01` };
const SHA = new Map([LEASE, CLAIM, SAVE].map((lua) => [lua, createHash('sha1').update(lua).digest('hex')]));
for (const lua of SHA.keys()) await redis.script('LOAD', lua);

const script = (lua: string, keys: readonly string[], args: readonly (string | number)[]): Promise<unknown> =>
  redis.evalsha(SHA.get(lua) ?? '', keys.length, ...keys, ...args);

/** What a pod asks for on the way: a block of four permits. */
let leaseArgs: readonly (string | number)[] = [];
const recorder = { script: (_lua: string, _key: string, args: typeof leaseArgs) => ((leaseArgs = args), Promise.resolve(undefined)) };
const limits = { rate_per_s: 1_000, burst: 1_000, concurrency: 100 };
await new CallBudget(recorder, 'bare', { pod: 'bare', openMs: 1_000 }).lease({
  wanted: 1, ahead: 3, lateWanted: 0, used: 5, slotsWanted: 8, limits, breaker: 'auto', hasAnswered: true,
});

const waiting: { event: LegEvent; partition: number; settle: () => void }[] = [];
let isSending = false;

/** What comes while one batch is in flight goes with the next. */
const sendAll = async (): Promise<void> => {
  isSending = true;
  while (waiting.length > 0) {
    const batch = waiting.splice(0);
    const topics = new Map<string, TopicMessages['messages']>();
    for (const { event, partition } of batch) {
      const topic = topicOf(event.type);
      const messages = topics.get(topic) ?? [];
      messages.push({ key: recordKey(event), value: encodeEvent(event), headers: HEADERS, partition });
      topics.set(topic, messages);
    }
    await producer.sendBatch({ acks: -1, topicMessages: [...topics].map(([topic, messages]) => ({ topic, messages })) });
    for (const { settle } of batch) settle();
  }
  isSending = false;
};

const publish = (event: OsagoEvent & LegEvent, partition: number): Promise<void> =>
  new Promise((settle) => {
    waiting.push({ event, partition, settle });
    if (!isSending) void sendAll();
  });

let calls = 0;
const call = async (insurerId: string, path: string, options: Parameters<typeof request>[1] = {}): Promise<unknown> => {
  calls += 1;
  if (calls % callsPerLease < 1) {
    void script(LEASE, [`osago:{insurer:${insurerId}}:budget`], leaseArgs);
  }
  const { body } = await request(`${origin}/${insurerId}${path}`, { ...options, dispatcher });
  return body.json();
};

const LEASE_MS = 1_500;
const TTL_S = 10_800;
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

const ask = async ({ requestId, application }: Asking, deadlineAtMs: number): Promise<void> => {
  const partition = partitionFor(requestId, partitions);
  const keys = keysOf(partition, requestId);
  const fence = Date.now();
  const deadline_at = new Date(deadlineAtMs).toISOString();
  const body = JSON.stringify({ request_id: requestId, application });
  await script(CLAIM, keys, [requestId, 'bare', LEASE_MS, TTL_S, 'new', 'traceparent', HEADERS.traceparent, 'application', body]);
  const store = (legs: readonly object[]): Promise<unknown> =>
    script(SAVE, keys, [requestId, 'bare', LEASE_MS, TTL_S, String(fence), 'part', 'held', ...legs.flatMap((leg, at) => [`leg:${at}`, JSON.stringify(leg)])]);
  const legOf = (insurer_id: string) => ({ insurer_id, name: insurer_id, attempt: 1, revision: 1, deadlineAtMs, step: 1 });
  await store(insurerIds.map((insurerId) => ({ ...legOf(insurerId), phase: { kind: 'posting', tries: 0 } })));

  const askOne = async (insurerId: string): Promise<void> => {
    const identity = { request_id: requestId, insurer_id: insurerId, name: insurerId, attempt: 1, fence, step: 1, deadline_at, late: false };
    const headers = { 'content-type': 'application/json', 'idempotency-key': keyOf(requestId, insurerId) };
    let answer = (await call(insurerId, '/applications', { method: 'POST', headers, body })) as InsurerAnswer;
    const submittedAtMs = Date.now();
    if (answer.status === 'pending') {
      const { application_id } = answer;
      await store([{ ...legOf(insurerId), submittedAtMs, phase: { kind: 'poll', application_id, polls: 0, tries: 0 } }]);
      void publish(legEvent(identity, 'submitted', {}, submittedAtMs), partition);
      let isEstimated = false;
      while ((answer.status === 'pending' || answer.status === 'estimated') && Date.now() + everyMs < deadlineAtMs) {
        await pause(everyMs);
        answer = (await call(insurerId, `/quotes/${application_id}`)) as InsurerAnswer;
        if (answer.status !== 'estimated' || isEstimated) continue;
        isEstimated = true;
        void publish(legEvent({ ...identity, step: 2 }, 'estimated', answer.quote, Date.now()), partition);
      }
    }
    const isAnswered = answer.status !== 'pending' && answer.status !== 'estimated' && answer.status !== 'failed';
    const status = !isAnswered ? 'timeout' : answer.status === 'ready' ? 'quoted' : (answer.status as 'declined' | 'needs_data');
    const quote = answer.status === 'ready' ? answer.quote : {};
    const event = legEvent(identity, status, { submitted_at: new Date(submittedAtMs).toISOString(), ...quote }, Date.now());
    await store([{ ...legOf(insurerId), submittedAtMs, phase: { kind: 'ended' }, outcome: { event, acked: false } }]);
    await publish(event, partition);
    await store([{ ...legOf(insurerId), submittedAtMs, phase: { kind: 'ended' }, outcome: { event, acked: true } }]);
  };
  await Promise.all(insurerIds.map(askOne));
};

answerQuestions({
  spent: () => {
    const { user, system } = process.cpuUsage();
    return { cpuUs: user + system, scripts: {} };
  },
  profile: startProfile,
  profiled: stopProfile,
  /** Resolves when every leg has ended. */
  ask: async (about) => {
    const { seed, count, perSecond } = about as BareBatch;
    const startedMs = performance.now();
    const asked: Promise<void>[] = [];
    for (const [at, asking] of askingsOf(seed, count).entries()) {
      await pause(Math.max(0, startedMs + (at * 1_000) / perSecond - performance.now()));
      asked.push(ask(asking, Date.now() + deadlineMs));
    }
    await Promise.all(asked);
  },
  stop: async () => {
    await producer.disconnect();
    redis.disconnect();
    await dispatcher.destroy();
  },
});
