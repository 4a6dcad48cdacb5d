import { describe, expect, test } from '@jest/globals';
import type { InsurerReply } from '@osago/quotes';
import { retryAfterMs } from './insurer-http.ts';
import { pollReply, postReply } from './standard-insurer.ts';

const NOW_MS = Date.parse('2026-11-21T09:00:00Z');

const quote = {
  premium_kopecks: 712_345,
  base_rate_kopecks: 494_200,
  coefficients: { kt: 1.8, kbm: 0.83, kvs: 0.96, ko: 1, km: 1.1, ks: 1 },
  valid_until: '2026-11-28T09:00:00Z',
  extras: [{ name: 'ДМС', premium_kopecks: 90_000, mandatory: false }],
  pool: true,
  prolongation: false,
};
const reason = { code: 'segment', message: 'не наш сегмент' };
const missing_fields = ['/drivers/0/licence'];

const answer = (status: number, body?: unknown, afterMs?: number) => ({ status, body, retryAfterMs: afterMs });
const fault = (kind: string, afterMs?: number) => ({
  kind: 'fault',
  fault: kind,
  message: expect.stringMatching(/^HTTP \d{3}/) as unknown,
  ...(afterMs !== undefined && { retryAfterMs: afterMs }),
});

type Case = [string, ReturnType<typeof answer>, unknown];

/** The same whatever was asked. */
const COMMON: Case[] = [
  ['429', answer(429), fault('busy')],
  ['429 with a time', answer(429, undefined, 1_500), fault('busy', 1_500)],
  ['503', answer(503, { any: 1 }), fault('busy')],
  ['503 with a time', answer(503, undefined, 2_000), fault('busy', 2_000)],
  ['500', answer(500, 'oops'), fault('server')],
  ['502 with a time', answer(502, undefined, 100), fault('server', 100)],
  ['504', answer(504), fault('server')],
  ['301', answer(301), fault('malformed')],
  ['304', answer(304), fault('malformed')],
  ['400', answer(400, { detail: 'bad' }), fault('rejected')],
  ['401', answer(401), fault('rejected')],
  ['403', answer(403), fault('rejected')],
  ['409', answer(409), fault('rejected')],
  ['204', answer(204), fault('malformed')],
  ['200 without JSON', answer(200), fault('malformed')],
  ['200 with null', answer(200, null), fault('malformed')],
  ['200 with a list', answer(200, []), fault('malformed')],
  ['200 with an unknown status', answer(200, { application_id: 'a', status: 'done' }), fault('malformed')],
  ['200 without the id', answer(200, { status: 'pending' }), fault('malformed')],
  ['200 with an id that is a number', answer(200, { application_id: 7, status: 'pending' }), fault('malformed')],
  ['200 ready without a quote', answer(200, { application_id: 'a', status: 'ready' }), fault('malformed')],
  [
    'a premium with a fraction',
    answer(200, { application_id: 'a', status: 'ready', quote: { premium_kopecks: 0.5 } }),
    fault('malformed'),
  ],
  [
    'a negative premium',
    answer(200, { application_id: 'a', status: 'ready', quote: { premium_kopecks: -1 } }),
    fault('malformed'),
  ],
  [
    'coefficients in words',
    answer(200, { application_id: 'a', status: 'ready', quote: { ...quote, coefficients: { kt: '1.8' } } }),
    fault('malformed'),
  ],
];

const POST: Case[] = [
  ['201 pending', answer(201, { application_id: 'a', status: 'pending' }), { kind: 'accepted', application_id: 'a' }],
  ['202 pending', answer(202, { application_id: 'a', status: 'pending' }), { kind: 'accepted', application_id: 'a' }],
  [
    '201 pending with a hint',
    answer(201, { application_id: 'a', status: 'pending' }, 700),
    { kind: 'accepted', application_id: 'a', retryAfterMs: 700 },
  ],
  ['200 ready', answer(200, { application_id: 'a', status: 'ready', quote }), { kind: 'quoted', quote }],
  ['422 declined', answer(422, { status: 'declined', reason }), { kind: 'declined', reason }],
  ['422 declined without a reason', answer(422, { status: 'declined' }), { kind: 'declined' }],
  [
    '422 needs_data',
    answer(422, { status: 'needs_data', reason, missing_fields }),
    { kind: 'needs_data', reason, missing_fields },
  ],
  ['422 with another status', answer(422, { status: 'ready' }), fault('malformed')],
  ['422 without JSON', answer(422), fault('malformed')],
  ['404', answer(404), fault('rejected')],
  ['200 estimated', answer(200, { application_id: 'a', status: 'estimated', quote }), fault('malformed')],
];

