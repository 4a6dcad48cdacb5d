import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from '@jest/globals';
import { sampleApplication } from '@osago/quotes';
import { createLog, runServices } from '@osago/service-kit';
import { loadProfiles, type Profile } from './profile.ts';
import { createSimulator, simulatorService } from './server.ts';
import { SimulatedInsurer } from './simulated-insurer.ts';

const PROFILES = loadProfiles(join(import.meta.dirname, '..', 'profiles.yaml'));
const REQUEST_ID = '0b0c8b3e-6a2f-4c57-9a55-0a2f2f4d7c11';
const application = sampleApplication(1, '2026-11-21');
const body = JSON.stringify({ request_id: REQUEST_ID, application });

const opened: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of opened.splice(0)) await close();
});

interface Answer {
  status: number;
  headers: Headers;
  // The tests say which shape they expect.
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  body: any;
}

const setup = async ({ profiles = PROFILES, speed = 1 }: { profiles?: Profile[]; speed?: number } = {}) => {
  const clock = {
    ms: Date.parse('2026-11-21T09:00:00Z'),
    nowMs: () => clock.ms,
  };
  const server = createSimulator(clock, { profiles, seed: 1, speed });
  server.listen(0);
  await once(server, 'listening');
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  opened.push(async () => {
    server.close();
    server.closeAllConnections();
    await once(server, 'close');
  });
  const call = async (path: string, init: RequestInit = {}): Promise<Answer> => {
    const response = await fetch(`${origin}${path}`, init);
    return { status: response.status, headers: response.headers, body: await response.json() };
  };
  const post = (insurerId: string, key?: string, sent: string = body): Promise<Answer> =>
    call(`/${insurerId}/applications`, {
      method: 'POST',
      body: sent,
      headers: key === undefined ? {} : { 'idempotency-key': key },
    });
  return { clock, server, origin, call, post };
};

const changed = (insurerId: string, given: Partial<Profile>): Profile[] =>
  PROFILES.map((profile) => (profile.insurer_id === insurerId ? { ...profile, ...given } : profile));

test('one more insurer is one more entry of the file: nothing else knows it', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'osago-profiles-'));
  const file = join(folder, 'profiles.yaml');
  const market = readFileSync(join(import.meta.dirname, '..', 'profiles.yaml'), 'utf8');
  writeFileSync(file, `${market}\n- { insurer_id: omega, name: Омега, base_rate_position: 0.3, latency: { p50_ms: 10, p95_ms: 20 } }\n`);
  try {
    const { call, clock, post } = await setup({ profiles: loadProfiles(file) });
    const { application_id } = (await post('omega', 'k')).body as { application_id: string };
    clock.ms += 1_000;
    expect((await call(`/omega/quotes/${application_id}`)).body).toMatchObject({ status: 'ready' });
    expect((await call('/admin/counters/omega')).body).toMatchObject({ posts: 1, posts_by_key: { k: 1 } });
  } finally {
    rmSync(folder, { recursive: true });
  }
});

describe('POST /<insurer>/applications', () => {
  test('answers 201 pending, and polls show the answer when its time has come', async () => {
    const { clock, call, post } = await setup({ profiles: changed('alfa', { declined_share: 0 }) });
    const created = await post('alfa', 'k1');
    expect(created).toMatchObject({ status: 201, body: { status: 'pending' } });
    const path = `/alfa/quotes/${created.body.application_id}`;
    expect(await call(path)).toMatchObject({ status: 200, body: { status: 'pending' } });
    clock.ms += 60_000;
    expect(await call(path)).toMatchObject({ status: 200, body: { status: 'ready', quote: { pool: false } } });
  });

  test('answers in the reply where the insurer is synchronous', async () => {
    const { post } = await setup({ profiles: changed('epsilon', { declined_share: 0 }), speed: 100_000 });
    expect(await post('epsilon', 'k1')).toMatchObject({ status: 200, body: { status: 'ready' } });
  });

  test('answers 422 where a synchronous insurer declines', async () => {
    const { post } = await setup({ profiles: changed('epsilon', { declined_share: 1 }), speed: 100_000 });
    expect(await post('epsilon', 'k1')).toMatchObject({
      status: 422,
      body: { status: 'declined', reason: { code: 'other' } },
    });
  });

  test('makes no second application for the same key, and counts the attempt', async () => {
    const { call, post } = await setup();
    const [first, again, other] = [await post('alfa', 'k1'), await post('alfa', 'k1'), await post('alfa', 'k2')];
    expect(again.body).toEqual(first.body);
    expect(other.body.application_id).not.toBe(first.body.application_id);
    expect((await call('/admin/counters')).body.alfa).toEqual({
      calls: 3,
      posts: 3,
      duplicate_posts: 1,
      polls: 0,
      limited: 0,
      faulted: 0,
      in_flight_max: 1,
      per_second_max: 3,
      by_idempotency_key_max: 2,
    });
    expect((await call('/admin/counters/alfa')).body.posts_by_key).toEqual({ k1: 2, k2: 1 });
  });

  test('counts the calls that are open at once', async () => {
    const profiles = changed('epsilon', { declined_share: 0, latency: { p50_ms: 600_000, p95_ms: 600_000 } });
    const { call, origin, server } = await setup({ profiles });
    const leave = new AbortController();
    const gone: Promise<void>[] = [];
    for (const open of [1, 2, 3]) {
      const seen = once(server, 'request');
      const init = { method: 'POST', body, signal: leave.signal };
      gone.push(expect(fetch(`${origin}/epsilon/applications`, init)).rejects.toThrow('aborted'));
      await seen;
      expect((await call('/admin/counters')).body.epsilon.in_flight_max).toBe(open);
    }
    leave.abort();
    await Promise.all(gone);
  });

  test('takes the request id for the key where none is sent', async () => {
    const { call, post } = await setup();
    expect((await post('alfa')).body).toEqual((await post('alfa')).body);
    expect((await call('/admin/counters')).body.alfa.duplicate_posts).toBe(1);
  });

  test.each([
    ['no JSON', '{', ''],
    ['a member that is missing', JSON.stringify({ application }), '/request_id'],
    ['a member that is wrong', JSON.stringify({ request_id: REQUEST_ID, application: 1 }), '/application'],
  ])('answers 400 to %s and names it', async (_, sent, pointer) => {
    const { post } = await setup();
    expect(await post('alfa', 'k1', sent)).toMatchObject({ status: 400, body: { errors: [{ pointer }] } });
  });

  test('answers 413 to more than 256 KB, also without a length in the header', async () => {
    const { call, post, origin } = await setup();
    const large = 'x'.repeat(256 * 1024 + 1);
    expect(await post('alfa', 'k1', large)).toMatchObject({ status: 413 });
    const streamed = await fetch(`${origin}/alfa/applications`, {
      method: 'POST',
      body: new Blob([large]).stream(),
      duplex: 'half',
    });
    expect(streamed.status).toBe(413);
    expect((await call('/admin/counters')).body.alfa.posts).toBe(0);
  });
});

