/** Whole core-apps on a real Postgres and a real broker; the test is the aggregator. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import {
  checker,
  type InsurerSettings,
  type LegEvent,
  type Person,
  type PostRequestReply,
  type PublishedStatus,
  QuotesBody,
  TOPICS,
} from '@osago/contracts';
import { createKafkajsEventBus, type EventBus, partitionFor } from '@osago/event-bus';
import { type AnswerMembers, legEvent } from '@osago/quotes';
import { createLog } from '@osago/service-kit';
import { INSURERS } from './testing-api.ts';
import { asRecord, Cleanup, until } from './testing-events.ts';
import { type Exchange, fetchAll, parseSse, send } from './testing-http.ts';
import { createKeys, ensureTopics, migratedDatabase, submissionOf, type TestDatabase, type TestKeys } from './testing-parts.ts';
import { startPod, type TestPod } from './testing-pod.ts';

const isQuotesBody = checker(QuotesBody);
const cleanup = new Cleanup();
afterEach(() => cleanup.run());

let brokers: string[];
let partitions: number;
let database: TestDatabase;
let keys: TestKeys;
let bus: EventBus;

beforeAll(async () => {
  brokers = (process.env['KAFKA_BROKERS'] ?? '').split(',');
  partitions = await ensureTopics(brokers);
  database = await migratedDatabase(process.env['DATABASE_URL'], { partitions });
  keys = await createKeys();
  bus = createKafkajsEventBus({ log: createLog('core-app-test', 'silent') }, { brokers, clientId: 'core-app-test' });
}, 60_000);
afterAll(async () => {
  await bus.close();
  await database.close();
});

const start = (name: string, insurers: readonly InsurerSettings[] = INSURERS): Promise<TestPod> =>
  startPod(cleanup, { name, databaseUrl: database.url, brokers, keys, insurers });

interface Asked {
  reply: PostRequestReply;
  cookie: string;
  /** Publishes as the aggregator does: on the partition of the request. */
  answer: (insurer_id: string, status: PublishedStatus, step: number, members?: AnswerMembers) => Promise<LegEvent>;
}

const ask = async (pod: TestPod, seed: number): Promise<Asked> => {
  const posted = await fetchAll(`${pod.origin}/api/osago/requests`, {
    method: 'POST',
    body: JSON.stringify(submissionOf(seed).application),
  });
  expect(posted.status).toBe(201);
  const reply = posted.json() as PostRequestReply;
  const { request_id, deadline_at } = reply;
  const cookie = (posted.headers['set-cookie'] ?? []).map((text) => text.split(';')[0]).join('; ');
  const answer: Asked['answer'] = async (insurer_id, status, step, members = {}) => {
    const identity = { request_id, insurer_id, name: insurer_id.toUpperCase(), attempt: 1, fence: 7, step, late: false, deadline_at };
    const event = legEvent(identity, status, members, Date.now());
    const [written] = await bus.publish([asRecord(event, partitionFor(request_id, partitions))]);
    expect(written?.ok).toBe(true);
    return event;
  };
  return { reply, cookie, answer };
};

const openStream = (pod: TestPod, { reply, cookie }: Asked, lastEventId?: string): Promise<Exchange> =>
  send(`${pod.origin}${reply.links.stream}`, {
    headers: { cookie, ...(lastEventId !== undefined && { 'last-event-id': lastEventId }) },
  });

const getQuotes = (pod: TestPod, { reply, cookie }: Asked, query = ''): Promise<Exchange> =>
  fetchAll(`${pod.origin}${reply.links.quotes}${query}`, { headers: { cookie } });

const messagesOf = (stream: Exchange) => parseSse(stream.text()).messages.filter(({ event }) => event !== 'heartbeat');

const dataOf = (message: { data: string } | undefined): unknown => JSON.parse(message?.data ?? 'null');

