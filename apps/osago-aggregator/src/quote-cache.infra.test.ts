import { afterEach, describe, expect, test } from '@jest/globals';
import type { Application, InsurerQuote } from '@osago/contracts';
import type { InsurerReply } from '@osago/quotes';
import { APPLICATION, ScriptedInsurer, until } from './aggregator-given.ts';
import { QuoteCache } from './quote-cache.ts';
import { cleanUp, connect, connectedStore } from './redis-given.ts';
import { RememberingInsurer } from './remembering-insurer.ts';

const { REDIS_URL = '' } = process.env;
const NOW_MS = Date.parse('2026-11-21T09:00:00Z');
const QUOTE: InsurerQuote = { premium_kopecks: 700_000, valid_until: '2026-11-21T21:00:00.000Z' };

afterEach(cleanUp);

const setup = async (quote: InsurerQuote, { hours = 24, reply = undefined as InsurerReply | undefined } = {}) => {
  const { store } = await connectedStore(REDIS_URL);
  const clock = { ms: NOW_MS, nowMs: () => clock.ms };
  const insurerId = `test-${crypto.randomUUID().slice(0, 8)}`;
  const scripted = new ScriptedInsurer({ post: [reply ?? { kind: 'quoted', quote }], poll: [{ kind: 'quoted', quote }] });
  const pod = (key = 'a key of its own') => {
    const cache = new QuoteCache({ redis: store, clock, key: Buffer.from(key) }, { insurerId, hours });
    return new RememberingInsurer({ inner: scripted, clock, cache });
  };
  const options = () => ({ signal: new AbortController().signal, startByMs: NOW_MS + 60_000 });
  const post = (application: Application = APPLICATION, insurer = pod()) =>
    insurer.post({ request_id: 'r', idempotencyKey: 'k', application }, options());
  const redis = connect(REDIS_URL);
  const kept = async () => {
    const [key = ''] = await redis.keys(`*${insurerId}*`);
    return key === '' ? undefined : { key, text: (await redis.get(key)) ?? '', ttlMs: await redis.pttl(key) };
  };
  return { clock, scripted, pod, post, kept, options };
};

const isCached = (reply: InsurerReply): boolean => 'cached_at' in reply;

describe('a quote', () => {
  test('is given again for the same content, with the time it is of, whoever asks', async () => {
    const { post, scripted, kept, clock } = await setup(QUOTE);
    expect(await post()).toEqual({ kind: 'quoted', quote: QUOTE });
    await until('it is kept', async () => (await kept()) !== undefined);
    clock.ms += 3_600_000;
    const again: Application = { ...APPLICATION, contacts: { phone: '+79990000000', email: 'another@example.org' } };
    expect(await post(again)).toEqual({ kind: 'quoted', quote: QUOTE, cached_at: '2026-11-21T09:00:00.000Z' });
    expect(scripted.posts).toHaveLength(1);
  });

  test('that came with a poll is kept too', async () => {
    const { pod, post, options, kept } = await setup(QUOTE, { reply: { kind: 'accepted', application_id: 'a' } });
    const insurer = pod();
    await post(APPLICATION, insurer);
    await insurer.poll('a', options());
    await until('it is kept', async () => (await kept()) !== undefined);
    expect(isCached(await post())).toBe(true);
  });

  test('is not given for other content, nor under another key', async () => {
    const { post, pod, kept } = await setup(QUOTE);
    await post();
    await until('it is kept', async () => (await kept()) !== undefined);
    expect(isCached(await post({ ...APPLICATION, vehicle: { ...APPLICATION.vehicle, year: 2001 } }))).toBe(false);
    expect(isCached(await post(APPLICATION, pod('another key')))).toBe(false);
  });

  test('is given no longer than it is valid', async () => {
    const { post, clock, kept } = await setup(QUOTE);
    await post();
    await until('it is kept', async () => (await kept()) !== undefined);
    expect((await kept())?.ttlMs).toBeLessThanOrEqual(12 * 3_600_000);
    clock.ms = Date.parse('2026-11-21T20:59:59Z');
    expect(isCached(await post())).toBe(true);
    clock.ms = Date.parse('2026-11-21T21:00:00Z');
    expect(isCached(await post())).toBe(false);
  });

  test.each<[string, string, Partial<Application>, number]>([
    ['of the start of its policy', '2026-11-21T18:00:00Z', { policy_start_date: '2026-11-22' }, 3],
    ['of 1 April, when the KBM of drivers changes', '2027-03-31T19:00:00Z', { policy_start_date: '2027-04-20' }, 2],
  ])('is never kept beyond the moment %s, whatever its insurer says', async (_, at, change, hoursLeft) => {
    const { post, clock, kept } = await setup({ premium_kopecks: 700_000, valid_until: '2027-12-01T00:00:00Z' });
    clock.ms = Date.parse(at);
    await post({ ...APPLICATION, ...change });
    await until('it is kept', async () => (await kept()) !== undefined);
    expect((await kept())?.ttlMs).toBeLessThanOrEqual(hoursLeft * 3_600_000);
    clock.ms += hoursLeft * 3_600_000;
    expect(isCached(await post({ ...APPLICATION, ...change }))).toBe(false);
  });

  test('is given no longer than the hours of its insurer', async () => {
    const { post, kept } = await setup({ premium_kopecks: 700_000 }, { hours: 2 });
    await post();
    await until('it is kept', async () => (await kept()) !== undefined);
    expect((await kept())?.ttlMs).toBeLessThanOrEqual(2 * 3_600_000);
  });

  test('leaves nothing of a person in Redis', async () => {
    const { post, kept } = await setup(QUOTE);
    await post();
    await until('it is kept', async () => (await kept()) !== undefined);
    const { key = '', text = '' } = (await kept()) ?? {};
    expect(JSON.parse(text)).toEqual({ quote: QUOTE, cached_at: '2026-11-21T09:00:00.000Z' });
    const { drivers, owner, vehicle } = APPLICATION;
    for (const [word] of [[vehicle.vin], [vehicle.plate], ...[owner, ...drivers].map((one) => [JSON.stringify(one)])]) {
      expect(`${key} ${text}`).not.toContain(word ?? 'none');
    }
  });
});

test('a price that cannot be one for the application is malformed, and is not kept', async () => {
  const { post, pod, options, kept } = await setup({ premium_kopecks: 7_000 });
  expect(await post()).toMatchObject({ kind: 'fault', fault: 'malformed' });
  const other = await setup({ premium_kopecks: 900_000_000 }, { reply: { kind: 'accepted', application_id: 'a' } });
  const insurer = other.pod();
  await other.post(APPLICATION, insurer);
  expect(await insurer.poll('a', other.options())).toMatchObject({ kind: 'fault', fault: 'malformed' });
  // Of an application that another pod has posted nothing is known, so nothing is said.
  expect(await pod().poll('a', options())).toMatchObject({ kind: 'quoted' });
  expect(await kept()).toBeUndefined();
});