const POLL: Case[] = [
  ['404', answer(404), { kind: 'unknown' }],
  ['pending', answer(200, { application_id: 'a', status: 'pending' }), { kind: 'pending' }],
  [
    'pending with a hint',
    answer(200, { application_id: 'a', status: 'pending' }, 250),
    { kind: 'pending', retryAfterMs: 250 },
  ],
  ['estimated', answer(200, { application_id: 'a', status: 'estimated', quote }), { kind: 'estimated', quote }],
  [
    'estimated with a hint',
    answer(200, { application_id: 'a', status: 'estimated', quote }, 9),
    { kind: 'estimated', quote, retryAfterMs: 9 },
  ],
  ['ready', answer(200, { application_id: 'a', status: 'ready', quote }), { kind: 'quoted', quote }],
  ['declined', answer(200, { application_id: 'a', status: 'declined', reason }), { kind: 'declined', reason }],
  [
    'needs_data',
    answer(200, { application_id: 'a', status: 'needs_data', reason, missing_fields }),
    { kind: 'needs_data', reason, missing_fields },
  ],
  ['failed', answer(200, { application_id: 'a', status: 'failed', reason }), { kind: 'failed', reason }],
  ['422', answer(422, { status: 'declined' }), fault('rejected')],
];

describe('the answer to a POST', () => {
  test.each([...COMMON, ...POST])('%s', (_, given, reply) => {
    expect(postReply(given)).toEqual(reply);
  });
});

describe('the answer to a poll', () => {
  test.each([...COMMON, ...POLL])('%s', (_, given, reply) => {
    expect(pollReply(given)).toEqual(reply);
  });
});

describe('what the protocol does not know', () => {
  /** Members of an event of ours, and a person: neither may come from an insurer. */
  const foreign = { request_id: 'x', insurer_id: 'beta', fence: 9e9, step: 99, late: true, final: false, owner: 'Иванов' };

  test.each<[string, InsurerReply, InsurerReply]>([
    [
      'a refusal at once',
      postReply(answer(422, { ...foreign, status: 'declined', reason: { ...reason, ...foreign } })),
      { kind: 'declined', reason },
    ],
    [
      'a refusal later',
      pollReply(answer(200, { ...foreign, application_id: 'a', status: 'needs_data', reason: { ...reason, ...foreign }, missing_fields })),
      { kind: 'needs_data', reason, missing_fields },
    ],
    ['a failure', pollReply(answer(200, { ...foreign, application_id: 'a', status: 'failed' })), { kind: 'failed' }],
    [
      'a quote',
      pollReply(
        answer(200, {
          ...foreign,
          application_id: 'a',
          status: 'ready',
          quote: {
            ...foreign,
            ...quote,
            coefficients: { ...quote.coefficients, ...foreign },
            extras: quote.extras.map((extra) => ({ ...extra, ...foreign })),
          },
        }),
      ),
      { kind: 'quoted', quote },
    ],
    ['pending', pollReply(answer(200, { ...foreign, application_id: 'a', status: 'pending' })), { kind: 'pending' }],
  ])('is dropped from %s', (_, reply, known) => {
    expect(reply).toEqual(known);
  });
});

describe('Retry-After', () => {
  test.each<[string | string[] | undefined, number | undefined]>([
    [undefined, undefined],
    ['', undefined],
    ['0', 0],
    ['3', 3_000],
    ['0.25', 250],
    ['1.5', 1_500],
    [['2', '9'], 2_000],
    ['Sat, 21 Nov 2026 09:00:07 GMT', 7_000],
    ['Sat, 21 Nov 2026 08:00:00 GMT', 0],
    ['soon', undefined],
    ['Infinity', undefined],
    ['1e308', undefined],
    ['0x10', undefined],
  ])('%p is %p ms', (header, ms) => {
    expect(retryAfterMs(header, NOW_MS)).toBe(ms);
  });

  test.each(['-5', '9'.repeat(400), '1.2.3'])('%s never means a negative or an endless wait', (header) => {
    const ms = retryAfterMs(header, NOW_MS) ?? 0;
    expect(ms).toBeGreaterThanOrEqual(0);
    expect(ms).toBeLessThan(Infinity);
  });
});