describe('one core-app', () => {
  test('takes a request from POST to its last quote, and is done with it', async () => {
    const pod = await start('core-app-alone');
    const asked = await ask(pod, 1);
    expect(asked.reply.panel.map(({ insurer_id }) => insurer_id)).toEqual(['alpha', 'beta']);

    const stream = await openStream(pod, asked);
    await until(() => messagesOf(stream).length === 1);
    const snapshot = dataOf(messagesOf(stream)[0]);
    expect(isQuotesBody(snapshot).ok).toBe(true);
    expect(snapshot).toMatchObject({
      request_id: asked.reply.request_id,
      status: 'in_progress',
      quotes: [{ insurer_id: 'alpha', status: 'waiting' }, { insurer_id: 'beta', status: 'waiting' }],
    });

    await asked.answer('alpha', 'submitted', 1);
    await until(() => messagesOf(stream).length === 2, 20_000);
    await asked.answer('alpha', 'quoted', 2, { premium_kopecks: 512_300, total_kopecks: 512_300 });
    await until(() => messagesOf(stream).length === 3, 20_000);
    await asked.answer('beta', 'declined', 1, { reason: { code: 'segment' } });
    await stream.ended;
    expect(stream.isEnded()).toBe(true);
    const [, ...news] = messagesOf(stream);
    expect(news.map(({ event, hasId }) => [event, hasId])).toEqual([
      ['quote', true], ['quote', true], ['quote', true], ['done', true],
    ]);
    expect(news.slice(0, 3).map(dataOf)).toMatchObject([
      { insurer_id: 'alpha', status: 'submitted', progress: { total: 2, answered: 0, waiting: 2 } },
      { insurer_id: 'alpha', status: 'quoted', premium_kopecks: 512_300, progress: { answered: 1 }, request_status: 'in_progress' },
      { insurer_id: 'beta', status: 'declined', progress: { answered: 2 }, request_status: 'completed' },
    ]);
    expect(dataOf(news[3])).toMatchObject({ status: 'completed', counts: { quoted: 1, declined: 1 } });

    const again = await openStream(pod, asked, news[3]?.id);
    await again.ended;
    expect([again.status, again.text()]).toEqual([204, '']);

    const fresh = await openStream(pod, asked);
    await fresh.ended;
    expect(messagesOf(fresh).map(({ event }) => event)).toEqual(['snapshot', 'done']);
    expect((await getQuotes(pod, asked)).json()).toEqual(dataOf(messagesOf(fresh)[0]));
  }, 60_000);

  test('ends a request that no aggregator ever saw, by the clock alone', async () => {
    const insurers = INSURERS.map((insurer) => ({ ...insurer, deadline_ms: 1_000 }));
    const pod = await start('core-app-clock', insurers);
    const asked = await ask(pod, 2);
    const stream = await openStream(pod, asked);
    await stream.ended;
    const messages = messagesOf(stream);
    expect(messages.map(({ event }) => event)).toEqual(['snapshot', 'quote', 'quote', 'timeout']);
    expect(dataOf(messages[3])).toMatchObject({ status: 'no_offers', counts: { timeout: 2 } });
    const endedAfterMs = Date.now() - Date.parse(asked.reply.accepted_at);
    expect(endedAfterMs).toBeGreaterThanOrEqual(2_000);
    // Long before the minute that insurers have by default.
    expect(endedAfterMs).toBeLessThan(30_000);
  }, 60_000);

  test('says on its private port how it is, and nothing of that on the public one', async () => {
    const pod = await start('core-app-health');
    const ready = await fetchAll(`${pod.privateOrigin}/health/ready`);
    expect(ready.json()).toEqual({ status: 'ok', checks: { streams: 'ok', feed: 'ok', epoch: 'ok', postgres: 'ok' } });
    const metrics = (await fetchAll(`${pod.privateOrigin}/metrics`)).text();
    for (const name of ['osago_streams_open', 'osago_feed_ready_seconds', 'osago_relay_rows_total', 'osago_archive_records_total']) {
      expect(metrics).toContain(name);
    }
    expect((await fetchAll(`${pod.origin}/metrics`)).status).toBe(404);
  }, 60_000);
});

