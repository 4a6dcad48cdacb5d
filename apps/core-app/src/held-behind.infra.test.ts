/** Two whole core-apps on a real Postgres and a real broker, one of which is held behind: nobody is shown less there. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import type { PostRequestReply, PublishedStatus, QuotesBody } from '@osago/contracts';
import { createKafkajsEventBus, type EventBus, partitionFor } from '@osago/event-bus';
import { legEvent } from '@osago/quotes';
import { createLog } from '@osago/service-kit';
import { INSURERS } from './testing-api.ts';
import { asRecord, Cleanup, until } from './testing-events.ts';
import { type Exchange, fetchAll, parseSse, send } from './testing-http.ts';
import { createKeys, ensureTopics, migratedDatabase, submissionOf, type TestDatabase } from './testing-parts.ts';
import { LogGate, startPod, type TestPod } from './testing-pod.ts';

const podCleanup = new Cleanup();
const cleanup = new Cleanup();
afterEach(() => cleanup.run());

let partitions: number;
let database: TestDatabase;
let bus: EventBus;
const gates = { ahead: new LogGate(), behind: new LogGate() };
let ahead: TestPod;
let behind: TestPod;

beforeAll(async () => {
  const brokers = (process.env['KAFKA_BROKERS'] ?? '').split(',');
  partitions = await ensureTopics(brokers);
  database = await migratedDatabase(process.env['DATABASE_URL'], { partitions });
  bus = createKafkajsEventBus({ log: createLog('held-behind-test', 'silent') }, { brokers, clientId: 'held-behind-test' });
  const options = { databaseUrl: database.url, brokers, keys: await createKeys(), insurers: INSURERS };
  [ahead, behind] = await Promise.all([
    startPod(podCleanup, { ...options, name: 'ahead', gate: gates.ahead }),
    startPod(podCleanup, { ...options, name: 'behind', gate: gates.behind }),
  ]);
}, 60_000);
afterAll(async () => {
  await podCleanup.run();
  await bus.close();
  await database.close();
});

/** A request whose first quote one pod has shown, while the other, and the archive, have not heard of it. */
const setup = async (seed: number) => {
  const posted = await fetchAll(`${ahead.origin}/api/osago/requests`, { method: 'POST', body: JSON.stringify(submissionOf(seed).application) });
  const { request_id, deadline_at, access_token, links } = posted.json() as PostRequestReply;
  const headers = { authorization: `Bearer ${access_token}` };
  const isWhole = async (pod: TestPod): Promise<boolean> => (await fetchAll(`${pod.origin}${links.quotes}`, { headers })).status === 200;
  await until(async () => (await isWhole(ahead)) && (await isWhole(behind)));
  const answer = async (insurer_id: string, status: PublishedStatus, step: number): Promise<void> => {
    const identity = { request_id, insurer_id, name: insurer_id.toUpperCase(), attempt: 1, fence: 7, step, late: false, deadline_at };
    const [written] = await bus.publish([asRecord(legEvent(identity, status, {}, Date.now()), partitionFor(request_id, partitions))]);
    expect(written?.ok).toBe(true);
  };
  const stream = async (pod: TestPod, lastEventId?: string): Promise<Exchange> => {
    const opened = await send(`${pod.origin}${links.stream}`, { headers: { ...headers, ...(lastEventId !== undefined && { 'last-event-id': lastEventId }) } });
    cleanup.add(() => opened.close());
    return opened;
  };
  const quotes = (pod: TestPod, { query = '', etag }: { query?: string; etag?: string } = {}): Promise<Exchange> =>
    fetchAll(`${pod.origin}${links.quotes}${query}`, { headers: { ...headers, ...(etag !== undefined && { 'if-none-match': etag }) } });
  const retry = (pod: TestPod): Promise<Exchange> =>
    fetchAll(`${pod.origin}${links.quotes}/alpha/retry`, { method: 'POST', headers, body: '{"attempt":1}' });

  const shown = await stream(ahead);
  gates.ahead.hold('archive');
  gates.behind.hold('feed', 'archive');
  cleanup.add(() => Object.values(gates).forEach((gate) => gate.release('feed', 'archive')));
  await answer('alpha', 'needs_data', 1);
  const quoteOf = () => parseSse(shown.text()).messages.find(({ event }) => event === 'quote');
  await until(() => quoteOf() !== undefined);
  const seen = await quotes(ahead);
  const archived = async (): Promise<void> => {
    for (const gate of Object.values(gates)) gate.release('archive');
    const rows = () => database.pool.query('SELECT 1 FROM legs WHERE request_id = $1', [request_id]);
    await until(async () => (await rows()).rowCount === 1, 30_000);
  };
  return { archived, id: quoteOf()!.id, etag: seen.headers.etag!, quotes, retry, stream };
};

