/** Bad input on every field and route of a whole core-app: every answer is a fault named, never a 500. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { checker, type PostRequestReply, Problem } from '@osago/contracts';
import fc from 'fast-check';
import { INSURERS } from './testing-api.ts';
import { Cleanup } from './testing-events.ts';
import { type Exchange, fetchAll } from './testing-http.ts';
import { createKeys, ensureTopics, migratedDatabase } from './testing-parts.ts';
import { startPod, type TestPod } from './testing-pod.ts';

const isProblem = checker(Problem);
const cleanup = new Cleanup();
let pod: TestPod;
let example: unknown;

beforeAll(async () => {
  const brokers = (process.env['KAFKA_BROKERS'] ?? '').split(',');
  const partitions = await ensureTopics(brokers);
  const database = await migratedDatabase(process.env['DATABASE_URL'], { partitions });
  cleanup.add(database.close);
  example = JSON.parse(await readFile(join(import.meta.dirname, '../../../docs/examples/application.json'), 'utf8'));
  const keys = await createKeys();
  pod = await startPod(cleanup, { name: 'core-app-bad-input', databaseUrl: database.url, brokers, keys, insurers: INSURERS });
}, 60_000);
afterAll(() => cleanup.run());

const post = (body: string | Buffer, headers: Readonly<Record<string, string>> = {}): Promise<Exchange> =>
  fetchAll(`${pod.origin}/api/osago/requests`, { method: 'POST', body, headers });

/** The faults' pointers; the answer is a problem by its schema. */
const pointersOf = (answer: Exchange): string[] => {
  expect([answer.status, answer.headers['content-type']]).toEqual([400, 'application/problem+json']);
  const problem = isProblem(answer.json());
  if (!problem.ok) throw new Error(`no problem: ${answer.text()}`);
  const pointers = (problem.value.errors ?? []).map(({ pointer }) => pointer);
  expect(pointers.length).toBeGreaterThan(0);
  expect(new Set(pointers).size).toBe(pointers.length);
  return pointers;
};

type Json = Record<string, unknown>;

const everyPointer = (value: unknown, at = ''): string[] =>
  typeof value === 'object' && value !== null
    ? Object.entries(value).flatMap(([name, member]) => [`${at}/${name}`, ...everyPointer(member, `${at}/${name}`)])
    : [];

/** A copy with one member set, or taken away by `undefined`. Nothing happens where its holder is gone. */
const changed = (body: unknown, pointer: string, value: unknown): unknown => {
  const copy: unknown = JSON.parse(JSON.stringify(body));
  const names = pointer.slice(1).split('/');
  const last = names.pop()!;
  const holder = names.reduce<unknown>((held, name) => (held as Json | null | undefined)?.[name], copy);
  if (typeof holder !== 'object' || holder === null) return copy;
  if (value === undefined) Reflect.deleteProperty(holder, last);
  else (holder as Json)[last] = value;
  return copy;
};

const NASTY: readonly unknown[] = [
  undefined, null, true, false, 0, -1, 1e308, 1.5, '', ' ', '\0', 'УАЗ\0', '\ud800', '0000-01-01', '9999-12-31', '2024-02-30',
  "'; DROP TABLE requests; --", 'x'.repeat(5_000), [], [null], [[[]]], {}, { toString: 'x' }, { length: 1 },
];

describe('every field', () => {
  test('spoilt in every way is a 400 that points at it, or a value that is allowed', async () => {
    const pointers = everyPointer(example);
    expect(pointers.length).toBeGreaterThan(50);
    const allowed: string[] = [];
    for (const pointer of pointers) {
      for (const value of NASTY) {
        const answer = await post(JSON.stringify(changed(example, pointer, value)));
        if (answer.status === 201) {
          allowed.push(`${pointer} ${value === undefined ? 'left out' : JSON.stringify(value)}`);
          continue;
        }
        const faults = pointersOf(answer);
        const isAbout = faults.some((fault) => fault.startsWith(pointer) || pointer.startsWith(`${fault}/`) || fault === siblingOf(pointer));
        expect([pointer, JSON.stringify(value), isAbout]).toEqual([pointer, JSON.stringify(value), true]);
      }
    }
    // Optional members left out, names of any text: few beside the thousand faults.
    expect(allowed.length).toBeLessThan(pointers.length * 2);
    expect(allowed.filter((line) => line.includes('\\u0000'))).toEqual([]);
    expect(allowed).toContain('/owner/middle_name left out');
  }, 120_000);

  /** Where a rule that joins two members reports the spoilt one. */
  const siblingOf = (pointer: string): string | undefined =>
    ({
      '/vehicle/document/type': '/vehicle/plate',
      '/unlimited_drivers': '/drivers',
      '/owner/birth_date': '/owner/passport/issued_on',
      '/policyholder/birth_date': '/policyholder/passport/issued_on',
      '/drivers/0/birth_date': '/drivers/0/licence/experience_from',
    })[pointer];

  test('spoilt together with others is listed with them', async () => {
    const spoilt = everyPointer(example).filter((pointer) => everyPointer(example).every((other) => !other.startsWith(`${pointer}/`)));
    const body = spoilt.reduce((held, pointer) => changed(held, pointer, { is: 'wrong' }), example);
    expect(pointersOf(await post(JSON.stringify(body))).sort()).toEqual(spoilt.sort());
  });

  test('in any mixture never makes a 500', async () => {
    const pointers = everyPointer(example);
    const change = fc.tuple(fc.constantFrom(...pointers), fc.oneof(fc.constantFrom(...NASTY), fc.jsonValue({ maxDepth: 3 })));
    const bodies = fc
      .array(change, { minLength: 1, maxLength: 5 })
      .map((changes) => changes.reduce<unknown>((body, [pointer, value]) => changed(body, pointer, value), example));
    await fc.assert(
      fc.asyncProperty(bodies, async (body) => {
        const answer = await post(JSON.stringify(body));
        if (answer.status !== 201) pointersOf(answer);
      }),
      { numRuns: 300 },
    );
  }, 120_000);
});

