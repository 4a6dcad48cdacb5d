/** What every adapter keeps, whatever its protocol, and what the example of a second protocol adds. */
import { once } from 'node:events';
import { afterEach, describe, expect, test } from '@jest/globals';
import { type Adapter, ADAPTERS } from './adapters.ts';
import { APPLICATION, until } from './aggregator-given.ts';
import { kopecksOf } from './instant-insurer.ts';
import { createAgent, httpCaller } from './insurer-http.ts';
import { type AnswerWith, closeLater, closeServers, json, silence, startInsurer } from './insurer-server.ts';

afterEach(closeServers);

/** How an insurer says things in its protocol, and in which header it takes the idempotency key. */
interface Dialect {
  quoted: (kopecks: number) => unknown;
  /** Of status 200 or 422. */
  declined: (code: string) => { status: number; body: unknown };
  /** A quote with a member of the wrong type. */
  mistyped: unknown;
  keyHeader: string;
}

const CALL = {
  request_id: '0b0c8b3e-6a2f-4c57-9a55-0a2f2f4d7c11',
  idempotencyKey: '0b0c8b3e-6a2f-4c57-9a55-0a2f2f4d7c11:alfa',
  application: APPLICATION,
};
/** Where no answer comes. */
const TIMEOUT_MS = 200;
/** Where one comes, from a busy machine. */
const PATIENCE_MS = 30_000;
const TOO_LONG = 257 * 1_024;

const describeAdapter = (name: string, adapter: Adapter, { quoted, declined, keyHeader, mistyped }: Dialect): void => {
  const setup = async (answer: AnswerWith, post_timeout_ms = PATIENCE_MS) => {
    const { url, asked, server } = await startInsurer(answer);
    const agent = createAgent([{}]);
    closeLater(() => agent.destroy());
    const insurer = adapter(httpCaller({ agent, nowMs: () => 0 }, `${url}/`), { post_timeout_ms });
    const stop = new AbortController();
    const post = () => insurer.post(CALL, { signal: stop.signal, startByMs: Infinity });
    return { post, stop, asked, server };
  };

  describe(`the adapter "${name}"`, () => {
    test('reads a price to the kopeck', async () => {
      for (const kopecks of [712_345, 100, 5, 999_999_99]) {
        const { post } = await setup(json(200, quoted(kopecks)));
        expect(await post()).toMatchObject({ kind: 'quoted', quote: { premium_kopecks: kopecks } });
      }
    });

    test('reads a refusal with its reason', async () => {
      const { status, body } = declined('segment');
      const { post } = await setup(json(status, body));
      expect(await post()).toMatchObject({ kind: 'declined', reason: { code: 'segment' } });
    });

    test('sends the same key and the same body for the same call', async () => {
      const { post, asked } = await setup(json(200, quoted(100)));
      await post();
      await post();
      expect(asked.map(({ headers }) => headers[keyHeader])).toEqual([CALL.idempotencyKey, CALL.idempotencyKey]);
      expect(asked[0]?.body).toBe(asked[1]?.body);
      expect(asked[0]?.body).toContain(CALL.request_id);
    });

    test.each<[string, AnswerWith, object]>([
      ['429 with a time', json(429, {}, { 'retry-after': '1.5' }), { fault: 'busy', retryAfterMs: 1_500 }],
      ['503', json(503, {}), { fault: 'busy' }],
      ['500', json(500, {}), { fault: 'server' }],
      ['400', json(400, {}), { fault: 'rejected' }],
      ['no JSON', (_, response) => void response.writeHead(200).end('<html>'), { fault: 'malformed' }],
      ['a member of the wrong type', json(200, mistyped), { fault: 'malformed' }],
      ['a body of over 256 KB', (_, response) => void response.writeHead(200).end(' '.repeat(TOO_LONG)), { fault: 'malformed' }],
      ['a connection that breaks', (_, response) => void response.destroy(), { fault: 'connection' }],
      ['silence', silence, { fault: 'timeout' }],
    ])('makes of %s a fault of its kind', async (_, answer, fault) => {
      const { post } = await setup(answer, answer === silence ? TIMEOUT_MS : PATIENCE_MS);
      expect(await post()).toMatchObject({ kind: 'fault', ...fault });
    });

    test('does not follow a redirect to itself for ever', async () => {
      const { post, asked } = await setup((one, response) => void response.writeHead(307, { location: one.path }).end());
      expect(await post()).toMatchObject({ kind: 'fault', fault: 'malformed' });
      expect(asked).toHaveLength(1);
    });

    test('gives up a body that drips, and its socket', async () => {
      const { post, asked } = await setup((_, response) => {
        response.writeHead(200);
        const drip = setInterval(() => response.write(' '), 20);
        response.once('close', () => {
          clearInterval(drip);
        });
      }, TIMEOUT_MS);
      expect(await post()).toMatchObject({ kind: 'fault', fault: 'timeout' });
      await until('the insurer sees it go', () => asked[0]?.socket.destroyed === true);
    });

    test('frees the socket of a call that is abandoned', async () => {
      const { post, asked, stop } = await setup(silence);
      const reply = post();
      await until('it was asked', () => asked.length === 1);
      const closed = asked[0] === undefined ? undefined : once(asked[0].socket, 'close');
      stop.abort();
      expect((await reply).kind).toBe('fault');
      await closed;
    });
  });
};