describe('two core-apps', () => {
  const startTwo = (): Promise<TestPod[]> => Promise.all([start('core-app-a'), start('core-app-b')]);

  test('show the same: posted to one, streamed from the other', async () => {
    const [a, b] = (await startTwo()) as [TestPod, TestPod];
    const asked = await ask(a, 3);
    const stream = await openStream(b, asked, asked.reply.cursor);
    await until(() => messagesOf(stream).length === 1, 20_000);
    await asked.answer('beta', 'needs_data', 1, { missing_fields: ['/vehicle/body_number'] });
    await asked.answer('alpha', 'quoted', 1, { premium_kopecks: 1, total_kopecks: 1 });
    await stream.ended;
    const last = messagesOf(stream).at(-1);
    expect(last?.event).toBe('done');
    const [fromA, fromB] = await Promise.all([a, b].map((pod) => getQuotes(pod, asked, `?cursor=${last!.id}`)));
    expect(fromA?.status).toBe(200);
    expect(fromA?.text()).toBe(fromB?.text());
    expect(fromA?.headers.etag).toBe(fromB?.headers.etag);
    const resumed = await openStream(a, asked, last?.id);
    await resumed.ended;
    expect(resumed.status).toBe(204);
  }, 60_000);

  test('lose no quote when one of them is stopped in the middle', async () => {
    const [a, b] = (await startTwo()) as [TestPod, TestPod];
    const asked = await ask(a, 4);
    const stream = await openStream(a, asked);
    await asked.answer('alpha', 'quoted', 1, { premium_kopecks: 1, total_kopecks: 1 });
    await until(() => messagesOf(stream).length === 2, 20_000);
    const { id } = messagesOf(stream)[1]!;
    await a.stop();
    await stream.ended;
    expect(stream.isEnded()).toBe(true);
    expect(messagesOf(stream).at(-1)?.event).toBe('bye');
    expect(a.lines.filter(({ level }) => level === 'error')).toEqual([]);

    const resumed = await openStream(b, asked, id);
    await until(() => messagesOf(resumed).length >= 1, 20_000);
    expect(dataOf(messagesOf(resumed)[0])).toMatchObject({ quotes: [{ status: 'quoted' }, { status: 'waiting' }] });
    await asked.answer('beta', 'declined', 1);
    await resumed.ended;
    expect(messagesOf(resumed).map(({ event }) => event)).toEqual(['snapshot', 'quote', 'done']);
  }, 60_000);

  test('a pod that starts later shows what was there before', async () => {
    const first = await start('core-app-first');
    const asked = await ask(first, 5);
    await asked.answer('alpha', 'quoted', 1, { premium_kopecks: 1, total_kopecks: 1 });
    await asked.answer('beta', 'skipped', 1, { reason: { code: 'capacity' } });
    const stream = await openStream(first, asked);
    await stream.ended;
    const { id } = messagesOf(stream).at(-1)!;
    const later = await start('core-app-later');
    const [before, after] = await Promise.all([first, later].map((pod) => getQuotes(pod, asked, `?cursor=${id}`)));
    expect(after?.text()).toBe(before?.text());
  }, 60_000);
});

test('the record on the log is what design §3 promises to any client', async () => {
  const pod = await start('core-app-log');
  const asked = await ask(pod, 6);
  const { request_id } = asked.reply;
  const found: { partition: number; value: string; headers: unknown }[] = [];
  const stop = new AbortController();
  const tail = bus.tail({ topics: [TOPICS.requests], fromMs: Date.now() - 30_000, groupPrefix: 'core-app-test' }, (record) => {
    if (record.key === request_id) found.push({ partition: record.partition, value: String(record.value), headers: record.headers });
  });
  const reading = tail.run(stop.signal);
  await until(() => found.length > 0, 20_000);
  stop.abort();
  await reading;
  expect(found).toHaveLength(1);
  expect(found[0]).toMatchObject({
    partition: partitionFor(request_id, partitions),
    headers: { 'content-type': 'application/cloudevents+json', traceparent: expect.stringMatching(/^00-/) },
  });
  const event = JSON.parse(found[0]!.value) as { data: { application_sealed: string } };
  expect(event).toMatchObject({ specversion: '1.0', type: 'osago.request.submitted.v1', subject: request_id });
  const { application } = submissionOf(6);
  expect(JSON.parse(await keys.logPrivate.open(event.data.application_sealed))).toEqual(application);
  expect(found[0]!.value).not.toContain((application.owner as Person).last_name);
}, 60_000);
