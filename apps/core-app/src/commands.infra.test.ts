/** Cancel, retry, repeat and what stands around a request, over HTTP on a whole core-app. Its clock is the aggregator. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import {
  type Application,
  checker,
  INSURER_STATE_KEY,
  InsurersReply,
  type PostRequestReply,
  RequestReply,
  type RetryReply,
  TariffsReply,
} from '@osago/contracts';
import { Redis } from 'ioredis';
import { INSURERS } from './testing-api.ts';
import { Cleanup, until } from './testing-events.ts';
import { type Exchange, fetchAll, parseSse, send } from './testing-http.ts';
import { createKeys, ensureTopics, migratedDatabase, submissionOf, type TestDatabase } from './testing-parts.ts';
import { startPod, type TestPod } from './testing-pod.ts';

const API = '/api/osago';
const cleanup = new Cleanup();
afterEach(() => cleanup.run());

const { KAFKA_BROKERS = '', REDIS_URL = '' } = process.env;
const podCleanup = new Cleanup();
let database: TestDatabase;
let pod: TestPod;
let redis: Redis;

/** alpha may take its minute; beta has a second and then is a timeout by the clock. */
const insurers = INSURERS.map((one) => ({ ...one, deadline_ms: one.insurer_id === 'beta' ? 1_000 : 60_000 }));

beforeAll(async () => {
  const brokers = KAFKA_BROKERS.split(',');
  const partitions = await ensureTopics(brokers);
  database = await migratedDatabase(process.env['DATABASE_URL'], { partitions });
  redis = new Redis(`${REDIS_URL}/7`);
  await redis.flushdb();
  const options = { name: 'commands', databaseUrl: database.url, brokers, keys: await createKeys(), insurers };
  pod = await startPod(podCleanup, { ...options, redisUrl: `${REDIS_URL}/7` });
}, 60_000);
afterAll(async () => {
  await podCleanup.run();
  redis.disconnect();
  await database.close();
});

interface Caller {
  reply: PostRequestReply;
  cookie: string;
}

const call = (method: string, path: string, { body, headers = {} }: { body?: unknown; headers?: Record<string, string> } = {}): Promise<Exchange> =>
  fetchAll(`${pod.origin}${path}`, { method, headers, ...(body !== undefined && { body: JSON.stringify(body) }) });

const cookieOf = ({ headers }: Exchange): string => (headers['set-cookie'] ?? []).map((text) => text.split(';')[0]).join('; ');

const applicationOf = (seed: number): Application => submissionOf(seed).application;

const ask = async (seed: number, headers: Record<string, string> = {}): Promise<Caller> => {
  const posted = await call('POST', `${API}/requests`, { body: applicationOf(seed), headers });
  expect(posted.status).toBe(201);
  return { reply: posted.json() as PostRequestReply, cookie: cookieOf(posted) };
};

const of = ({ reply, cookie }: Caller, method: string, path = '', body?: unknown): Promise<Exchange> =>
  call(method, `${reply.links.self}${path}`, { body, headers: { cookie } });

const statusOf = async (caller: Caller, insurerId: string): Promise<string | undefined> => {
  const { quotes } = (await of(caller, 'GET', '/quotes')).json() as { quotes: { insurer_id: string; status: string }[] };
  return quotes.find(({ insurer_id }) => insurer_id === insurerId)?.status;
};

const timedOut = (caller: Caller): Promise<void> => until(async () => (await statusOf(caller, 'beta')) === 'timeout');

describe('DELETE /requests/{request_id}', () => {
  test('calls the request off: 202, every leg without outcome is cancelled, its stream ends', async () => {
    const caller = await ask(1);
    const stream = await send(`${pod.origin}${caller.reply.links.stream}`, { headers: { cookie: caller.cookie } });
    const cancelled = await of(caller, 'DELETE');
    expect([cancelled.status, cancelled.json()]).toEqual([202, { revision: 2, cursor: expect.any(String) }]);
    expect((await of(caller, 'GET', '/quotes')).json()).toMatchObject({ revision: 2, status: 'cancelled' });
    await stream.ended;
    const last = parseSse(stream.text()).messages.filter(({ event }) => event !== 'heartbeat').at(-1);
    expect(last).toMatchObject({ event: 'done', data: expect.stringContaining('"status":"cancelled"') });
  });

  test('of a cancelled request changes nothing: 200', async () => {
    const caller = await ask(2);
    await of(caller, 'DELETE');
    const again = await of(caller, 'DELETE');
    expect([again.status, again.json()]).toEqual([200, { revision: 2, cursor: expect.any(String) }]);
  });

  test('needs the credential of the request', async () => {
    const { reply } = await ask(3);
    expect((await call('DELETE', reply.links.self)).status).toBe(401);
    const other = await ask(4);
    expect((await call('DELETE', reply.links.self, { headers: { authorization: `Bearer ${other.reply.access_token}` } })).status).toBe(404);
    expect((await of({ ...other, reply }, 'PATCH')).headers['allow']).toBe('GET, HEAD, DELETE');
  });
});