describe('GET /<insurer>/quotes/<application>', () => {
  test('answers 404 to an unknown id, also to one of another insurer', async () => {
    const { call, post } = await setup();
    const { application_id } = (await post('alfa', 'k1')).body;
    expect(await call('/alfa/quotes/alfa-0')).toMatchObject({ status: 404 });
    expect(await call(`/beta/quotes/${application_id}`)).toMatchObject({ status: 404 });
  });

  test('hints with a pending answer when to ask again, sooner at a higher speed', async () => {
    const { call, post } = await setup({ speed: 10 });
    const { application_id } = (await post('beta', 'k1')).body;
    expect((await call(`/beta/quotes/${application_id}`)).headers.get('retry-after')).toBe('0.2');
  });
});

describe('an insurer with a rate limit', () => {
  test('answers 429 with Retry-After above its rate, and again 200 a second later', async () => {
    const { clock, post } = await setup({
      profiles: changed('eta', { limit: { rate_per_s: 2, retry_after_s: 1 } }),
    });
    const statuses = [await post('eta', 'k1'), await post('eta', 'k2'), await post('eta', 'k3')];
    expect(statuses.map(({ status }) => status)).toEqual([201, 201, 429]);
    expect(statuses[2]?.headers.get('retry-after')).toBe('1');
    clock.ms += 1_000;
    expect((await post('eta', 'k3')).status).toBe(201);
  });
});

describe('what is asked wrongly', () => {
  test.each([
    ['GET', '/nobody/quotes/1', 404],
    ['GET', '/alfa', 404],
    ['GET', '/', 404],
    ['GET', '/alfa/quotes/1/2', 404],
    ['GET', '/alfa/applications', 405],
    ['DELETE', '/alfa/quotes/1', 405],
    ['POST', '/admin/counters', 405],
  ])('%s %s is a %d', async (method, path, status) => {
    const { call } = await setup();
    expect((await call(path, { method })).status).toBe(status);
  });
});

describe('memory', () => {
  const insurerWith = (rememberedMax: number) => {
    const clock = { ms: 0, nowMs: () => clock.ms };
    const behaviour = { profile: PROFILES[0]!, seed: 1, speed: 1 };
    return { clock, insurer: new SimulatedInsurer(behaviour, clock, { rememberedMax }) };
  };

  test('forgets the oldest application when one too many arrives', () => {
    const { insurer } = insurerWith(2);
    const ids = ['a', 'b', 'c'].map((key) => insurer.receive({ key, application }, insurer.mark('post', key)).plan.applicationId);
    expect(ids.map((id) => insurer.knownById(id) !== undefined)).toEqual([false, true, true]);
  });

  test('forgets an application after ten minutes', () => {
    const { clock, insurer } = insurerWith(100);
    const { plan } = insurer.receive({ key: 'a', application }, insurer.mark('post', 'a'));
    clock.ms = 600_000;
    insurer.receive({ key: 'b', application }, insurer.mark('post', 'b'));
    expect(insurer.knownById(plan.applicationId)).toBeUndefined();
  });
});

describe('simulatorService', () => {
  test('listens until it is stopped, and cuts a call that is still open', async () => {
    const clock = { nowMs: () => 0 };
    const profiles = changed('epsilon', { latency: { p50_ms: 600_000, p95_ms: 600_000 } });
    const server = createSimulator(clock, { profiles, seed: 1, speed: 1 });
    const stop = new AbortController();
    const log = createLog('test', 'silent');
    const running = runServices([simulatorService(server, log, { port: 0 })], {
      log,
      stopTimeoutMs: 1_000,
      stop: stop.signal,
    });
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const open = fetch(`http://127.0.0.1:${port}/epsilon/applications`, { method: 'POST', body });
    const cut = expect(open).rejects.toThrow('fetch failed');
    await once(server, 'request');
    stop.abort();
    await cut;
    expect(await running).toBe('stopped');
  });
});