const roubles = (kopecks: number): string => `${Math.floor(kopecks / 100)}.${String(kopecks % 100).padStart(2, '0')}`;

const DIALECTS: Readonly<Record<string, Dialect>> = {
  standard: {
    quoted: (premium_kopecks) => ({ application_id: 'a', status: 'ready', quote: { premium_kopecks } }),
    declined: (code) => ({ status: 422, body: { status: 'declined', reason: { code } } }),
    mistyped: { application_id: 'a', status: 'ready', quote: { premium_kopecks: '1' } },
    keyHeader: 'idempotency-key',
  },
  instant: {
    quoted: (kopecks) => ({ result: 'OK', price: roubles(kopecks) }),
    declined: (code) => ({ status: 200, body: { result: 'REFUSED', code } }),
    mistyped: { result: 'OK', price: 7_123.45 },
    keyHeader: 'x-request-key',
  },
};

test('every adapter has its dialect here', () => {
  expect(Object.keys(DIALECTS).sort()).toEqual(Object.keys(ADAPTERS).sort());
});

for (const [name, adapter] of Object.entries(ADAPTERS)) {
  const dialect = DIALECTS[name];
  if (dialect !== undefined) describeAdapter(name, adapter, dialect);
}

describe('the instant protocol', () => {
  test.each([
    ['7123.45', 712_345],
    ['7123.4', 712_340],
    ['7123', 712_300],
    ['0.07', 7],
    ['1.10', 110],
    ['99999999.99', 9_999_999_999],
  ])('has %s roubles for %i kopecks', (text, kopecks) => {
    expect(kopecksOf(text)).toBe(kopecks);
  });

  test('asks for what it needs, under its own names, and sends no contacts', async () => {
    const { url, asked } = await startInsurer(json(200, { result: 'OK', price: '7123.45', till: '2026-11-28T09:00:00Z' }));
    const agent = createAgent([{}]);
    closeLater(() => agent.destroy());
    const insurer = ADAPTERS['instant']?.(httpCaller({ agent, nowMs: () => 0 }, url), { post_timeout_ms: PATIENCE_MS });
    const options = { signal: new AbortController().signal, startByMs: Infinity };
    const reply = await insurer?.post({ request_id: 'r', idempotencyKey: 'k', application: APPLICATION }, options);
    expect(reply).toEqual({ kind: 'quoted', quote: { premium_kopecks: 712_345, valid_until: '2026-11-28T09:00:00Z' } });
    expect(asked[0]?.path).toBe('/calc');
    expect(JSON.parse(asked[0]?.body ?? '')).toMatchObject({ ref: 'r', car: APPLICATION.vehicle, persons: { owner: APPLICATION.owner } });
    expect(asked[0]?.body).not.toContain(APPLICATION.contacts.phone);
    expect(await insurer?.poll('any', options)).toMatchObject({ kind: 'failed' });
  });
});