const alphaIn = (exchange: Exchange): string | undefined => (exchange.json() as QuotesBody).quotes[0]?.status;

describe('a pod that is behind, like the archive', () => {
  test('sends readers away, answers no GET with less, and cannot say whether a quote may be asked again', async () => {
    const { id, etag, quotes, retry, stream } = await setup(1);
    const [resumed, byCursor, byEtag, asked] = await Promise.all([
      stream(behind, id),
      quotes(behind, { query: `?cursor=${id}` }),
      quotes(behind, { etag }),
      retry(behind),
    ]);
    await resumed.ended;
    expect([resumed.status, resumed.text()]).toEqual([200, expect.stringMatching(/^retry: \d+\n\n$/)]);
    expect([byCursor.status, byCursor.headers['retry-after']]).toEqual([503, expect.stringMatching(/^\d+$/)]);
    expect([byEtag.status, byEtag.headers.etag]).toEqual([304, etag]);
    expect(asked.status).toBe(409);
  }, 60_000);

  test('answers all of them when its feed has caught up', async () => {
    const { id, etag, quotes, stream } = await setup(2);
    const held = [stream(behind, id), quotes(behind, { query: `?cursor=${id}` }), quotes(behind, { etag })] as const;
    gates.behind.release('feed');
    const [resumed, byCursor, byEtag] = await Promise.all(held);
    await until(() => parseSse(resumed.text()).messages.length > 0);
    const [first] = parseSse(resumed.text()).messages;
    expect([first?.event, first?.id]).toEqual(['snapshot', id]);
    expect(JSON.parse(first!.data)).toMatchObject({ quotes: [{ status: 'needs_data' }, { status: 'waiting' }] });
    expect([byCursor.status, alphaIn(byCursor)]).toEqual([200, 'needs_data']);
    expect([byEtag.status, byEtag.headers.etag]).toEqual([304, etag]);
  }, 60_000);

  test('takes a retry of what the person has seen as soon as it has seen it too', async () => {
    const { retry } = await setup(3);
    const asked = retry(behind);
    gates.behind.release('feed');
    expect((await asked).json()).toMatchObject({ attempt: 2, revision: 2 });
  }, 60_000);
});

describe('a pod whose feed is behind the archive', () => {
  test('goes by the archive: for readers, for GET and for a retry', async () => {
    const { archived, id, quotes, retry, stream } = await setup(4);
    await archived();
    const [resumed, byCursor] = await Promise.all([stream(behind, id), quotes(behind, { query: `?cursor=${id}` })]);
    await until(() => parseSse(resumed.text()).messages.length > 0);
    expect(JSON.parse(parseSse(resumed.text()).messages[0]!.data)).toMatchObject({ quotes: [{ status: 'needs_data' }, {}] });
    expect([byCursor.status, alphaIn(byCursor)]).toEqual([200, 'needs_data']);
    expect((await retry(behind)).status).toBe(202);
  }, 60_000);

  test('takes a retry of it although nobody has asked there before', async () => {
    const { archived, retry } = await setup(5);
    await archived();
    expect((await retry(behind)).json()).toMatchObject({ attempt: 2, revision: 2 });
  }, 60_000);
});
