import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from '@jest/globals';
import { sampleApplication } from '@osago/quotes';
import type { Counters } from './call-counter.ts';
import { type Fault, FaultBook } from './fault.ts';
import { loadProfiles } from './profile.ts';
import { createSimulator } from './server.ts';

const PROFILES = loadProfiles(join(import.meta.dirname, '..', 'profiles.yaml'));
const REQUEST_ID = '0b0c8b3e-6a2f-4c57-9a55-0a2f2f4d7c11';
const body = JSON.stringify({ request_id: REQUEST_ID, application: sampleApplication(1, '2026-11-21') });

const opened: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of opened.splice(0)) await close();
});

const setup = async () => {
  const clock = { ms: Date.parse('2026-11-21T09:00:00Z'), nowMs: () => clock.ms };
  const profiles = PROFILES.map((profile) => ({ ...profile, declined_share: 0 }));
  const server = createSimulator(clock, { profiles, seed: 1, speed: 1 });
  server.listen(0);
  await once(server, 'listening');
  opened.push(async () => {
    server.close();
    server.closeAllConnections();
    await once(server, 'close');
  });
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const call = (path: string, init: RequestInit = {}) => fetch(`${origin}${path}`, init);
  const set = (insurerId: string, faults: unknown) =>
    call(`/admin/faults/${insurerId}`, { method: 'PUT', body: JSON.stringify(faults) });
  const post = (key: string) =>
    call('/alfa/applications', { method: 'POST', body, headers: { 'idempotency-key': key } });
  const counters = async () => (await (await call('/admin/counters/alfa')).json()) as Counters;
  const accepted = async (key: string): Promise<string> =>
    ((await (await post(key)).json()) as { application_id: string }).application_id;
  const poll = (id: string) => call(`/alfa/quotes/${id}`);
  return { clock, call, set, post, poll, accepted, counters };
};

describe('a fault that is switched on while the simulator runs', () => {
  test('outage: every connection breaks, until the fault is taken back', async () => {
    const { call, set, post } = await setup();
    await set('alfa', [{ kind: 'outage' }]);
    await expect(post('k1')).rejects.toThrow('fetch failed');
    await call('/admin/faults/alfa', { method: 'DELETE' });
    expect((await post('k1')).status).toBe(201);
  });

  test('status: a share of all calls gets a 5xx, and a repeat gets another chance', async () => {
    const { set, post, counters } = await setup();
    await set('alfa', [{ kind: 'status', status: 502, share: 0.5 }]);
    const statuses: number[] = [];
    for (let at = 0; at < 40; at += 1) statuses.push((await post('k1')).status);
    expect(new Set(statuses)).toEqual(new Set([201, 502]));
    expect((await counters()).faulted).toBe(statuses.filter((status) => status === 502).length);
  });

  test('status in bursts: whole stretches of time are bad, others good', async () => {
    const { clock, set, post } = await setup();
    await set('alfa', [{ kind: 'status', status: 500, share: 0.5, burst_ms: 10_000 }]);
    const stretches: string[] = [];
    for (let at = 0; at < 20; at += 1) {
      const statuses = [(await post(`a${at}`)).status, (await post(`b${at}`)).status];
      stretches.push(statuses.join(' '));
      clock.ms += 10_000;
    }
    expect(new Set(stretches)).toEqual(new Set(['201 201', '500 500']));
  });

  test('busy: 429 with Retry-After', async () => {
    const { set, post, counters } = await setup();
    await set('alfa', [{ kind: 'busy', retry_after_s: 7 }]);
    const answer = await post('k1');
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([429, '7']);
    expect((await counters()).limited).toBe(1);
  });

  test('reset after accept: the application is there, the answer is not; the repeat is told of it', async () => {
    const { set, post, counters } = await setup();
    await set('alfa', [{ kind: 'reset_after_accept' }]);
    await expect(post('k1')).rejects.toThrow('fetch failed');
    expect((await post('k1')).status).toBe(201);
    expect(await counters()).toMatchObject({ duplicate_posts: 1, posts_by_key: { k1: 2 } });
  });

  test('malformed JSON: the body ends in the middle', async () => {
    const { set, post } = await setup();
    await set('alfa', [{ kind: 'malformed_json' }]);
    await expect((await post('k1')).json()).rejects.toThrow('JSON');
  });

  test('slow drip: the body comes byte by byte, and the timer goes with the caller', async () => {
    const { set, accepted, call } = await setup();
    const id = await accepted('k1');
    await set('alfa', [{ kind: 'slow_drip', bytes_per_s: 200 }]);
    const reader = (await call(`/alfa/quotes/${id}`)).body!.getReader();
    const sizes: number[] = [];
    for (let at = 0; at < 3; at += 1) sizes.push(((await reader.read()).value as Uint8Array).length);
    expect(Math.max(...sizes)).toBeLessThan(20);
    await reader.cancel();
  });

  test('404 first: polls know the application only after a while', async () => {
    const { clock, set, poll, accepted } = await setup();
    await set('alfa', [{ kind: 'not_found_first', for_ms: 1_000 }]);
    const id = await accepted('k1');
    expect((await poll(id)).status).toBe(404);
    clock.ms += 1_000;
    expect((await poll(id)).status).toBe(200);
  });

  test('duplicates: the same key makes another application, and both are known', async () => {
    const { set, poll, accepted } = await setup();
    const first = await accepted('k1');
    await set('alfa', [{ kind: 'duplicates' }]);
    const second = await accepted('k1');
    expect(second).not.toBe(first);
    expect([(await poll(first)).status, (await poll(second)).status]).toEqual([200, 200]);
  });

  test('late: the answer comes so much later', async () => {
    const { clock, set, poll, accepted } = await setup();
    await set('alfa', [{ kind: 'late', by_ms: 60_000 }]);
    const id = await accepted('k1');
    clock.ms += 59_000;
    expect(await (await poll(id)).json()).toMatchObject({ status: 'pending' });
    clock.ms += 60_000;
    expect(await (await poll(id)).json()).toMatchObject({ status: 'ready' });
  });

  test('clock skew: valid_until is off by that much', async () => {
    const { clock, set, poll, accepted } = await setup();
    const id = await accepted('k1');
    clock.ms += 60_000;
    const validUntil = async (): Promise<number> => {
      const { quote } = (await (await poll(id)).json()) as { quote: { valid_until: string } };
      return Date.parse(quote.valid_until);
    };
    const before = await validUntil();
    await set('alfa', [{ kind: 'clock_skew', by_ms: -86_400_000 }]);
    expect(await validUntil()).toBe(before - 86_400_000);
  });

  test('strikes POSTs only, or polls only, where it says so', async () => {
    const { set, post, poll, accepted } = await setup();
    const id = await accepted('k1');
    await set('*', [{ kind: 'status', status: 503, calls: 'poll' }]);
    expect([(await post('k2')).status, (await poll(id)).status]).toEqual([201, 503]);
  });

  test('ends by itself after lasts_ms', async () => {
    const { clock, call, set, post } = await setup();
    await set('alfa', [{ kind: 'status', status: 500, lasts_ms: 5_000 }]);
    expect((await post('k1')).status).toBe(500);
    clock.ms += 5_000;
    expect((await post('k1')).status).toBe(201);
    expect(await (await call('/admin/faults')).json()).toMatchObject({ alfa: [] });
  });
});

