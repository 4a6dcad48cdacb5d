/** What POST checks and hands on, over a real socket; what it stores: request-store.infra.test.ts. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, describe, expect, test } from '@jest/globals';
import type { Application, Fault, Person, PostRequestReply, Problem } from '@osago/contracts';
import fc from 'fast-check';
import { canonicalJson } from './post-request.ts';
import { PostgresAwayError } from './postgres-away.ts';
import { startTestApi } from './testing-api.ts';
import { at, Cleanup, PARTITION, REQUEST_ID, submitted, timestamp } from './testing-events.ts';
import { type Exchange, fetchAll } from './testing-http.ts';

const cleanup = new Cleanup();
afterEach(() => cleanup.run());

const PATH = '/api/osago/requests';
const KEY = '6f1c2b1e-93a5-4a8f-8b8e-0f6b7f3b8a11';
const EXAMPLE = join(import.meta.dirname, '../../../docs/examples/application.json');

const setup = async () => {
  const api = await startTestApi(cleanup);
  const application = JSON.parse(await readFile(EXAMPLE, 'utf8')) as Application & { owner: Person };
  const post = (body: unknown, headers: Readonly<Record<string, string>> = {}): Promise<Exchange> =>
    fetchAll(`${api.origin}${PATH}`, { method: 'POST', headers, body: JSON.stringify(body) });
  return { ...api, application, post };
};

const faultsOf = (answer: Exchange): [pointer: string, code: string][] => {
  expect([answer.status, answer.headers['content-type']]).toEqual([400, 'application/problem+json']);
  return ((answer.json() as Problem).errors ?? []).map(({ pointer, code }: Fault) => [pointer, code]);
};

describe('canonicalJson', () => {
  test('is the same whatever the order of members, at every depth', () => {
    expect(canonicalJson({ b: [{ d: 1, c: 2 }], a: null })).toBe('{"a":null,"b":[{"c":2,"d":1}]}');
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (value) => {
        const turned = Object.fromEntries(Object.entries(value).reverse());
        expect(canonicalJson(turned)).toBe(canonicalJson(value));
        expect(canonicalJson(JSON.parse(canonicalJson(value)))).toBe(canonicalJson(value));
      }),
    );
  });

  test('is another for another content, order of an array included', () => {
    expect(canonicalJson([1, 2])).not.toBe(canonicalJson([2, 1]));
    expect(canonicalJson({ a: 1 })).not.toBe(canonicalJson({ a: '1' }));
  });
});

describe('while Postgres is away', () => {
  test('POST is a 503 that says when to come back, not a fault of ours', async () => {
    const { application, post, store } = await setup();
    store.submit = () => Promise.reject(new PostgresAwayError('Postgres cannot be asked now'));
    const answer = await post(application);
    expect([answer.status, answer.headers['retry-after']]).toEqual([503, '2']);
  });
});

describe('a good application', () => {
  test('is answered with all that a page needs, and its cookies', async () => {
    const { access, application, post } = await setup();
    const answer = await post({ ...application, request_id: REQUEST_ID.toUpperCase() });
    const path = `${PATH}/${REQUEST_ID}`;
    expect(answer.status).toBe(201);
    expect(answer.headers).toMatchObject({ location: path, 'cache-control': 'private, no-store', 'content-type': 'application/json' });
    expect(answer.json()).toEqual({
      request_id: REQUEST_ID,
      status: 'in_progress',
      accepted_at: timestamp(0),
      deadline_at: timestamp(60_000),
      panel: [
        { insurer_id: 'alpha', name: 'ALPHA' },
        { insurer_id: 'beta', name: 'BETA' },
      ],
      access_token: access.token(REQUEST_ID),
      cursor: `1_e1_${REQUEST_ID}_${PARTITION}_-1_-1_-1_1_o`,
      warnings: [{ pointer: '/vehicle/vin', code: 'vin_check_digit', detail: expect.stringContaining('check digit') as unknown }],
      links: { self: path, stream: `${path}/stream`, quotes: `${path}/quotes` },
    });
    expect(answer.headers['set-cookie']).toHaveLength(2);
  });

  test('goes to the relay and into the showcase, so this pod shows it before the log does', async () => {
    const { application, authorization, origin, post, sent } = await setup();
    const { cursor } = (await post({ ...application, request_id: REQUEST_ID })).json() as PostRequestReply;
    expect(sent).toHaveLength(1);
    const quotes = await fetchAll(`${origin}${PATH}/${REQUEST_ID}/quotes?cursor=${cursor}`, { headers: authorization });
    expect([quotes.status, quotes.json()]).toEqual([200, expect.objectContaining({ status: 'in_progress' })]);
  });

  test('is stored with its keys, with macs in the place of owner and body, and with what pricing needs', async () => {
    const { access, application, post, store } = await setup();
    const owner = 'A'.repeat(22);
    await post({ ...application, request_id: REQUEST_ID }, { 'idempotency-key': KEY.toUpperCase(), cookie: `osago_owner=${owner}` });
    expect(store.submissions).toEqual([
      expect.objectContaining({
        request_id: REQUEST_ID,
        idempotency: [
          { scope: 'key', key: KEY },
          { scope: 'request', key: REQUEST_ID },
        ],
        owner_mac: access.mac('owner', owner),
        body_mac: access.mac('body', canonicalJson(application)),
        application,
        tariff: expect.objectContaining({ policy_start_date: '2026-11-24' }),
      }),
    ]);
  });

  test('without a key makes a new request each time', async () => {
    const { application, post, store } = await setup();
    await post(application);
    await post(application);
    const [first, second] = store.submissions;
    expect([first?.idempotency, second?.idempotency]).toEqual([[], []]);
    expect(first?.request_id).not.toBe(second?.request_id);
  });

  test('keeps the trace that it came with, and begins one otherwise', async () => {
    const { application, post, store } = await setup();
    const traceparent = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`;
    await post(application, { traceparent });
    await post(application, { traceparent: 'garbage' });
    expect(store.submissions[0]?.traceparent).toBe(traceparent);
    expect(store.submissions[1]?.traceparent).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/);
  });

  test('sent again is answered the same, but goes nowhere', async () => {
    const { application, post, sent, showcase, store } = await setup();
    const { accepted_at, deadline_at, panel, tariff } = submitted({ alpha: 60_000 }).data;
    const request = { request_id: REQUEST_ID, partition: PARTITION, accepted_at, deadline_at, panel, tariff };
    store.result = { kind: 'replayed', request };
    const answer = await post(application, { 'idempotency-key': KEY });
    expect([answer.status, answer.json()]).toEqual([201, expect.objectContaining({ request_id: REQUEST_ID })]);
    expect([sent.length, showcase.size]).toEqual([0, 0]);
  });

  test('under a key that means something else is a 422', async () => {
    const { application, post, store } = await setup();
    store.result = { kind: 'conflict', detail: 'the same key came with another body' };
    const answer = await post(application, { 'idempotency-key': KEY });
    expect(answer.json()).toMatchObject({ status: 422, detail: 'the same key came with another body' });
  });

  test('that cannot be stored is a 500 which says nothing of why, and is logged', async () => {
    const { application, log, post, store } = await setup();
    store.result = new Error('relation "requests" does not exist');
    const answer = await post(application);
    expect(answer.json()).toEqual({ type: 'about:blank', title: 'Something broke on our side', status: 500 });
    expect(log.lines.find(({ level }) => level === 'error')?.fields).toMatchObject({ error: store.result });
  });
});

describe('a body with faults', () => {
  test('is answered with all of them, of shape and of sense, each once with its pointer', async () => {
    const { application, clock, post, store } = await setup();
    expect(clock.nowMs()).toBe(at(0));
    const { owner, policyholder, vehicle } = application;
    const { purpose: _purpose, ...rest } = application;
    const faulty = {
      ...rest,
      'a/b~c': 1,
      request_id: '42',
      vehicle: { ...vehicle, vin: 'XTT6A53PL1N6Y93I2', year: 2030, power_hp: '98' },
      owner: { ...owner, birth_date: '2026-02-30', passport: { ...owner.passport, series: '12' } },
      policyholder: { ...policyholder, birth_date: '2010-11-21' },
      drivers: [],
      period: { months: 2 },
      policy_start_date: '2026-11-23',
      contacts: {},
    };
    expect(faultsOf(await post(faulty, { 'idempotency-key': 'mine' })).sort()).toEqual(
      [
        ['', 'bad_idempotency_key'],
        ['/a~1b~0c', 'unknown_member'],
        ['/contacts/email', 'required'],
        ['/contacts/phone', 'required'],
        ['/drivers', 'drivers_missing'],
        ['/owner/birth_date', 'bad_format'],
        ['/owner/passport/series', 'bad_format'],
        ['/period/months', 'too_small'],
        ['/policy_start_date', 'start_out_of_range'],
        ['/policyholder/birth_date', 'too_young'],
        ['/policyholder/passport/issued_on', 'passport_too_early'],
        ['/purpose', 'required'],
        ['/request_id', 'bad_format'],
        ['/vehicle/power_hp', 'wrong_type'],
        ['/vehicle/vin', 'bad_format'],
        ['/vehicle/year', 'year_in_future'],
      ].sort(),
    );
    expect(store.submissions).toEqual([]);
  });

  test.each([['null', null], ['a list', []], ['a text', 'application'], ['a number', 7], ['true', true]])(
    'that is no object at all (%s) has one fault, at its root',
    async (_, body) => {
      const { post } = await setup();
      expect(faultsOf(await post(body))).toEqual([['', 'wrong_type']]);
    },
  );

  test('that is an empty object has every required member for a fault', async () => {
    const { post } = await setup();
    const pointers = faultsOf(await post({})).map(([pointer]) => pointer);
    expect(pointers).toEqual([
      '/vehicle', '/owner', '/policyholder', '/unlimited_drivers', '/drivers', '/purpose', '/period', '/contacts', '/consents',
    ]);
  });

  test('may hold no NUL, which Postgres cannot keep, wherever it stands', async () => {
    const { application, post } = await setup();
    const { vehicle, drivers, contacts } = application;
    const faulty = {
      ...application,
      vehicle: { ...vehicle, brand: 'УАЗ\0', plate: '\0' },
      drivers: [{ ...drivers[0], last_name: '\0' }],
      contacts: { ...contacts, '\0': '\0' },
    };
    expect(faultsOf(await post(faulty)).sort()).toEqual([
      ['/contacts/\0', 'unknown_member'],
      ['/drivers/0/last_name', 'bad_format'],
      ['/vehicle/brand', 'bad_format'],
      ['/vehicle/plate', 'bad_format'],
    ]);
  });

  test.each([
    ['cut off', '{"vehicle":'],
    ['of nothing but spaces', '   '],
    ['in another encoding', Buffer.from([0xff, 0xfe, 0x7b])],
    ['that calls itself a form', 'vehicle=1'],
  ])('%s is a 400 that says so', async (_, body) => {
    const { origin } = await setup();
    const answer = await fetchAll(`${origin}${PATH}`, { method: 'POST', body });
    expect(faultsOf(answer)).toEqual([['', 'invalid_json']]);
  });

  test('that is not there is a 400', async () => {
    const { origin } = await setup();
    expect(faultsOf(await fetchAll(`${origin}${PATH}`, { method: 'POST' }))).toContainEqual(['/vehicle', 'required']);
  });

  test.each(['gzip', 'br', 'klingon'])('that is not in its content-encoding (%s) is a 400', async (encoding) => {
    const { post } = await setup();
    expect(faultsOf(await post({}, { 'content-encoding': encoding }))).toEqual([['', 'invalid_json']]);
  });

  test.each(['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data'])(
    'is JSON whatever its content type says: %s',
    async (type) => {
      const { application, post } = await setup();
      expect((await post(application, { 'content-type': type })).status).toBe(201);
    },
  );

  test.each(['mine', '', `${KEY}0`, `${KEY}, ${KEY}`])('has a key that is no UUID: %j', async (key) => {
    const { application, post } = await setup();
    expect(faultsOf(await post(application, { 'idempotency-key': key }))).toEqual([['', 'bad_idempotency_key']]);
  });
});

describe('a body over 64 KB', () => {
  const large = (application: Application, bytes: number): string => {
    const text = JSON.stringify(application);
    return text + ' '.repeat(bytes - Buffer.byteLength(text));
  };

  test('is a 413; one of exactly 64 KB is read', async () => {
    const { application, origin } = await setup();
    const send = (bytes: number): Promise<Exchange> =>
      fetchAll(`${origin}${PATH}`, { method: 'POST', body: large(application, bytes) });
    expect((await send(65_536)).status).toBe(201);
    const refused = await send(65_537);
    expect([refused.status, refused.headers['content-type']]).toEqual([413, 'application/problem+json']);
  });

  test('is a 413 also when it is small on the wire', async () => {
    const { application, origin, store } = await setup();
    const body = gzipSync(large(application, 1_000_000));
    const answer = await fetchAll(`${origin}${PATH}`, { method: 'POST', headers: { 'content-encoding': 'gzip' }, body });
    expect([answer.status, store.submissions.length]).toEqual([413, 0]);
  });
});