describe('POST …/quotes/{insurer_id}/retry', () => {
  const retry = (caller: Caller, insurerId: string, body: unknown): Promise<Exchange> =>
    of(caller, 'POST', `/quotes/${insurerId}/retry`, body);

  test('asks an insurer again that timed out, and the same click later gets the same answer', async () => {
    const caller = await ask(11);
    await timedOut(caller);
    const first = await retry(caller, 'beta', { attempt: 1 });
    expect(first.status).toBe(202);
    const answer = first.json() as RetryReply;
    expect(answer).toMatchObject({ attempt: 2, revision: 2 });
    expect(await statusOf(caller, 'beta')).toBe('waiting');
    const again = await retry(caller, 'beta', { attempt: 1 });
    expect(again.status).toBe(202);
    expect(again.json()).toMatchObject({ attempt: 2, revision: 2, deadline_at: answer.deadline_at });
  });

  test('of two clicks at once is one command', async () => {
    const caller = await ask(12);
    await timedOut(caller);
    const both = await Promise.all([retry(caller, 'beta', { attempt: 1 }), retry(caller, 'beta', { attempt: 1 })]);
    expect(both.map(({ status }) => status)).toEqual([202, 202]);
    expect(both.map((one) => (one.json() as RetryReply).revision)).toEqual([2, 2]);
  });

  test('is refused while the quote is still to come, or for an attempt that was never asked', async () => {
    const caller = await ask(13);
    expect((await retry(caller, 'alpha', { attempt: 1 })).status).toBe(409);
    await timedOut(caller);
    expect((await retry(caller, 'beta', { attempt: 7 })).status).toBe(409);
    expect((await retry(caller, 'nobody', { attempt: 1 })).status).toBe(404);
  });

  test('takes changes into the application, which the next repeat sees', async () => {
    const caller = await ask(14);
    await timedOut(caller);
    expect((await retry(caller, 'beta', { attempt: 1, changes: { '/vehicle/model': 'Ниссан' } })).status).toBe(202);
    expect((await of(caller, 'GET')).json()).toMatchObject({ revision: 2, application: { vehicle: { model: 'Ниссан' } } });
  });

  test.each([
    ['a pointer that leads nowhere', { attempt: 1, changes: { '/consents/99': 1 } }, '/consents/99'],
    ['a value that makes no sense', { attempt: 1, changes: { '/vehicle/year': 'old' } }, '/vehicle/year'],
    ['no attempt', { changes: {} }, '/attempt'],
    ['another member', { attempt: 1, hurry: true }, '/hurry'],
  ])('answers 400 to %s and asks nobody', async (_, body, pointer) => {
    const caller = await ask(15);
    await timedOut(caller);
    const refused = await retry(caller, 'beta', body);
    expect(refused.status).toBe(400);
    expect((refused.json() as { errors: { pointer: string }[] }).errors.map((fault) => fault.pointer)).toContain(pointer);
    expect((await of(caller, 'GET')).json()).toMatchObject({ revision: 1 });
  });

  test('opens a cancelled request again', async () => {
    const caller = await ask(16);
    await of(caller, 'DELETE');
    expect((await retry(caller, 'alpha', { attempt: 1 })).status).toBe(202);
    expect((await of(caller, 'GET', '/quotes')).json()).toMatchObject({ revision: 3, status: 'in_progress' });
  });
});

describe('GET /requests/{request_id}', () => {
  test('shows the application with nothing that names a person', async () => {
    const caller = await ask(21);
    const shown = await of(caller, 'GET');
    expect(shown.status).toBe(200);
    expect(checker(RequestReply)(shown.json()).ok).toBe(true);
    const { contacts, owner, vehicle } = applicationOf(21);
    expect(shown.json()).toMatchObject({ status: 'in_progress', application: { vehicle: { brand: vehicle.brand, model: vehicle.model } } });
    for (const personal of [contacts.phone, contacts.email, 'last_name' in owner ? owner.last_name : owner.inn]) {
      expect(shown.text()).not.toContain(personal);
    }
  });
});