describe('a body', () => {
  test('with bytes knocked out or in never makes a 500', async () => {
    const bytes = Buffer.from(JSON.stringify(example));
    const strike = fc.record({ at: fc.nat({ max: bytes.length }), remove: fc.nat({ max: 40 }), insert: fc.uint8Array({ maxLength: 4 }) });
    await fc.assert(
      fc.asyncProperty(strike, async ({ at, remove, insert }) => {
        const answer = await post(Buffer.concat([bytes.subarray(0, at), insert, bytes.subarray(at + remove)]));
        if (answer.status !== 201) pointersOf(answer);
      }),
      { numRuns: 300 },
    );
  }, 120_000);

  test.each([
    ['nested as deep as 64 KB allow', '['.repeat(32_000) + ']'.repeat(32_000)],
    ['with an object nested as deep', `{"vehicle":${'{"a":'.repeat(10_000)}1${'}'.repeat(10_000)}}`],
    ['with six thousand unknown members', JSON.stringify(Object.fromEntries(Array.from({ length: 6_000 }, (_, at) => [at, 0])))],
    ['with a member called __proto__', '{"__proto__":{"vehicle":1},"constructor":{"prototype":{}}}'],
    ['with a number beyond all numbers', '{"period":{"months":1e999}}'],
  ])('%s is a 400 of bounded size', async (_, body) => {
    const answer = await post(body);
    expect(pointersOf(answer).length).toBeLessThanOrEqual(100);
    expect(answer.text().length).toBeLessThan(32_768);
  });

  test('over 64 KB is a 413', async () => {
    const answer = await post(JSON.stringify(changed(example, '/vehicle/brand', 'x'.repeat(70_000))));
    expect([answer.status, isProblem(answer.json()).ok]).toEqual([413, true]);
  });
});

describe('every route', () => {
  const paths = ['', '/stream', '/quotes'];
  /** An id that vanishes leaves the list of the browser's own requests. */
  const isHistory = (path: string): boolean => /^\/api\/osago\/requests\/?$/.test(new URL(path, pod.origin).pathname);
  const strange = fc.oneof(fc.constant(''), fc.webPath(), fc.stringMatching(/^[!-~]{1,60}$/), fc.constantFrom('%zz', '%00', '%2e%2e', '..', '%'));

  test('with any id and any path answers with a problem, never a 500', async () => {
    await fc.assert(
      fc.asyncProperty(strange, fc.constantFrom(...paths), fc.constantFrom('GET', 'POST', 'PUT', 'DELETE', 'PATCH'), async (id, tail, method) => {
        const path = `/api/osago/requests/${id.replaceAll('#', '')}${tail}`;
        const answer = await fetchAll(pod.origin, { method, path });
        if (method === 'GET' && isHistory(path)) return expect(answer.status).toBe(200);
        expect([401, 404, 405, 400]).toContain(answer.status);
        expect(isProblem(answer.json()).ok).toBe(true);
      }),
      { numRuns: 300 },
    );
  }, 60_000);

  test('of a real request looks the same with a wrong token as that of an unknown one, and is a 401 without', async () => {
    const { request_id } = (await post(JSON.stringify(example))).json() as PostRequestReply;
    const unknown = request_id.replace(/.{4}$/, '0000');
    for (const tail of ['/stream', '/quotes']) {
      const answerFor = (id: string, headers = {}): Promise<Exchange> =>
        fetchAll(`${pod.origin}/api/osago/requests/${id}${tail}`, { headers });
      expect((await answerFor(request_id)).status).toBe(401);
      const wrong = await answerFor(request_id, { authorization: 'Bearer v1.k1.AAAA' });
      const nobody = await answerFor(unknown, { authorization: 'Bearer v1.k1.AAAA' });
      expect([wrong.status, wrong.text()]).toEqual([404, nobody.text()]);
    }
  });

  test('with any query and any header never makes a 500', async () => {
    const { access_token, links } = (await post(JSON.stringify(example))).json() as PostRequestReply;
    const text = fc.stringMatching(/^[ -~]{0,80}$/);
    const headers = fc.record({ 'if-none-match': text, 'last-event-id': text, cookie: text, traceparent: text });
    await fc.assert(
      fc.asyncProperty(headers, text, async (given, cursor) => {
        const url = `${pod.origin}${links.quotes}?cursor=${encodeURIComponent(cursor)}`;
        const answer = await fetchAll(url, { headers: { ...given, authorization: `Bearer ${access_token}` } });
        expect(answer.status).toBe(200);
      }),
      { numRuns: 100 },
    );
  }, 60_000);
});