describe('the admin API', () => {
  test.each([
    ['no JSON', '['],
    ['no list', '{}'],
    ['an unknown kind', '[{"kind":"gremlin"}]'],
    ['a member that is wrong', '[{"kind":"busy","retry_after_s":-1}]'],
    ['a member that does not exist', '[{"kind":"outage","when":1}]'],
  ])('answers 400 to %s, and changes nothing', async (_, sent) => {
    const { call } = await setup();
    expect((await call('/admin/faults/alfa', { method: 'PUT', body: sent })).status).toBe(400);
    expect(await (await call('/admin/faults')).json()).toMatchObject({ alfa: [] });
  });

  test.each([
    ['GET', '/admin/faults/alfa', 405],
    ['POST', '/admin/faults', 405],
    ['PUT', '/admin/faults/nobody', 404],
    ['GET', '/admin/counters/nobody', 404],
    ['DELETE', '/admin/counters/alfa', 405],
    ['GET', '/admin/counters/alfa/keys', 404],
    ['GET', '/admin/nothing', 404],
  ])('%s %s is a %d', async (method, path, status) => {
    const { call } = await setup();
    const init = method === 'PUT' ? { method, body: '[]' } : { method };
    expect((await call(path, init)).status).toBe(status);
  });

  test('DELETE /admin/counters begins anew', async () => {
    const { call, post, counters } = await setup();
    await post('k1');
    await call('/admin/counters', { method: 'DELETE' });
    expect(await counters()).toMatchObject({ calls: 0, posts: 0, per_second_max: 0 });
  });

  test('counts the most calls that began within any one second', async () => {
    const { clock, post, counters } = await setup();
    for (const waitMs of [0, 400, 400, 400, 2_000]) {
      clock.ms += waitMs;
      await post('k1');
    }
    expect((await counters()).per_second_max).toBe(3);
  });
});

describe('FaultBook', () => {
  const book = (faults: Fault[]) => new FaultBook(faults, 'seed', 1, { nowMs: () => 0 });
  const struck = (share: number): string[] => {
    const faults = book([{ kind: 'outage', calls: 'all', share }]);
    return Array.from({ length: 400 }, (_, at) => `k${at}`).filter(
      (mark) => faults.strike('outage', { call: 'post', mark }) !== undefined,
    );
  };

  test('strikes about the share that it names, the same calls each time', () => {
    expect(struck(0.25)).toEqual(struck(0.25));
    expect(struck(0.25).length / 400).toBeCloseTo(0.25, 1);
    expect([struck(0).length, struck(1).length]).toEqual([0, 400]);
  });
});
