/** The history over a real socket, from a real Postgres; the test is the log. */
import { randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { checker, type LegEvent, RequestHistory } from '@osago/contracts';
import { classOf } from '@osago/quotes';
import fc from 'fast-check';
import { Access } from './access.ts';
import { getHistory } from './get-history.ts';
import { answerProblem, type HttpProblem } from './problem.ts';
import { RequestCommands } from './request-commands.ts';
import { RequestReader } from './request-reader.ts';
import { RequestStore, type StoredRequest, submittedEvent } from './request-store.ts';
import { Showcase } from './showcase.ts';
import { Cleanup, leg } from './testing-events.ts';
import { closeServer, type Exchange, fetchAll, listen } from './testing-http.ts';
import { createKeys, migratedDatabase, submissionOf, type TestDatabase, type TestKeys } from './testing-parts.ts';

const isHistory = checker(RequestHistory);
const cleanup = new Cleanup();
afterEach(() => cleanup.run());

let database: TestDatabase;
let keys: TestKeys;
beforeAll(async () => {
  database = await migratedDatabase(process.env['DATABASE_URL']);
  keys = await createKeys();
}, 60_000);
afterAll(() => database.close());

const OLD_KEY = Buffer.alloc(32, 1);
const NEW_KEY = Buffer.alloc(32, 2);

const setup = async ({ nowMs = Date.now(), accessKeys = new Map([['k1', OLD_KEY]]) } = {}) => {
  const deps = { pool: database.pool, logKeys: keys.log, storeKeys: keys.store };
  const store = new RequestStore(deps);
  const commands = new RequestCommands(deps);
  const showcase = new Showcase();
  const access = new Access(accessKeys);
  const reader = new RequestReader({ showcase, store, pool: database.pool });
  const history = getHistory({ access, reader, pool: database.pool, clock: { nowMs: () => nowMs } });
  const server = createServer((request, response) => {
    const query = new URLSearchParams(request.url?.split('?')[1]);
    history(query, request, response).catch((error: unknown) => answerProblem(response, error as HttpProblem));
  });
  const origin = await listen(server);
  cleanup.add(() => closeServer(server));
  const ownerId = randomBytes(16).toString('base64url');
  const submit = async (seed = 1, owner = ownerId): Promise<StoredRequest> => {
    const result = await store.submit(submissionOf(seed, { owner_mac: access.mac('owner', owner) }));
    if (result.kind !== 'created') throw new Error(`${result.kind}, not created`);
    return result.request;
  };
  const get = (query = '', owner = ownerId): Promise<Exchange> =>
    fetchAll(`${origin}/${query}`, { headers: { cookie: `osago_owner=${owner}` } });
  const page = async (query = '', owner = ownerId): Promise<RequestHistory> => {
    const answer = await get(query, owner);
    const checked = isHistory(answer.json());
    if (answer.status !== 200 || !checked.ok) throw new Error(`${answer.status} ${answer.text()}`);
    return checked.value;
  };
  return { access, commands, get, origin, ownerId, page, showcase, submit };
};

const archive = async (event: LegEvent): Promise<void> => {
  const { request_id, insurer_id, attempt, status, fence, step } = event.data;
  await database.pool.query('INSERT INTO legs VALUES ($1, $2, $3, $4, $5, $6, $7, $8)', [
    request_id, insurer_id, attempt, classOf(status), fence, step, event.id, JSON.stringify(event),
  ]);
};

const priced = ({ request_id }: StoredRequest, insurer_id: string, total_kopecks: number): LegEvent =>
  leg(insurer_id, 'quoted', { request_id, members: { premium_kopecks: total_kopecks, total_kopecks } });

describe('the history', () => {
  test('lists the requests of this browser, newest first, and of no other', async () => {
    const { page, submit } = await setup();
    const stranger = randomBytes(16).toString('base64url');
    const requests = [await submit(1), await submit(2), await submit(3)];
    await submit(4, stranger);
    const { requests: items, next_cursor } = await page();
    expect(items.map(({ request_id }) => request_id)).toEqual(requests.map(({ request_id }) => request_id).reverse());
    expect(next_cursor).toBeUndefined();
    expect((await page('', stranger)).requests).toHaveLength(1);
  });

  test('says of each how it stands, what came, the best price and where to go on', async () => {
    const { page, submit } = await setup();
    const request = await submit();
    await archive(priced(request, 'alpha', 520_000));
    await archive(leg('beta', 'declined', request));
    const self = `/api/osago/requests/${request.request_id}`;
    expect((await page()).requests).toEqual([
      {
        request_id: request.request_id,
        status: 'completed',
        accepted_at: request.accepted_at,
        deadline_at: request.deadline_at,
        progress: { total: 2, answered: 2, waiting: 0 },
        counts: { quoted: 1, declined: 1 },
        best_total_kopecks: 520_000,
        access_token: expect.stringMatching(/^v1\./),
        links: { self, stream: `${self}/stream`, quotes: `${self}/quotes` },
      },
    ]);
  });

  test('takes the lowest total of those that are offers, and no estimate', async () => {
    const { page, submit } = await setup();
    const two = await submit(1);
    await archive(priced(two, 'alpha', 520_000));
    await archive(priced(two, 'beta', 480_000));
    const estimated = await submit(2);
    await archive(leg('alpha', 'estimated', { ...estimated, members: { premium_kopecks: 1, total_kopecks: 1 } }));
    const [ofEstimated, ofTwo] = (await page()).requests;
    expect(ofTwo?.best_total_kopecks).toBe(480_000);
    expect(ofEstimated).not.toHaveProperty('best_total_kopecks');
  });

  test('counts no price that has expired', async () => {
    const { page, submit } = await setup();
    const request = await submit();
    const expired = { premium_kopecks: 400_000, total_kopecks: 400_000, valid_until: new Date(Date.now() - 1_000).toISOString() };
    await archive(leg('alpha', 'quoted', { ...request, members: expired }));
    await archive(priced(request, 'beta', 480_000));
    expect((await page()).requests[0]?.best_total_kopecks).toBe(480_000);
  });

  test('ends by the clock what nobody answered, and by a cancel what was cancelled', async () => {
    const { commands, page, submit } = await setup({ nowMs: Date.now() + 120_000 });
    await submit(1);
    const cancelled = await submit(2);
    await commands.cancelRequest({ request_id: cancelled.request_id, traceparent: '' });
    const { requests } = await page();
    expect(requests.map(({ status, counts }) => [status, counts])).toEqual([
      ['cancelled', { cancelled: 2 }],
      ['no_offers', { timeout: 2 }],
    ]);
  });

  test('shows what this pod has seen before the archive has it, and leaves the showcase as it is', async () => {
    const { page, showcase, submit } = await setup();
    const [seen, other] = [await submit(1), await submit(2)];
    showcase.load([submittedEvent(seen, ''), priced(seen, 'alpha', 300_000)], seen.partition, [-1, 7, -1]);
    await archive(priced(other, 'beta', 400_000));
    const { requests } = await page();
    expect(requests.map(({ best_total_kopecks }) => best_total_kopecks)).toEqual([400_000, 300_000]);
    expect(showcase.size).toBe(1);
  });

  test('is empty without a cookie, and with one that is none of ours', async () => {
    const { get, origin, submit } = await setup();
    await submit();
    const without = await fetchAll(origin);
    expect([without.status, without.json()]).toEqual([200, { requests: [] }]);
    expect(without.headers['cache-control']).toBe('private, no-store');
    expect((await get('', "x' OR true --")).json()).toEqual({ requests: [] });
    expect((await get('', randomBytes(16).toString('base64url'))).json()).toEqual({ requests: [] });
  });

  test('has no personal data', async () => {
    const { get, submit } = await setup();
    await submit(5);
    const text = (await get()).text();
    const { contacts, vehicle } = submissionOf(5).application;
    expect(text).toContain('accepted_at');
    for (const word of [contacts.phone, contacts.email, vehicle.document.number, vehicle.brand]) expect(text).not.toContain(word);
  });

  test('finds what was stored under an older key', async () => {
    const before = await setup();
    await before.submit();
    const after = await setup({ accessKeys: new Map([['k2', NEW_KEY], ['k1', OLD_KEY]]) });
    expect((await after.page('', before.ownerId)).requests).toHaveLength(1);
  });
});

describe('pages', () => {
  test.each([
    ['?limit=0', ['/limit']],
    ['?limit=101', ['/limit']],
    ['?limit=ten', ['/limit']],
    ['?limit=', ['/limit']],
    ['?limit=1.5', ['/limit']],
    ['?cursor=', ['/cursor']],
    ['?cursor=garbage', ['/cursor']],
    [`?cursor=${Buffer.from('123 not-a-uuid').toString('base64url')}`, ['/cursor']],
    ['?limit=-1&cursor=x', ['/limit', '/cursor']],
  ])('of %s are a 400 that names every fault', async (query, pointers) => {
    const { get } = await setup();
    const answer = await get(query);
    expect([answer.status, answer.headers['content-type']]).toEqual([400, 'application/problem+json']);
    expect((answer.json() as { errors: { pointer: string }[] }).errors.map(({ pointer }) => pointer)).toEqual(pointers);
  });

  test('are twenty long unless asked for otherwise, at most a hundred', async () => {
    const { page, submit } = await setup();
    for (let seed = 0; seed < 23; seed += 1) await submit(seed);
    const first = await page();
    expect(first.requests).toHaveLength(20);
    const rest = await page(`?cursor=${first.next_cursor}`);
    expect([rest.requests.length, rest.next_cursor]).toEqual([3, undefined]);
    expect((await page('?limit=100')).requests).toHaveLength(23);
    expect((await page('?limit=23')).next_cursor).toBeUndefined();
  });

  test('put together are the whole list without gap or repeat, whatever comes meanwhile and however many are of one moment', async () => {
    const { access, page, submit } = await setup();
    const property = fc.asyncProperty(
      fc.record({ count: fc.integer({ min: 0, max: 12 }), limit: fc.integer({ min: 1, max: 5 }), moments: fc.integer({ min: 1, max: 4 }) }),
      async ({ count, limit, moments }) => {
        const owner = randomBytes(16).toString('base64url');
        for (let seed = 0; seed < count; seed += 1) await submit(seed, owner);
        await database.pool.query(
          `UPDATE requests SET accepted_at = date_trunc('hour', accepted_at) - (('x' || substr(md5(request_id::text), 1, 4))::bit(16)::integer % $2) * interval '1 s'
           WHERE owner_mac = $1`,
          [access.mac('owner', owner), moments],
        );
        const whole = (await page('?limit=100', owner)).requests.map(({ request_id }) => request_id);
        expect(whole).toHaveLength(count);
        const put: string[] = [];
        let cursor: string | undefined;
        do {
          const { requests, next_cursor } = await page(`?limit=${limit}${cursor === undefined ? '' : `&cursor=${cursor}`}`, owner);
          put.push(...requests.map(({ request_id }) => request_id));
          cursor = next_cursor;
          await submit(1, owner);
        } while (cursor !== undefined);
        expect(put).toEqual(whole);
      },
    );
    await fc.assert(property, { numRuns: 15 });
  }, 60_000);

  test('are found by the index, however many requests there are', async () => {
    const { rows } = await database.pool.query<{ indexdef: string }>(`SELECT indexdef FROM pg_indexes WHERE indexname = 'requests_history'`);
    expect(rows[0]?.indexdef).toContain('(owner_mac, accepted_at DESC, request_id DESC)');
  });
});