describe('POST /requests with based_on', () => {
  const repeat = (body: unknown, headers: Record<string, string> = {}): Promise<Exchange> => call('POST', `${API}/requests`, { body, headers });

  test('asks for a past request again, with changes, for its owner and for who has its token', async () => {
    const caller = await ask(31);
    const { request_id, access_token } = caller.reply;
    const changes = { '/vehicle/model': 'Солярис' };
    for (const headers of [{ cookie: caller.cookie }, { authorization: `Bearer ${access_token}` }]) {
      const repeated = await repeat({ based_on: request_id, changes }, headers);
      expect(repeated.status).toBe(201);
      const reply = repeated.json() as PostRequestReply;
      expect(reply.request_id).not.toBe(request_id);
      const shown = await of({ reply, cookie: cookieOf(repeated) }, 'GET');
      expect(shown.json()).toMatchObject({ application: { vehicle: { model: 'Солярис' } } });
    }
  });

  test('is a 404 for everybody else, and for a request that is not there', async () => {
    const { reply } = await ask(32);
    const stranger = await ask(33);
    expect((await repeat({ based_on: reply.request_id })).status).toBe(404);
    expect((await repeat({ based_on: reply.request_id }, { cookie: stranger.cookie })).status).toBe(404);
    expect((await repeat({ based_on: '0b0c8b3e-6a2f-4c57-9a55-0a2f2f4d7c11' }, { cookie: stranger.cookie })).status).toBe(404);
  });

  test('names every fault of the changed application, in the language of the caller', async () => {
    const caller = await ask(34);
    const body = { based_on: caller.reply.request_id, changes: { '/vehicle/vin': 'I', '/vehicle/year': 1900 } };
    const refused = await repeat(body, { cookie: caller.cookie, 'accept-language': 'ru-RU,ru;q=0.9' });
    expect(refused.status).toBe(400);
    const { errors } = refused.json() as { errors: { pointer: string; detail: string }[] };
    expect(errors.map(({ pointer }) => pointer).sort()).toEqual(['/vehicle/vin', '/vehicle/year']);
    expect(errors.every(({ detail }) => /[а-я]/.test(detail))).toBe(true);
  });
});

describe('the same content of the same owner', () => {
  const post = (seed: number, cookie: string, headers: Record<string, string> = {}): Promise<Exchange> =>
    call('POST', `${API}/requests`, { body: applicationOf(seed), headers: { cookie, ...headers } });

  test('is the request that is in progress: 200 with a hint', async () => {
    const caller = await ask(41);
    const again = await post(41, caller.cookie);
    expect(again.status).toBe(200);
    expect(again.json()).toMatchObject({ ...caller.reply, duplicate: true, access_token: expect.any(String) });
  });

  test('is it whatever the contacts and the time of the consents', async () => {
    const caller = await ask(42);
    const application = applicationOf(42);
    const body = { ...application, contacts: { ...application.contacts, phone: '79990001122' } };
    const again = await call('POST', `${API}/requests`, { body, headers: { cookie: caller.cookie } });
    expect((again.json() as PostRequestReply).request_id).toBe(caller.reply.request_id);
  });

  test('is another request when a key is given, when the first has ended, and when somebody else asks', async () => {
    const caller = await ask(43);
    expect((await post(43, caller.cookie, { 'idempotency-key': '5e7c9a10-30f3-4a6e-9b1d-0b3b0a0c1d2e' })).status).toBe(201);
    expect((await post(43, '')).status).toBe(201);
    const other = await ask(44);
    await of(other, 'DELETE');
    expect((await post(44, other.cookie)).status).toBe(201);
  });

  test('is one request for five clicks at once', async () => {
    const { cookie } = await ask(50);
    const all = await Promise.all(Array.from({ length: 5 }, () => post(60, cookie)));
    expect(all.map(({ status }) => status).sort()).toEqual([200, 200, 200, 200, 201]);
    expect(new Set(all.map((one) => (one.json() as PostRequestReply).request_id)).size).toBe(1);
  });
});

describe('what stands around requests', () => {
  test('GET /insurers says how each is; what nobody said lately is unknown', async () => {
    const states = async () => {
      const answer = (await call('GET', `${API}/insurers`)).json();
      expect(checker(InsurersReply)(answer).ok).toBe(true);
      return (answer as InsurersReply).insurers.map(({ insurer_id, state }) => `${insurer_id} ${state}`);
    };
    expect(await states()).toEqual(['alpha unknown', 'beta unknown']);
    const limits = { rate_per_s: 1, burst: 1, concurrency: 1 };
    const state = { insurer_id: 'alpha', state: 'degraded', breaker: 'open', breaker_mode: 'auto', limits, pods: 1 };
    const old = new Date(Date.now() - 60_000).toISOString();
    await redis.hset(INSURER_STATE_KEY, 'alpha', JSON.stringify({ ...state, at: new Date().toISOString() }), 'beta', JSON.stringify({ ...state, insurer_id: 'beta', at: old }));
    await until(async () => (await states())[0] === 'alpha degraded');
    expect(await states()).toEqual(['alpha degraded', 'beta unknown']);
  });

  test('GET /tariffs names the tables in force on a day', async () => {
    const answer = await call('GET', `${API}/tariffs?on=2026-12-01`);
    expect([answer.status, checker(TariffsReply)(answer.json()).ok]).toEqual([200, true]);
    expect((await call('GET', `${API}/tariffs`)).status).toBe(200);
    expect((await call('GET', `${API}/tariffs?on=2026-13-01`)).status).toBe(400);
    expect((await call('POST', `${API}/tariffs`)).status).toBe(405);
  });
});
